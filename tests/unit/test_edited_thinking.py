"""A message that is edited while it is thought: the same turn is thought anew, into the same bubble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot import texts
from bot.message import Message
from bot.stores.connection import Store
from bot.stores.history import History
from bot.texts import Language
from tests.unit.backgrounds import NEVER, Worker
from tests.unit.fates import EditingChannel, Workers, unrest
from tests.unit.mailboxes import ANA
from tests.unit.worlds import World
from workers import grow
from workers.silence import NOT_ADDRESSED


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grow, "OPEN_AT", 1)


def write(world: World, text: str) -> None:
    """A message whose bubble is m1."""
    world.number += 1
    world.mailbox.accept([Message(str(world.number), ANA, text, bubble="m1")])


def edit(world: World, text: str) -> None:
    world.number += 1
    world.mailbox.accept([Message(str(world.number), ANA, text, bubble="m1", replaces="m1")])


def asked(world: World) -> list[str]:
    return [prompt.turns[-1].text for prompt in world.backend.prompts]


@pytest.mark.usefixtures("quick")
def test_the_model_is_asked_anew_at_once(started: Callable[..., Worker], store: Store) -> None:
    """The request with the old words ends before its first token, and nobody reads an answer to them."""
    worker = started()
    worker.backend.pace = NEVER
    write(worker, "at five?")
    thinking = worker.think()
    worker.backend.pace = 0.0
    edit(worker, "at six?")
    thinking.join(5)
    assert worker.backend.streams[0].closed
    assert worker.channel.spoken == ["re: at six?"]
    assert [turn.text for turn in History(store).tail(ANA, 0, 1000)] == ["at six?", "re: at six?"]
    assert unrest(store) == []


def test_an_edit_with_the_last_word_is_answered_in_the_same_bubble(store: Store, channel: EditingChannel) -> None:
    """The answer to the old words was growing, and was whole when the edit came."""
    world = World(store, channel=channel)
    world.backend.answers = [["at five ", "it is"], ["at six ", "it is"]]
    write(world, "at five?")
    channel.after = lambda _: edit(world, "at six?") if len(asked(world)) == 1 else None
    world.answerer.answer(ANA)
    assert asked(world) == ["at five?", "at six?"]
    assert channel.shown == ["at six it is"]
    assert unrest(store) == []


def test_an_answer_that_is_said_stays(store: Store, channel: EditingChannel) -> None:
    world = World(store, channel=channel)
    write(world, "at five?")
    world.answerer.answer(ANA)
    edit(world, "at six?")
    world.answerer.answer(ANA)
    assert channel.shown == ["re: at five?"]


def test_a_question_that_becomes_a_command_ends_in_its_bubble(store: Store, channel: EditingChannel) -> None:
    """The bubble of its answer was begun: the command's words take it over, and nothing is left half said."""
    world = World(store, channel=channel)
    world.backend.answers = [["at five ", "it is"]]
    write(world, "hlep")
    channel.after = lambda _: edit(world, "/reset") if len(asked(world)) == 1 else None
    world.answerer.answer(ANA)
    assert len(channel.shown) == 1
    assert "afresh" in channel.shown[0]
    assert unrest(store) == []


def test_a_message_among_others_that_becomes_a_command_loses_none_of_them(
    store: Store, channel: EditingChannel
) -> None:
    """Both were taken for one turn: what the other one asks is answered."""
    world = World(store, channel=channel)
    world.number = 1
    world.mailbox.accept([Message("a", ANA, "hlep", bubble="m1"), Message("b", ANA, "and when?", bubble="m2")])
    channel.after = lambda _: edit(world, "/help") if len(asked(world)) == 1 else None
    world.answerer.answer(ANA)
    assert asked(world)[1:] == ["/help\nand when?"]
    assert channel.shown == ["re: /help\nand when?"]
    assert unrest(store) == []


class Group(EditingChannel):
    """A group, in which we are called by a name."""

    def is_group(self, conversation: str) -> bool:
        return True

    def username(self) -> str:
        return "us"


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_question_that_is_no_longer_for_us_leaves_no_half_answer(store: Store, language: Language) -> None:
    """Its bubble was seen growing, with a button: it says that it was stopped, and is remembered as not for us."""
    group = Group()
    world = World(store, channel=group)
    world.backend.answers = [["at five ", "it is"]]
    asks = Message("a", ANA, "@us at five?", language=language, addressed=False, bubble="m1", called=("us",))
    world.mailbox.accept([asks])
    now = replace(asks, id="b", text="at five?", replaces="m1", called=())

    def edit_it(_: str) -> None:
        world.mailbox.accept([now])

    group.after = edit_it
    world.answerer.answer(ANA)
    assert group.shown == [texts.STOPPED.to(language)]
    assert [(turn.role, turn.heard) for turn in History(store).tail(ANA, 0, 1000)] == [("user", NOT_ADDRESSED)]
    assert unrest(store) == []


@pytest.mark.parametrize("at", range(1, 41))
def test_a_worker_may_die_at_any_step_beside_an_edit(store: Store, at: int) -> None:
    """One whole answer is shown, and it is an answer to the new words unless the old ones were answered before."""
    channel = EditingChannel()
    workers = Workers(store, channel)
    workers.heir.say = lambda *_: write(workers.heir, "at five?")  # type: ignore[method-assign, assignment]

    def fate() -> None:
        edit(workers.heir, "at six?")
        workers.steps.die()

    workers.meet(at, fate)
    workers.expire()
    workers.finish()
    question, answer = History(store).tail(ANA, 0, 1000)
    first = answer.text.startswith("the first one")
    assert question.text == ("at five?" if first else "at six?")
    assert [one for one in channel.shown if not one.endswith("…")] == answer.text.split("|")
    assert unrest(store) == []
