"""The button under a growing answer: it is there while the answer grows, ends it, and says nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from bot import texts
from bot.message import Message, Piece
from bot.stores.connection import Store
from tests.unit.backgrounds import Worker
from tests.unit.fates import EditingChannel, unrest
from tests.unit.mailboxes import ANA
from tests.unit.talks import remembered, rest
from tests.unit.worlds import World
from workers import grow


class ButtonChannel(EditingChannel):
    """A platform with buttons: ``buttons`` is what the one under each bubble says, ``ever`` all that were shown."""

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[str, str] = {}
        self.ever: list[str] = []

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        bubble = super().speak(conversation, piece, reference)
        self._label(bubble, piece)
        return bubble

    def edit(self, conversation: str, bubble: str, piece: Piece) -> None:
        super().edit(conversation, bubble, piece)
        self._label(bubble, piece)

    def _label(self, bubble: str, piece: Piece) -> None:
        self.buttons[bubble] = piece.stop
        self.ever.append(piece.stop)


def press(world: World, bubble: str) -> None:
    world.number += 1
    world.mailbox.accept([Message(str(world.number), ANA, "/stop", pressed=True, reply_to=bubble)])


def test_a_button_says_nothing(world: World, store: Store) -> None:
    """Who presses sees the answer end; whoever presses late sees that it has."""
    press(world, "")
    world.answerer.answer(ANA)
    assert world.channel.spoken == []
    assert remembered(store) == []
    assert unrest(store) == []


@pytest.fixture
def buttons() -> ButtonChannel:
    return ButtonChannel()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grow, "OPEN_AT", 1)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("language", ["es", "en"])
def test_an_answer_has_its_button_while_it_grows_and_not_after(
    store: Store, buttons: ButtonChannel, language: str
) -> None:
    world = World(store, channel=buttons)
    world.backend.answers = [["The bakery ", "opens at nine ", "and closes at five"]]
    world.answer("when?", language=language)
    assert buttons.ever[:-1] == [texts.STOP.to(language)] * 3  # type: ignore[arg-type]
    assert buttons.ever[-1] == ""
    assert buttons.shown == ["The bakery opens at nine and closes at five"]


def test_what_was_looked_up_has_no_button(store: Store, buttons: ButtonChannel) -> None:
    World(store, channel=buttons).answer("/help")
    assert set(buttons.ever) == {""}


@pytest.mark.usefixtures("at_once", "quick")
def test_the_button_ends_the_answer_above_it(started: Callable[..., Worker], store: Store) -> None:
    worker = started()
    buttons = worker.channels["fake"] = worker.channel = ButtonChannel()
    worker.answerer = worker.background._answerer = worker.worker()
    goes_on = threading.Event()
    worker.backend.answers = [["The bakery ", "opens at nine ", "and closes"]]
    buttons.after = lambda _: None if goes_on.is_set() else press(worker, "1") or goes_on.set()
    worker.backend.pace = 0.3
    worker.say("when?")
    worker.think().join(10)
    assert len(buttons.shown) == 1
    assert "closes" not in buttons.shown[0]
    assert buttons.buttons == {"1": ""}
    assert remembered(store)[1] == ("assistant", buttons.shown[0], "")


@pytest.mark.usefixtures("at_once")
def test_a_bubble_that_a_dead_worker_began_says_that_it_was_stopped(store: Store, buttons: ButtonChannel) -> None:
    """What was shown in it died with its worker: it says no half a sentence for ever, and has no button."""
    world = World(store, channel=buttons)
    world.say("when?")
    task = world.mailbox.take(ANA, "dead")
    begun = world.answerer._outbox.begin(ANA, "dead", 1, 0, (), mode="open")
    bubble = buttons.speak(ANA, Piece("The …", stop="Stop"), begun.identity)
    world.answerer._outbox.opened(ANA, begun.identity, bubble)
    assert task
    press(world, bubble)
    world.crash()
    rest(world)
    assert buttons.shown == [texts.STOPPED.to("en")]
    assert buttons.buttons == {bubble: ""}
    assert unrest(store) == []
