"""An answer is shown beside its thinking: a platform that is slow keeps nobody's place before the model."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from bot.stores.connection import Store, key
from tests.unit.fates import EditingChannel, unrest
from tests.unit.growing import WHOLE, growing
from tests.unit.mailboxes import ANA, BEA, until
from tests.unit.worlds import World, holding
from workers import grow
from workers.grow import Beside, Growing

HANGS = 20


@pytest.fixture
def world(store: Store, channel: EditingChannel, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(grow, "OPEN_AT", 1)
    world = growing(store, channel)
    world.served_by("one")
    world.answerer.beside = Beside
    return world


@pytest.fixture
def hung(world: World, channel: EditingChannel) -> Iterator[threading.Event]:
    """The platform hangs in the call that opens Ana's bubble until this is set; her answer is being shown meanwhile."""
    free, hangs = threading.Event(), threading.Event()

    def before(_: str) -> None:
        channel.before = lambda _: None
        hangs.set()
        free.wait(HANGS)

    channel.before = before
    world.say("when?")
    worker = threading.Thread(target=world.answerer.answer, args=(ANA,), daemon=True)
    worker.start()
    assert hangs.wait(HANGS)
    yield free
    free.set()
    worker.join(HANGS)
    assert not worker.is_alive()


def test_a_platform_that_hangs_keeps_nobody_from_the_model(
    world: World, channel: EditingChannel, hung: threading.Event
) -> None:
    """Its server takes one at a time, and has said the whole of the first answer: the second person is served."""
    until(lambda: not world.store.client.zcard("recado:places:models:one"))
    world.say("and me?", conversation=BEA)
    world.worker().answer(BEA)
    assert not hung.is_set()
    assert channel.shown == ["re: and me?"]


def test_the_answer_waits_for_the_bubble_that_is_being_opened(
    world: World, channel: EditingChannel, hung: threading.Event
) -> None:
    """Or it would open another one: whatever happens meanwhile, there is one bubble, with the whole answer."""
    until(lambda: world.backend.streams[0].closed)
    assert channel.shown == []
    hung.set()
    until(lambda: unrest(world.store) == [])
    assert channel.shown == [WHOLE]


def test_an_answer_for_which_there_is_no_thread_is_said_whole(
    world: World, channel: EditingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would not fail: three such turns are a dead letter."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    world.say("when?")
    world.answerer.answer(ANA)
    assert channel.shown == [WHOLE]
    assert world.store.client.hget(key(ANA, "state"), "tries") is None


def test_what_is_shown_next_is_the_newest(world: World, channel: EditingChannel) -> None:
    """What came while the platform was slow is shown at once, not bit by bit."""
    slow = threading.Event()
    pieces = [*["The bakery opens at nine"], *[f" and {number}" for number in range(20)], " in all."]

    def before(what: str) -> None:
        if what == "speak":
            slow.wait(HANGS)

    def say() -> Iterator[str]:
        yield from pieces[:-1]
        slow.set()
        until(lambda: len(channel.seen.get("1", ())) > 1)
        yield pieces[-1]

    channel.before = before
    world.backend.answers = [say()]  # type: ignore[list-item]
    world.say("when?")
    world.answerer.answer(ANA)
    assert channel.shown == ["".join(pieces)]
    assert "".join(pieces[:-1]) + grow.MORE in channel.seen["1"]
    assert len(channel.seen["1"]) < 6


def test_who_finds_while_showing_that_the_turn_is_anothers_ends_the_thinking(
    world: World, channel: EditingChannel
) -> None:
    """The model is not heard to the end, and nothing is said."""

    def taken_over(_: str) -> None:
        channel.before = lambda _: None
        world.store.client.set(key(ANA, "lease"), "another")

    channel.before = taken_over
    world.backend.answers = [["The bakery opens", *["."] * 400]]
    world.backend.pace = 0.01
    world.say("when?")
    world.answerer.answer(ANA)
    assert world.backend.streams[0].given < 400
    assert not any(text.endswith("....") for text in channel.shown)


def test_an_answer_of_which_nothing_is_shown_starts_no_thread(world: World, channel: EditingChannel) -> None:
    channel.edits = False
    before = threading.active_count()
    seen: list[int] = []
    channel.before = lambda _: seen.append(threading.active_count())
    world.say("when?")
    world.answerer.answer(ANA)
    assert seen == [before]


# -- a model that falls silent -----------------------------------------------------------------------


def test_first_words_are_seen_in_time_also_when_no_second_ones_come(
    world: World, channel: EditingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too few to open the bubble at once, and then the model thinks: nobody waits for it to go on."""
    monkeypatch.setattr(grow, "OPEN_AT", 60)
    monkeypatch.setattr(grow, "OPEN_AFTER_SECONDS", 0.05)

    def say() -> Iterator[str]:
        yield "The bakery o"
        until(lambda: channel.shown)
        yield "pens"

    world.backend.answers = [say()]  # type: ignore[list-item]
    world.say("when?")
    world.answerer.answer(ANA)
    assert channel.seen["1"][0] == "The bakery" + grow.MORE
    assert channel.shown == ["The bakery opens"]
    assert unrest(world.store) == []


def test_a_bubble_is_opened_early_enough_to_be_seen_within_a_second() -> None:
    """Its way to the platform takes what is left of it."""
    assert grow.OPEN_AFTER_SECONDS <= 0.7


def test_what_came_between_two_edits_is_shown_when_the_next_is_due(
    world: World, channel: EditingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "edit_seconds", lambda _: 0.1)

    def say() -> Iterator[str]:
        yield "The bakery "
        until(lambda: channel.shown)
        yield "opens "
        yield "at nine"
        until(lambda: channel.shown == ["The bakery opens at nine" + grow.MORE])

    world.backend.answers = [say()]  # type: ignore[list-item]
    world.say("when?")
    world.answerer.answer(ANA)
    assert channel.shown == ["The bakery opens at nine"]


def test_what_a_slow_opening_left_out_is_shown_although_the_model_falls_silent(
    world: World, channel: EditingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening the bubble took longer than edits must lie apart."""
    monkeypatch.setattr(channel, "edit_seconds", lambda _: 0.02)
    channel.after = lambda _: time.sleep(0.05)

    def say() -> Iterator[str]:
        yield "The bakery opens"
        until(lambda: channel.shown == ["The bakery opens" + grow.MORE])
        yield " at nine"

    world.backend.answers = [say()]  # type: ignore[list-item]
    world.say("when?")
    world.answerer.answer(ANA)
    assert channel.seen["1"][0] == "The bakery" + grow.MORE
    assert channel.shown == ["The bakery opens at nine"]


def test_a_silent_model_costs_no_look(world: World, channel: EditingChannel) -> None:
    """All that there is was shown: whoever shows it sleeps until there is more."""
    with holding(world.answerer, ANA) as held:
        world.say("when?")
        world.mailbox.take(ANA, held.token)
        growing = Growing(world.answerer._outbox, held, channel, 1, lambda *_: None)
        assert growing.patience is None
        for _ in range(3):
            growing.show(lambda: "The bakery opens")
        assert channel.shown == ["The bakery opens" + grow.MORE]
        assert growing.patience is None
