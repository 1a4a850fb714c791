"""/privacy: what is kept and who thinks is said as it is; a person's own data come as a file, and go when they want."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from bot.business import Business
from bot.errors import RateLimited
from bot.message import Message, Piece
from bot.stores import bell, erase
from bot.stores.connection import Store, key
from bot.stores.mailbox import QUARANTINE
from bot.stores.person import Person, find
from tests.unit.backgrounds import Worker
from tests.unit.fates import EditingChannel, Killed, Steps, unrest
from tests.unit.mailboxes import ANA, BEA, counted, until
from tests.unit.talks import LANGUAGES
from tests.unit.worlds import FakeChannel, World
from workers import background, jobs

WORDS = "canario-4711"
THREAD = f"{ANA}:9"
YES = {"es": "sí", "en": "yes"}
GONE = {"es": "he borrado todo", "en": "I have erased all"}


class FilesChannel(FakeChannel):
    """A platform that takes files: ``files`` are those that came, by their names."""

    sends_files = True

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, str] = {}

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        if piece.file:
            self.files[piece.file_name] = piece.file
        return super().speak(conversation, piece, reference)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase, "NOTICE_SECONDS", 0)


def exporting(store: Store, channel: FakeChannel | None = None, **settings: object) -> World:
    world = World(store, channel=channel, **settings)
    world.thinker._orders._export = lambda person: jobs._export(store, person)
    return world


@LANGUAGES
def test_a_person_is_told_what_is_kept_for_how_long_and_who_thinks(store: Store, language: str) -> None:
    own = World(store, history_days=7).answer("/privacy", language=language)[0]
    remote = World(store, llm_provider="openai", llm_base_url="https://api.openai.com")
    remote.number = 1
    theirs = remote.answer("/privacy", language=language)[0]
    assert "7" in own
    assert "api.openai.com" not in own
    assert "api.openai.com" in theirs
    for said in (own, theirs):
        assert "/privacy export" in said
        assert "/privacy erase" in said


@LANGUAGES
@pytest.mark.parametrize("word", ["export", "EXPORTAR"])
def test_a_person_gets_their_own_data_as_a_file(store: Store, language: str, word: str) -> None:
    channel = FilesChannel()
    world = exporting(store, channel)
    world.say("her words", conversation=BEA)
    world.answer(WORDS, language=language)
    (said,) = world.answer(f"/privacy {word}", language=language)
    assert said.startswith({"es": "Aquí está", "en": "Here is"}[language])
    data = json.loads(channel.files["recado.json"])
    assert [one["conversation"] for one in data["conversations"]] == [ANA]
    assert [turn["text"] for turn in data["conversations"][0]["history"]] == [WORDS, f"re: {WORDS}"]
    assert "her words" not in channel.files["recado.json"]


@LANGUAGES
def test_where_no_file_can_be_sent_the_business_gives_it(store: Store, language: str) -> None:
    world = exporting(store)
    world.thinker._orders._business = Business(contact="612 345 678")
    (said,) = world.answer("/privacy export", language=language)
    assert "612 345 678" in said
    assert WORDS not in said


@LANGUAGES
@pytest.mark.parametrize("word", ["export", "erase yes"])
def test_in_a_group_nobodys_data_are_shown_and_nothing_goes(store: Store, language: str, word: str) -> None:
    world = exporting(store, FilesChannel())
    group = "fake:7:-5"
    world.mailbox.accept(
        [Message("1", group, WORDS, sender="1"), Message("2", group, f"/privacy {word}", sender="1", language=language)]
    )
    while world.mailbox.has_work(group):
        world.answerer.answer(group)
    assert {"es": "en privado", "en": "in private"}[language] in world.channel.spoken[-1]
    assert store.client.exists(key(group, "history"))
    assert not store.client.exists(erase.ERASING)


@LANGUAGES
def test_nothing_goes_before_it_was_asked_twice(store: Store, language: str) -> None:
    world = World(store)
    world.answer(WORDS)
    (said,) = world.answer("/privacy erase", language=language)
    assert f"/privacy erase {YES[language]}" in said
    assert world.answer("/privacy borrar no") == world.answer("/privacy erase")
    assert store.client.exists(key(ANA, "history"))


@LANGUAGES
def test_everything_goes_but_one_last_line_is_said(store: Store, language: str) -> None:
    """Of the conversation nothing stays when that line is delivered: no key, no wake-up, nothing that is due."""
    world = World(store)
    world.answer(WORDS, language="es")
    world.answer("/language en")
    (said,) = world.answer(f"/privacy erase {YES[language]}", language=language)
    assert GONE["en"] in said
    left = [name.decode() for name in store.client.scan_iter("recado:{*")]
    assert left == []
    assert store.client.exists(erase.ERASING)
    erase.finish(store)
    assert not find(store, Person.parse("fake:1"))
    assert unrest(store) == []


def test_who_writes_again_begins_anew(store: Store) -> None:
    world = World(store)
    world.answer(WORDS)
    world.answer("/privacy erase yes")
    erase.finish(store)
    assert world.answer("hello") == ["re: hello"]
    assert [turn.text for turn in world.backend.prompts[-1].turns[1:]] == ["hello"]
    assert unrest(store) == []


def test_what_is_written_after_it_is_answered(store: Store) -> None:
    """Before the farewell is said, and before everything else has gone."""
    world = World(store)
    world.answer(WORDS)
    world.say("/privacy erase yes", "hello")
    while world.mailbox.has_work(ANA):
        world.answerer.answer(ANA)
    erase.finish(store)
    assert GONE["en"] in world.channel.spoken[1]
    assert world.channel.spoken[2] == "re: hello"
    assert world.answer("and more") == ["re: and more"]
    assert [turn.text for turn in world.backend.prompts[-1].turns[1:]] == ["hello", "re: hello", "and more"]


def test_a_farewell_that_waits_keeps_only_what_it_needs(store: Store) -> None:
    world = World(store)
    world.answer(WORDS)
    world.channel.fail = [OSError("away")]
    world.say("/privacy erase yes")
    world.answerer.answer(ANA)
    everything = b" ".join(
        store.client.dump(name) or b"" for name in store.client.scan_iter("recado:{*") if b":state" not in name
    )
    assert WORDS.encode() not in everything
    known = {name.decode() for name in store.client.hkeys(key(ANA, "state"))}
    assert known <= {"number", "heard_at", "committed", "erased", "begun_at", "speak_at", "speak_wait", "piece:2:0"}


def test_an_answer_that_is_not_said_yet_goes_too_and_its_bubble_is_counted(
    store: Store, channel: EditingChannel
) -> None:
    """Its first words stand there already: what stays is never hidden from the operator."""
    world = World(store, channel=channel)
    channel.fail_edits = [RateLimited("slow", 30)] * 2
    world.say(WORDS)
    world.answerer.answer(ANA)
    assert counted(store, "stray") == 0
    world.answer("/privacy erase yes")
    store.client.hdel(key(ANA, "state"), "speak_at", "pause_at")
    world.answerer.answer(ANA)
    assert [text for text in channel.shown if not text.endswith("…")] == channel.shown[-1:]
    assert GONE["en"] in channel.shown[-1]
    assert counted(store, "stray") == len(channel.shown) - 1 == 1


def test_everything_else_of_the_person_goes_beside_the_turns(
    started: Callable[..., Worker], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other conversations, quarantined bodies, wake-ups: by the worker's background, nobody waits for it."""
    monkeypatch.setattr(background, "ERASE_SECONDS", 0.05)
    worker = started()
    worker.answerer.erase = lambda: erase.finish(store)
    worker.say("hello", conversation=THREAD)
    worker.say("hello", conversation=BEA)
    worker.mailbox.quarantine("fake", b'{"from":"1"}')
    worker.mailbox.quarantine("fake", b'{"from":"2"}')
    worker.say("/privacy erase yes")
    worker.answerer.answer(ANA)
    until(lambda: not store.client.exists(erase.ERASING, erase.BUSY))
    assert not find(store, Person.parse("fake:1"))
    assert store.client.llen(QUARANTINE) == 1
    assert store.client.exists(key(BEA, "in"))
    jobs_left = [store.client.hget(name, "data") for name in store.client.scan_iter("rq:job:*")]
    assert not [data for data in jobs_left if data and THREAD.encode() in data]
    assert store.client.llen(bell.QUEUE_KEY) >= 1


def test_two_workers_do_not_do_it_at_once_and_one_that_died_leaves_it_to_the_next(store: Store) -> None:
    world = World(store)
    world.answer("/privacy erase yes")
    store.client.set(erase.BUSY, "1")
    erase.finish(store)
    assert store.client.exists(erase.ERASING)
    store.client.delete(erase.BUSY)
    erase.finish(store)
    erase.finish(store)
    assert not store.client.exists(erase.ERASING, erase.BUSY)


@pytest.mark.parametrize("at", range(1, 16))
def test_a_worker_may_die_at_any_step_of_it(store: Store, at: int) -> None:
    """All goes, and the farewell is said once (or, with a bubble in doubt, again)."""
    steps, channel = Steps(store), FakeChannel()
    first, heir = World(steps, channel=channel), World(store, channel=channel)
    heir.answer(WORDS)
    heir.say("/privacy erase yes")
    steps.at, steps.fate = at, steps.die
    channel.before = channel.after = steps.step
    try:
        first.answerer.answer(ANA)
    except Killed:
        channel.before = channel.after = lambda _: None
    store.client.delete(key(ANA, "lease"))
    for _ in range(20):
        store.client.hdel(key(ANA, "state"), "speak_at")
        heir.answerer.answer(ANA)
    erase.finish(store)
    farewells = [text for text in channel.spoken if GONE["en"] in text]
    assert 1 <= len(farewells) <= 2
    assert not find(store, Person.parse("fake:1"))
    assert unrest(store) == []
