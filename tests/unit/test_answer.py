"""The use case, on a real mailbox, with a model and a platform that do as they are told."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self

import pytest

from bot import texts, wiring
from bot.business import Business, Question
from bot.channels import Channel
from bot.errors import Blocked, DeliveryError, RateLimited, Refused, Rejected, Unavailable, Undelivered, Unknown
from bot.message import Limit, Message, Piece
from bot.settings import Settings, load_settings
from bot.stores import bell
from bot.stores.connection import DUE, Store, key
from bot.stores.history import History
from bot.stores.mailbox import Mailbox
from bot.stores.outbox import Outbox
from workers.answer import Answerer
from workers.backends import Backend, Prompt
from workers.speak import Speaker
from workers.think import Thinker

ANA = "fake:7:1"


class FakeChannel(Channel):
    """A platform with memory; ``fail`` holds what the next calls raise, None for success."""

    name, account = "fake", "7"
    unknown_seconds = 0.05

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.typing: list[str] = []
        self.fail: list[DeliveryError | None] = []
        self.rate: tuple[Limit, ...] = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls()

    def admit(self, headers: Mapping[str, str]) -> None:
        """Everybody may come in."""

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[Message]:
        return []

    def limits(self, conversation: str) -> tuple[Limit, ...]:
        return self.rate

    def render(self, text: str) -> tuple[Piece, ...]:
        return tuple(Piece(part) for part in text.split("|"))

    def speak(self, conversation: str, piece: Piece, reference: str, quote: str = "") -> str:
        error = self.fail.pop(0) if self.fail else None
        if error is None or isinstance(error, Unknown):
            self.spoken.append(piece.text)
        if error:
            raise error
        return str(len(self.spoken))

    def show_typing(self, conversation: str, message_id: str) -> None:
        self.typing.append(message_id)


class FakeBackend(Backend):
    """A model with memory that says ``answers`` in turn; an error among them is raised."""

    name, takes_notes = "fake", False

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []
        self.answers: list[str | Exception] = []
        self.during: Callable[[], None] = lambda: None
        self.pace = 0.0

    @classmethod
    def from_settings(cls, settings: Settings, business: Business) -> Self:
        return cls()

    def stream(self, prompt: Prompt) -> Iterator[str]:
        self.prompts.append(prompt)
        answer = self.answers.pop(0) if self.answers else f"re: {prompt.turns[-1].text}"
        self.during()
        if isinstance(answer, Exception):
            yield "half a sentence, "
            raise answer
        for letter in answer:
            yield letter
            time.sleep(self.pace)

    def check(self) -> str:
        return "fake"


class World:
    """One worker's answerer beside its mailbox, platform and model."""

    def __init__(self, store: Store, **settings: object) -> None:
        self.store = store
        self.settings = load_settings(**({"default_language": "en"} | settings))
        self.mailbox = Mailbox(store, lease=15, quiet=0, cap=0, days=30)
        self.channel, self.backend = FakeChannel(), FakeBackend()
        self.number = 0
        self.channels: dict[str, Channel] = {"fake": self.channel}
        self.thinker = Thinker(
            self.settings, history=History(store), backend=self.backend, commands=wiring.open_commands(),
            business=Business(name="La Espiga", faq=(Question(question="Hours?", answer="9 to 17"),)),
        )  # fmt: skip
        self.answerer = self.worker()

    def worker(self) -> Answerer:
        return Answerer(
            self.settings, mailbox=self.mailbox, thinker=self.thinker, speaker=Speaker(Outbox(self.store)),
            channels=self.channels,
            show_typing=lambda channel, conversation, message: channel.show_typing(conversation, message),
        )  # fmt: skip

    def say(self, *sentences: str, language: str = "", conversation: str = ANA) -> None:
        for text in sentences:
            self.number += 1
            self.mailbox.accept([Message(str(self.number), conversation, text, language=language)])

    def answer(self, *sentences: str, language: str = "") -> list[str]:
        """Say something, let the worker answer, and return what the person was told."""
        before = len(self.channel.spoken)
        self.say(*sentences, language=language)
        self.answerer.answer(ANA)
        return self.channel.spoken[before:]

    def rest(self) -> bool:
        """Whether nothing is left to do or held in this conversation."""
        kept = [key(ANA, part) for part in ("in", "wip", "out", "lease")]
        return not self.store.client.exists(*kept) and self.store.client.zscore(DUE, ANA) is None

    def come_back(self, seconds: float = 0.06) -> None:
        """Let the waiting time pass and answer again."""
        time.sleep(seconds)
        self.answerer.answer(ANA)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def roles(prompt: Prompt) -> Sequence[str]:
    return [turn.role for turn in prompt.turns]


def test_a_message_is_answered_and_everything_is_at_rest(world: World) -> None:
    assert world.answer("hello") == ["re: hello"]
    assert world.rest()
    assert world.channel.typing == ["1"]


def test_a_burst_is_one_turn_and_the_next_turn_knows_it(world: World) -> None:
    """Messages that wait together are answered together, and remembered in order."""
    assert world.answer("one", "two") == ["re: one\ntwo"]
    world.answer("three")
    prompt = world.backend.prompts[-1]
    assert [turn.text for turn in prompt.turns[1:]] == ["one\ntwo", "re: one\ntwo", "three"]
    assert roles(prompt) == ["system", "user", "assistant", "user"]
    assert "La Espiga" in prompt.turns[0].text


def test_two_workers_build_the_same_context(world: World) -> None:
    """Nothing is remembered in a worker: another one goes on where the first stopped."""
    world.answer("one")
    world.answerer = world.worker()
    world.answer("two")
    assert [turn.text for turn in world.backend.prompts[-1].turns[1:]] == ["one", "re: one", "two"]


def test_commands_need_no_model_and_reset_forgets(world: World) -> None:
    world.answer("my name is Ana")
    assert "forgotten" in world.answer("/reset")[0]
    assert "/start" in world.answer("/help@recado_bot")[0]
    assert len(world.backend.prompts) == 1
    world.answer("who am I?")
    assert roles(world.backend.prompts[-1]) == ["system", "user"]


def test_an_unknown_command_is_answered_kindly(world: World) -> None:
    assert world.answer("/fly now") == [texts.UNKNOWN_COMMAND.to("en", command="fly")]


@pytest.mark.parametrize(("code", "language"), [("es-MX", "es"), ("en-GB", "en"), ("fr", "en"), ("", "en")])
def test_a_person_is_spoken_to_in_their_language(world: World, code: str, language: texts.Language) -> None:
    """The platform's language if we speak it, else the installation's."""
    said = world.answer("/start", language=code)[0]
    assert said.startswith({"es": "¡Hola!", "en": "Hello!"}[language])
    assert "La Espiga" in said


def test_what_is_no_text_is_answered_kindly(world: World) -> None:
    assert world.answer("") == [texts.NO_TEXT.to("en")]
    assert world.backend.prompts == []


def test_a_model_that_is_away_is_waited_for_in_no_thread(world: World) -> None:
    """The turn comes back later, whole, and half a sentence is never joined to another."""
    world.backend.answers = [Unavailable("away", retry_after=0.05)]
    assert world.answer("hello") == []
    assert world.store.client.get(key(ANA, "lease")) is None
    world.come_back()
    assert world.channel.spoken == ["re: hello"]
    assert world.rest()


def test_the_person_is_told_once_that_it_takes_long(store: Store) -> None:
    world = World(store, slow_notice_seconds=0.04)
    world.backend.answers = [Unavailable("away", retry_after=0.05)] * 3
    assert world.answer("hello") == []
    for pause in (0, 0.06, 0.12, 0.24):
        world.come_back(pause)
    assert world.channel.spoken == [texts.SLOW.to("en"), "re: hello"]
    assert world.rest()


def test_a_refused_turn_gets_an_apology_and_no_second_try(world: World) -> None:
    world.backend.answers = [Rejected("never")]
    assert world.answer("hello") == [texts.APOLOGY.to("en")]
    assert world.rest()
    assert world.answer("again") == ["re: again"]


def test_a_turn_that_always_fails_is_buried_and_the_conversation_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Three tries, then an apology; the batch is kept, and no word of the person is in the log."""
    caplog.set_level(logging.DEBUG)
    world.backend.answers = [RuntimeError("bug")] * 3
    world.answer("poison")
    for _ in range(2):
        world.store.client.hdel(key(ANA, "state"), "think_at")
        world.answerer.answer(ANA)
    assert world.channel.spoken == [texts.APOLOGY.to("en")]
    assert b"poison" in world.store.client.lindex(key(ANA, "dead"), 0)
    assert world.answer("hello") == ["re: hello"]
    assert world.rest()
    assert "poison" not in caplog.text


def test_an_answer_without_a_word_is_no_answer(world: World) -> None:
    world.backend.answers = [" \n"]
    assert world.answer("hello") == []
    assert not world.rest()


def test_a_worker_that_lost_its_lease_says_nothing(world: World) -> None:
    """While the model thought, another worker took over: only that one's reply counts."""

    def take_over() -> None:
        world.backend.during = lambda: None
        world.store.client.delete(key(ANA, "lease"))
        world.worker().answer(ANA)

    world.backend.during = take_over
    assert world.answer("hello") == ["re: hello"]
    assert len(world.backend.prompts) == 2
    assert [turn.text for turn in History(world.store).tail(ANA, 0, 1000)] == ["hello", "re: hello"]


def test_a_lost_lease_ends_the_thinking(world: World) -> None:
    """Told by the monitor, a turn stops reading the model's answer."""

    def lose() -> None:
        world.answerer.held[0].lost.set()

    world.backend.during = lose
    assert world.answer("hello") == []


def test_a_slow_answer_ends_with_what_came_in_time(store: Store) -> None:
    world = World(store, turn_seconds=0.05)
    world.backend.pace = 0.03
    assert world.answer("hello") == ["re:"]


def test_long_answers_come_in_their_bubbles_and_order(world: World) -> None:
    world.backend.answers = ["one|two|three"]
    assert world.answer("hello") == ["one", "two", "three"]


@pytest.mark.parametrize("error", [RateLimited("slow down", 0.05), Unknown("lost")])
def test_a_bubble_that_must_wait_holds_back_the_later_ones(world: World, error: DeliveryError) -> None:
    """The first bubble went, the second waits: the third is not sent before it."""
    world.backend.answers = ["one|two|three"]
    world.channel.fail = [None, error]
    before = ["one", "two"] if isinstance(error, Unknown) else ["one"]
    assert world.answer("hello") == before
    world.come_back()
    assert world.channel.spoken == [*before, "two", "three"]
    assert world.rest()


def test_what_was_not_taken_is_sent_again(world: World) -> None:
    world.channel.fail = [Undelivered("no network")]
    assert world.answer("hello") == []
    world.store.client.hdel(key(ANA, "state"), "speak_at")
    world.answerer.answer(ANA)
    assert world.channel.spoken == ["re: hello"]


def test_a_refused_bubble_does_not_hold_back_the_others(world: World) -> None:
    world.backend.answers = ["one|two"]
    world.channel.fail = [Refused("too odd")]
    assert world.answer("hello") == ["two"]
    assert world.rest()
    assert world.store.client.hget("recado:counts", "failed") == b"1"


def test_a_closed_chat_gets_nothing_more_of_this_reply(world: World) -> None:
    world.backend.answers = ["one|two"]
    world.channel.fail = [Blocked("gone")]
    assert world.answer("hello") == []
    assert world.rest()


def test_a_bubble_in_doubt_after_a_crash_is_counted_and_waits_before_it_goes_again(world: World) -> None:
    """A worker died between `sending` and the outcome: nobody knows what became of it."""
    world.channel.fail = [RateLimited("later", 0.01)]
    world.answer("hello")
    world.store.client.hset(key(ANA, "state"), "piece:1:0", "sending")
    world.come_back()
    assert world.channel.spoken == []
    assert world.store.client.hget("recado:counts", "unknown") == b"1"
    world.come_back()
    assert world.channel.spoken == ["re: hello"]
    assert world.rest()


def test_the_platforms_limits_are_shared_and_kept(store: Store) -> None:
    """Two bubbles a window, whichever worker sends them; the third leaves when its time has come."""
    world = World(store)
    world.channel.rate = (Limit("fake:7", 2, 0.3),)
    started = time.monotonic()
    for person in range(3):
        world.say("hello", conversation=f"fake:7:{person}")
        world.worker().answer(f"fake:7:{person}")
    assert len(world.channel.spoken) == 2
    while len(world.channel.spoken) < 3:
        assert time.monotonic() - started < 2
        time.sleep(0.01)
        world.answerer.answer("fake:7:2")
    assert time.monotonic() - started >= 0.14


def test_whoever_writes_much_goes_to_the_end_of_the_line(world: World) -> None:
    """Somebody else waits: after one turn the worker lets go."""
    world.say(*(f"message {n}" for n in range(45)))
    world.store.client.delete(bell.QUEUE_KEY)
    world.say("hello", conversation="fake:7:2")
    world.answerer.answer(ANA)
    assert len(world.channel.spoken) == 1
    assert in_line(world.store) == ["fake:7:2", ANA]


def in_line(store: Store) -> list[str]:
    """Whose wake-ups wait in RQ's queue, first to last."""
    ids = [name.decode() for name in store.client.lrange(bell.QUEUE_KEY, 0, -1)]
    return [json.loads(store.client.hget(f"rq:job:{one}", "data"))[2][0] for one in ids]


def test_a_flood_never_has_more_than_one_wake_up_in_line(world: World) -> None:
    """However often the sweeper rings for who is already in line, nobody gets two places there."""
    world.say(*(f"message {n}" for n in range(60)))
    for newcomer in range(2, 4):
        world.store.client.zadd(DUE, {ANA: 1})
        world.mailbox.sweep()
        assert in_line(world.store) == [ANA]
        world.store.client.lpop(bell.QUEUE_KEY)
        world.say("hello", conversation=f"fake:7:{newcomer}")
        world.answerer.answer(ANA)
        assert in_line(world.store) == [f"fake:7:{newcomer}", ANA]
        world.store.client.delete(bell.QUEUE_KEY)


def test_a_channel_that_is_off_loses_nothing(world: World) -> None:
    world.say("hello")
    world.channels.clear()
    world.answerer.answer(ANA)
    assert not world.rest()
    world.channels["fake"] = world.channel
    world.store.client.hdel(key(ANA, "state"), "think_at")
    world.answerer.answer(ANA)
    assert world.channel.spoken == ["re: hello"]


def test_abandoned_turns_are_anybodys_at_once(world: World) -> None:
    """A worker that must go gives its turns back, and another answers them."""

    def abandon() -> None:
        world.backend.during = lambda: None
        world.answerer.abandon()
        world.worker().answer(ANA)

    world.backend.during = abandon
    assert world.answer("hello") == ["re: hello"]


def test_one_line_a_turn_and_no_word_of_anybody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.answer("a very private question")
    lines = [record for record in caplog.records if record.name == "recado.turn"]
    assert [record.getMessage() for record in lines] == ["turn"]
    assert vars(lines[0])["outcome"] == "answered"
    assert not any("private" in json.dumps(vars(record), default=str) for record in caplog.records)
    assert not any(ANA in json.dumps(vars(record), default=str) for record in caplog.records)


def test_a_platform_hears_our_reference_and_a_router_our_pseudonym(world: World) -> None:
    """The session is stable for a conversation and does not show who it is."""
    world.answer("one")
    world.answer("two")
    first, second = (prompt.session for prompt in world.backend.prompts)
    assert first == second
    assert ANA not in first
