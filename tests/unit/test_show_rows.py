"""What `show` prints: messages in their order, in the operator's language, and nobody's words unasked."""

from __future__ import annotations

import json
import time

import pytest

from bot.errors import Unavailable, Undelivered, Unknown
from bot.show import labels, show, words
from bot.stores.connection import Store, key
from bot.texts import LANGUAGES, Language, Text
from tests.unit.fates import EditingChannel
from tests.unit.mailboxes import ANA, BEA, said
from tests.unit.showing import codes, look
from tests.unit.test_operator import Run, run
from tests.unit.tongues import language_in
from tests.unit.worlds import World
from workers import silence
from workers.gate import NOT_ADMITTED

__all__ = ["run"]


def test_messages_stand_in_the_order_in_which_they_were_said_with_their_times(store: Store, world: World) -> None:
    before = int(time.time() * 1000) - 1000
    world.answer("hello")
    world.backend.answers = [Unavailable("down")]
    world.answer("and now?")
    world.say("anybody?")
    rows = look(world).rows

    assert [(row.who, row.state, row.letters) for row in rows] == [
        ("person", "answered", 5), ("assistant", "delivered", 9), ("person", "being answered", 8),
        ("person", "waiting", 8),
    ]  # fmt: skip
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    assert rows[0].at > before
    assert rows[1].bubbles == ("sent",)


def test_what_was_remembered_before_times_were_is_shown_without(store: Store, world: World) -> None:
    said_before = ['{"v":1,"n":1,"r":"user","t":"old","k":1}', '{"v":1,"n":1,"r":"assistant","t":"re","k":1}']
    store.client.rpush(key(ANA, "history"), *said_before)
    assert codes(world) == ["answered-once"]
    store.client.hset(key(ANA, "state"), "committed", 1)
    store.client.set(key(ANA, "turn"), 1)
    world.answer("new")
    rows = look(world).rows

    shown = [("old", False), ("re", False), ("new", True), ("re: new", True)]
    assert [(row.text, bool(row.at)) for row in rows] == shown


def test_nobodys_words_are_shown_unless_they_are_asked_for(store: Store, world: World) -> None:
    """Neither in a table nor for machines, whatever state they are in."""
    secret = "canario"
    world.backend.answers = [f"re: {secret}", ValueError(secret), ValueError(secret), ValueError(secret)]
    world.answer(f"{secret} one")
    world.answer(f"{secret} two")
    for _ in range(3):
        world.think_again()
    world.channel.fail = [Undelivered(secret)]
    world.answer("/help")
    world.say(f"{secret} three")
    shown = look(world)

    assert secret not in json.dumps(shown.told(text=False))
    assert secret in json.dumps(shown.told(text=True))
    assert [cell for row in shown.rows for cell in row.cells("es", text=False) if secret in cell] == []
    assert [cell for row in shown.rows for cell in row.cells("es", text=True) if secret in cell]


def test_all_conversations_of_one_person_are_shown_one_after_the_other(store: Store, world: World) -> None:
    for who in (ANA, f"{ANA}:9", BEA):
        world.mailbox.accept([said(1, conversation=who)])
    shown = show(store, world.settings, world.channels, "fake:1")

    assert [one.conversation for one in shown] == [ANA, f"{ANA}:9"]


def test_every_reason_for_silence_has_words() -> None:
    reasons = {silence.QUOTA, silence.NOT_ADDRESSED, silence.CLOSED, NOT_ADMITTED}

    assert reasons < set(words.HEARD_FOR)
    assert set(labels.HEARD) == set(words.HEARD_FOR)


def test_why_something_was_only_heard_stands_beside_it_in_the_operators_language(world: World) -> None:
    world.answer("/baja")
    world.answer("still there?")
    [row] = [row for row in look(world).rows if row.state == "heard"]

    assert row.told(text=False)["why"] == "opted out"
    assert row.cells("es", text=False)[-1] == "solo oído: no quiere respuestas"
    assert row.cells("en", text=False)[-1] == "only heard: opted out"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_in_the_operators_language(language: Language) -> None:
    texts = [text for text in vars(words).values() if isinstance(text, Text)]

    assert len(texts) > 40
    other = {"es": "en", "en": "es"}[language]
    assert [text.to(language) for text in texts if language_in(text.to(language)) == other] == []


def test_the_command_prints_the_verdict_and_the_table(store: Store, run: Run, world: World) -> None:
    world.answer("hello")
    plain, machine = run("show", "fake:1"), run("show", ANA, "--json", "--text")

    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.startswith("Todo está respondido")
    assert "hello" not in plain.stdout
    [told] = json.loads(machine.stdout)
    assert told["verdict"][0]["code"] == "answered"
    assert [message["text"] for message in told["messages"]] == ["hello", "re: hello"]
    assert run("show", "::").returncode == 1


def test_what_would_command_the_terminal_does_not(store: Store, run: Run, world: World) -> None:
    world.answer("\x1b[2Jhello [bold]")

    assert "\x1b[2J" not in run("show", ANA, "--text").stdout
    assert "[bold]" in run("show", ANA, "--text").stdout


def test_an_answer_that_has_begun_to_show_is_half_shown(store: Store) -> None:
    channel = EditingChannel()
    world = World(store, channel=channel)
    channel.fail_edits = [Unknown("lost")] * 9
    world.answer("hello")

    assert look(world).rows[-1].bubbles == ("open",)
    assert codes(world) == ["speak-later"]
