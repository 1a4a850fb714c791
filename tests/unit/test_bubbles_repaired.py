"""A preview that came late over a final text: the final text wins in the end."""

from __future__ import annotations

import pytest

from bot.message import Limit
from bot.received import Status
from bot.stores import bell
from bot.stores.connection import DUE, Store, key
from bot.stores.mailbox import Mailbox, Rest
from bot.stores.outbox import Outbox, piece_state
from tests.unit.bubbles import bubble, finish, grown, in_doubt, open_it, said_whole, speak_now, take_over
from tests.unit.everything import everything
from tests.unit.mailboxes import ANA, BEA, HOURS, due_in_ms, in_line, said, state

# -- put right -------------------------------------------------------------------------------------


def test_a_preview_of_ours_needs_no_repair(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    open_it(outbox)
    before = everything(store)
    assert outbox.repair(ANA, "a", 1, 0) == "ours"
    assert everything(store) == before


def test_a_preview_while_another_thinks_is_his_to_overwrite(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    open_it(outbox)
    take_over(thinking, store)
    before = everything(store)
    assert outbox.repair(ANA, "a", 1, 0) == "idle"
    assert everything(store) == before


def test_a_place_before_a_limit_is_not_kept_for_another_reply(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    """It waited its turn after the doubt; then a status told that it had been there all the time."""
    reference = in_doubt(mailbox, outbox)
    limit = Limit("slow", 1, 60)
    assert outbox.spare(BEA, [limit])
    speak_now(mailbox, store, "b")
    assert outbox.begin(ANA, "b", 1, 0, [limit]).permission == "wait"
    assert state(store, "permit") is not None
    outbox.settle(Status(ANA, reference, "sent"))
    assert [state(store, name) for name in ("permit", "permit_wait", "permit_stage")] == [None] * 3


@pytest.mark.parametrize("times", [1, 2])
def test_a_late_preview_over_a_reply_that_was_said_lets_it_be_said_again(
    thinking: Mailbox, store: Store, outbox: Outbox, times: int
) -> None:
    """The final text wins, also when the answer to the repair is lost and it is asked for twice."""
    open_it(outbox)
    take_over(thinking, store)
    said_whole(thinking, "b")
    finish(thinking, outbox, "b")
    store.client.delete(bell.QUEUE_KEY)
    for _ in range(times):
        assert outbox.repair(ANA, "a", 1, 0) == "repaired"
    assert in_line(store) == [ANA]
    assert 0 < due_in_ms(store) <= 1000
    assert store.client.pttl(key(ANA, "state")) == store.client.pttl(key(ANA, "turn")) == -1
    assert store.client.llen(key(ANA, "out")) == 1
    for worker in "cd"[:times]:
        task = speak_now(thinking, store, worker)
        assert (task.reply, piece_state(task.state, 1, 0)) == (grown(1), ("open", "50"))
        finish(thinking, outbox, worker)
    assert isinstance(thinking.take(ANA, "e"), Rest)
    assert set(store.client.hkeys(key(ANA, "state"))) == {b"number", b"heard_at", b"committed"}


def test_a_late_preview_between_two_bubbles_opens_the_first_again(
    thinking: Mailbox, store: Store, outbox: Outbox
) -> None:
    """The reply is not closed before it reads what it should."""
    open_it(outbox)
    take_over(thinking, store)
    said_whole(thinking, "b", "one", "two")
    outbox.begin(ANA, "b", 1, 0, (), mode="edit")
    outbox.record(ANA, 1, 0, "sent", identity="50")
    assert outbox.repair(ANA, "a", 1, 0) == "repaired"
    open_it(outbox, "b", "60", 1)
    assert not outbox.record(ANA, 1, 1, "sent", identity="60")
    assert bubble(store) == ("open", "50")
    finish(thinking, outbox, "b")
    assert store.client.exists(key(ANA, "out")) == 0


def test_a_late_preview_while_the_final_text_is_on_its_way_lets_it_be_said_twice(
    thinking: Mailbox, store: Store, outbox: Outbox
) -> None:
    """Nobody knows which of the two came last."""
    open_it(outbox)
    take_over(thinking, store)
    said_whole(thinking, "b")
    outbox.begin(ANA, "b", 1, 0, (), mode="edit")
    assert outbox.repair(ANA, "a", 1, 0) == "repaired"
    outbox.record(ANA, 1, 0, "sent", identity="50")
    assert bubble(store) == ("open", "50")
    assert not thinking.release(ANA, "b")
    assert 1000 < due_in_ms(store) <= 2000
    speak_now(thinking, store, "c")
    finish(thinking, outbox, "c")
    assert store.client.exists(key(ANA, "out")) == 0


def test_a_preview_that_may_still_come_lets_the_end_be_said_twice(
    thinking: Mailbox, store: Store, outbox: Outbox
) -> None:
    """And what was heard of the first edit may be written down twice: it is still said again, once."""
    open_it(outbox)
    assert outbox.repair(ANA, "a", 1, 0, again=True) == "ours"
    said_whole(thinking, "a")
    outbox.begin(ANA, "a", 1, 0, (), mode="edit")
    for _ in range(2):
        assert not outbox.record(ANA, 1, 0, "sent", identity="50")
    assert not thinking.release(ANA, "a")
    assert 1000 < due_in_ms(store) <= 2000
    speak_now(thinking, store, "b")
    finish(thinking, outbox, "b")
    assert store.client.exists(key(ANA, "out")) == 0


@pytest.mark.parametrize("already", ["said", "half said"])
def test_a_late_preview_that_may_still_come_after_all_was_said_lets_it_be_said_twice_too(
    thinking: Mailbox, store: Store, outbox: Outbox, already: str
) -> None:
    open_it(outbox)
    take_over(thinking, store)
    said_whole(thinking, "b", "one", "two")
    outbox.record(ANA, 1, 0, "sent", identity="50")
    if already == "said":
        outbox.record(ANA, 1, 1, "sent", identity="60")
    thinking.release(ANA, "b")
    assert outbox.repair(ANA, "a", 1, 0, again=True) == "repaired"
    outbox.record(ANA, 1, 1, "sent", identity="60")
    for worker in "cd":
        speak_now(thinking, store, worker)
        assert bubble(store) == ("open", "50")
        finish(thinking, outbox, worker)
    assert store.client.exists(key(ANA, "out")) == 0


@pytest.mark.parametrize("again", [False, True])
def test_after_an_erasure_there_is_nothing_to_put_right(
    thinking: Mailbox, store: Store, outbox: Outbox, again: bool
) -> None:
    open_it(outbox)
    store.client.flushall()
    assert outbox.repair(ANA, "a", 1, 0, again=again) == "idle"
    outbox.record(ANA, 1, 0, "sent", identity="50")
    assert everything(store) == {}


def test_a_repair_makes_nobody_late(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    """Whoever is due sooner for another reason stays so."""
    open_it(outbox)
    said_whole(thinking, "a")
    store.client.zadd(DUE, {ANA: 1})
    assert outbox.repair(ANA, "late", 1, 0) == "repaired"
    assert store.client.zscore(DUE, ANA) == 1


def test_a_bubble_that_failed_is_not_said_again_and_again(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    """A late preview in a chat that is closed to us by now: nothing to put right, and no turn in a circle."""
    open_it(outbox)
    take_over(thinking, store)
    said_whole(thinking, "b")
    outbox.record(ANA, 1, 0, "failed")
    thinking.release(ANA, "b")
    before = everything(store)
    assert outbox.repair(ANA, "a", 1, 0) == "idle"
    assert everything(store) == before


def test_a_bubble_that_failed_leaves_nothing_of_what_was_to_be_repeated(
    thinking: Mailbox, store: Store, outbox: Outbox
) -> None:
    open_it(outbox)
    outbox.repair(ANA, "a", 1, 0, again=True)
    said_whole(thinking, "a")
    assert outbox.record(ANA, 1, 0, "failed")
    assert state(store, "redo:1:0") is None


def test_a_repair_restores_the_other_bubbles_as_they_were(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    open_it(outbox)
    said_whole(thinking, "a", "one", "two", "three")
    outbox.record(ANA, 1, 0, "sent", identity="50")
    outbox.record(ANA, 1, 1, "failed")
    outbox.record(ANA, 1, 2, "sent", identity="52")
    thinking.release(ANA, "a")
    outbox.repair(ANA, "late", 1, 0)
    assert [bubble(store, index) for index in range(3)] == [("open", "50"), ("failed", ""), ("sent", "52")]


def test_what_was_said_is_remembered_for_an_hour_and_not_for_ever(mailbox: Mailbox, store: Store) -> None:
    """However long a conversation goes on without a break."""
    for turn in range(1, 31):
        mailbox.accept([said(turn)])
        mailbox.take(ANA, "a")
        said_whole(mailbox, "a", turn=turn)
        Outbox(store).record(ANA, turn, 0, "sent", identity=str(turn))
    assert 0 < store.client.pttl(key(ANA, "spoken")) <= HOURS
    assert {int(turn.removeprefix(b"at:")) for turn in store.client.hkeys(key(ANA, "spoken"))} == set(range(11, 31))


def test_the_notices_among_them_are_not_remembered_for_ever_either(mailbox: Mailbox, store: Store) -> None:
    outbox = Outbox(store)
    for turn in range(1, 25):
        mailbox.accept([said(turn)])
        mailbox.take(ANA, "a")
        mailbox.defer(ANA, "a", 0, notice=grown(-turn))
        outbox.record(ANA, -turn, 0, "sent", identity="9")
        mailbox.take(ANA, "a")
        said_whole(mailbox, "a", turn=turn)
        outbox.record(ANA, turn, 0, "sent", identity="9")
    assert min(int(turn.removeprefix(b"at:")) for turn in store.client.hkeys(key(ANA, "spoken"))) == -24
    assert store.client.hlen(key(ANA, "spoken")) == 2 * 40  # each with its time
