"""A stop, in the mailbox: it ends what was said before it, wherever that is, and nothing that comes later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.message import Message, Turn
from bot.stores.connection import DUE, Store, key
from bot.stores.line import Line
from bot.stores.mailbox import Mailbox
from bot.stores.outbox import Outbox
from bot.stores.taken import Later, Mark, Speak, Think
from tests.unit.lines import open_line
from tests.unit.mailboxes import ANA, due_in_ms, reply, rings, said, state


def stop(number: int, **more: object) -> Message:
    return replace(said(number, "/stop"), **more)  # type: ignore[arg-type]


def marks(mailbox: Mailbox, token: str = "a") -> dict[str, Mark]:
    return dict(mailbox.renew([(ANA, token, ())]).marks)


def test_whoever_thinks_is_told_of_a_stop(thinking: Mailbox) -> None:
    assert marks(thinking) == {}
    thinking.accept([stop(2)])
    assert marks(thinking) == marks(thinking) == {"a": Mark(1, "", stopped=True)}


def test_a_stop_that_is_delivered_twice_stops_once(thinking: Mailbox, store: Store) -> None:
    """What is asked after the first delivery goes on, whatever comes again."""
    thinking.accept([stop(2)])
    thinking.commit(ANA, "a", 1, None, stopped=True)
    thinking.accept([said(3)])
    thinking.take(ANA, "a")
    thinking.commit(ANA, "a", 2, None)
    assert thinking.accept([stop(2)]) == 0
    thinking.take(ANA, "a")
    assert marks(thinking) == {}


def test_what_is_said_after_a_stop_goes_on(mailbox: Mailbox) -> None:
    mailbox.accept([stop(1), said(2)])
    task = mailbox.take(ANA, "a")
    assert isinstance(task, Think)
    assert marks(mailbox) == {}
    mailbox.commit(ANA, "a", 1, None)
    mailbox.take(ANA, "a")
    assert marks(mailbox) == {}


def test_a_stop_does_not_end_itself(mailbox: Mailbox) -> None:
    mailbox.accept([said(1), stop(2)])
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 1, None, stopped=True)
    mailbox.take(ANA, "a")
    assert marks(mailbox) == {}


def test_a_turn_that_waits_for_its_model_is_woken_by_a_stop(thinking: Mailbox, store: Store) -> None:
    """It ends within a moment, not when the model is asked again."""
    thinking.defer(ANA, "a", 25)
    before = rings(store)
    assert due_in_ms(store) > 20_000
    thinking.accept([stop(2)])
    assert due_in_ms(store) <= 1000
    assert rings(store) >= before
    assert isinstance(thinking.take(ANA, "b"), Think)


def test_a_turn_that_a_stop_ended_is_not_put_off_for_its_model(thinking: Mailbox, store: Store) -> None:
    """The model broke while the stop came: nobody waits 25 s to be told that it is over. Nor does it come back at once
    and at once again, where it cannot end: while its channel is off, say."""
    thinking.accept([stop(2)])
    thinking.defer(ANA, "a", 25)
    assert 100 < due_in_ms(store) <= 500
    assert isinstance(thinking.take(ANA, "b"), Later)


def test_a_turn_that_waits_is_woken_also_while_somebody_speaks(thinking: Mailbox, store: Store) -> None:
    """The notice that the model is slow was on its way when the stop came: whoever said it goes on with the turn."""
    thinking.defer(ANA, "a", 25, notice=reply(-1, "slow"))
    assert isinstance(thinking.take(ANA, "b"), Speak)
    thinking.accept([stop(2)])
    assert Outbox(store).record(ANA, -1, 0, "sent", identity="9")
    thinking.release(ANA, "b")
    assert due_in_ms(store) <= 1000
    assert isinstance(thinking.take(ANA, "c"), Think)


def test_a_stopped_turn_does_not_stand_in_the_line(thinking: Mailbox, store: Store) -> None:
    """It comes back at once instead of when there is a place."""
    line: Line = open_line(store)
    store.client.zadd("recado:places:models:one", {"somebody": 1 << 52})
    thinking.accept([stop(2)])
    place, seconds = line.enter(ANA, "a", ["one"])
    assert place == ""
    assert 0 < seconds < 0.1
    assert due_in_ms(store) <= 0


def test_the_end_by_a_stop_is_noted_with_its_number(thinking: Mailbox, store: Store) -> None:
    """So that the stop knows that it stopped something; once, however often the commit is asked for."""
    thinking.accept([stop(2)])
    for _ in range(2):
        assert thinking.commit(ANA, "a", 1, None, stopped=True)
    assert state(store, "halted") == "2"
    assert store.client.hget("recado:counts", "stopped") == b"1"


def test_a_stop_after_the_commit_changes_nothing(thinking: Mailbox, store: Store) -> None:
    """What was answered is answered, and still delivered."""
    thinking.commit(ANA, "a", 1, reply(1), [Turn("assistant", "answer", 1, 1)])
    thinking.accept([stop(2)])
    assert thinking.commit(ANA, "a", 1, reply(1))
    assert store.client.llen(key(ANA, "out")) == 1
    assert store.client.llen(key(ANA, "history")) == 1
    assert state(store, "halted") is None


def test_a_stop_that_only_mentions_the_word_stops_nothing(thinking: Mailbox) -> None:
    thinking.accept([said(2, "please /stop"), said(3, "stop"), said(4, "/stopping")])
    assert marks(thinking) == {}


def test_somebody_elses_stop_in_a_group_is_not_ours(thinking: Mailbox) -> None:
    thinking.accept([stop(2, addressed=False)])
    assert marks(thinking) == {}


# -- the button ------------------------------------------------------------------------------------


def growing(mailbox: Mailbox, store: Store, token: str = "a", turn: int = 1, bubble: str = "90") -> None:
    """The answer of this turn grows in a bubble."""
    outbox = Outbox(store)
    begun = outbox.begin(ANA, token, turn, 0, (), mode="open")
    assert begun.permission == "go"
    outbox.opened(ANA, begun.identity, bubble)


@pytest.mark.parametrize("bubble", ["90", "-1009/90"])
def test_the_button_stops_the_answer_above_it(thinking: Mailbox, store: Store, bubble: str) -> None:
    """Also where the group has become a supergroup, whose id then stands in the bubble's."""
    growing(thinking, store, bubble=bubble)
    thinking.accept([stop(2, pressed=True, reply_to="90")])
    assert marks(thinking) == {"a": Mark(1, "", stopped=True)}


def test_a_button_whose_bubble_is_being_opened_stops_it(thinking: Mailbox, store: Store) -> None:
    """It was seen before we knew its id."""
    Outbox(store).begin(ANA, "a", 1, 0, (), mode="open")
    thinking.accept([stop(2, pressed=True, reply_to="90")])
    assert marks(thinking)["a"].stopped


def test_a_press_that_comes_late_does_not_stop_the_next_answer(thinking: Mailbox, store: Store) -> None:
    """The button was under an answer that was over; the next question came in first."""
    growing(thinking, store)
    thinking.commit(ANA, "a", 1, None)
    thinking.accept([said(2)])
    thinking.take(ANA, "a")
    growing(thinking, store, turn=2, bubble="91")
    thinking.accept([stop(3, pressed=True, reply_to="90")])
    assert marks(thinking) == {}


def test_a_press_that_overtakes_a_question_does_not_stop_it(thinking: Mailbox, store: Store) -> None:
    """Buttons and messages come in lines of their own: the question was written first, and came last."""
    growing(thinking, store)
    thinking.accept([stop(2, pressed=True, reply_to="90")])
    thinking.accept([said(3)])
    thinking.commit(ANA, "a", 1, None, stopped=True)
    thinking.take(ANA, "a")  # the press itself
    thinking.commit(ANA, "a", 2, None)
    thinking.take(ANA, "a")
    assert marks(thinking) == {}


def test_a_press_under_an_old_answer_ends_nothing_that_waits(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1)])
    mailbox.accept([stop(2, pressed=True, reply_to="7")])
    assert state(store, "stop") is None
    assert store.client.zscore(DUE, ANA) is not None


def test_a_stop_during_a_crash_holds_for_the_next_worker(thinking: Mailbox, store: Store) -> None:
    """The worker died between the stop and its end: whoever thinks next finds the mark."""
    thinking.accept([stop(2)])
    store.client.delete(key(ANA, "lease"))
    task = thinking.take(ANA, "b")
    assert isinstance(task, Think)
    assert int(task.state["stop"]) > task.batch.messages[-1].number
