"""Bubbles in doubt, settled by what the platform tells later; and what comes late."""

from __future__ import annotations

import pytest

from bot.received import Status
from bot.stores import bell
from bot.stores.connection import DUE, Store, key
from bot.stores.mailbox import Later, Mailbox, Rest, Speak
from bot.stores.outbox import Outbox, Outcome, piece_state
from tests.unit.bubbles import NOBODY, bubble, in_doubt, open_it, said_whole
from tests.unit.everything import everything
from tests.unit.mailboxes import ANA, DAY, counted, due_in_ms, in_line, said, staged, state

# -- settled by a status ---------------------------------------------------------------------------


def test_a_status_settles_what_was_in_doubt_and_wakes_who_waits_for_it(
    mailbox: Mailbox, store: Store, outbox: Outbox
) -> None:
    """The next bubble goes now, not in half a minute; a second status, or another, changes nothing."""
    reference = in_doubt(mailbox, outbox, "one", "two")
    store.client.delete(bell.QUEUE_KEY)
    assert outbox.settle(Status(ANA, reference, "sent"))
    assert (due_in_ms(store) <= 1000, in_line(store)) == (True, [ANA])
    before = everything(store)
    for outcome in ("sent", "failed", "parked"):
        assert not outbox.settle(Status(ANA, reference, outcome))
    assert everything(store) == before
    task = mailbox.take(ANA, "b")
    assert isinstance(task, Speak)
    assert [piece_state(task.state, 1, index)[0] for index in (0, 1)] == ["sent", "staged"]


def test_a_status_that_ends_a_reply_ends_it_and_the_next_look_finds_rest(
    mailbox: Mailbox, store: Store, outbox: Outbox
) -> None:
    outbox.settle(Status(ANA, in_doubt(mailbox, outbox), "sent"))
    assert store.client.exists(key(ANA, "out")) == 0
    assert isinstance(mailbox.take(ANA, "b"), Rest)
    assert store.client.zscore(DUE, ANA) is None


def test_a_status_may_come_before_the_platforms_own_answer(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    """The worker still waits for that: it keeps its lease, and what it hears then changes nothing."""
    staged(mailbox)
    _, reference, _ = outbox.begin(ANA, "a", 1, 0, ())
    assert outbox.settle(Status(ANA, reference, "sent"))
    assert outbox.record(ANA, 1, 0, "unknown", identity="x", wait=30)
    assert (state(store, "speak_at"), state(store, "piece:1:0"), counted(store, "unknown")) == (None, None, 0)
    assert not mailbox.release(ANA, "a")
    assert store.client.zscore(DUE, ANA) is None


@pytest.mark.parametrize("reference", [NOBODY, "0123456789ab.7.0", "nonsense", ""])
def test_a_status_of_what_is_not_ours_or_not_in_doubt_changes_nothing(
    mailbox: Mailbox, store: Store, outbox: Outbox, reference: str
) -> None:
    in_doubt(mailbox, outbox)
    before = everything(store)
    assert not outbox.settle(Status(ANA, reference, "sent"))
    assert everything(store) == before


def test_a_failed_status_is_counted_and_holds_back_nobody(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    reference = in_doubt(mailbox, outbox)
    assert outbox.settle(Status(ANA, reference, "failed"))
    assert counted(store, "failed") == 1
    assert store.client.exists(key(ANA, "out")) == 0


def test_a_parked_reply_waits_until_the_person_writes(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    """By a status as by an answer: it is not tried again before that, and then at once."""
    assert outbox.settle(Status(ANA, in_doubt(mailbox, outbox), "parked"))
    park(mailbox, outbox)
    assert counted(store, "parked") == 1
    assert isinstance(mailbox.take(ANA, "b"), Later)
    assert 29 * DAY < due_in_ms(store) <= 30 * DAY
    mailbox.accept([said(2)])
    assert due_in_ms(store) <= 1000
    task = mailbox.take(ANA, "b")
    assert isinstance(task, Speak)
    assert piece_state(task.state, 1, 0)[0] == "parked"


def park(mailbox: Mailbox, outbox: Outbox, index: int = 0) -> None:
    """What a worker does that finds the person's window closed."""
    assert isinstance(mailbox.take(ANA, "p"), Speak)
    assert outbox.begin(ANA, "p", 1, index, (), window=DAY / 1000).permission == "closed"
    outbox.record(ANA, 1, index, "parked", wait=30 * DAY / 1000)
    mailbox.release(ANA, "p")


def test_writing_hurries_no_reply_that_waits_for_something_else(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    in_doubt(mailbox, outbox)
    mailbox.accept([said(2)])
    assert state(store, "speak_at") is not None


def test_each_kind_of_trouble_is_counted_once(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    staged(mailbox, "one", "two")
    for _ in range(2):
        outbox.record(ANA, 1, 0, "parked", wait=30)
        outbox.record(ANA, 1, 1, "failed")
    assert (counted(store, "parked"), counted(store, "failed"), counted(store, "unknown")) == (1, 1, 0)


# -- late ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["staged", "sending", "unknown"])
def test_whoever_is_late_does_not_undo_what_another_has_opened(
    mailbox: Mailbox, store: Store, outbox: Outbox, outcome: Outcome
) -> None:
    """A worker that was stopped in mid-call knows nothing better than the one that took over."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    said_whole(mailbox, "a", "the whole answer")
    open_it(outbox)
    outbox.record(ANA, 1, 0, outcome, identity="" if outcome == "staged" else "0123456789ab", wait=60)
    assert bubble(store) == ("open", "50")
    assert isinstance(mailbox.take(ANA, "a"), Speak)


def test_a_bubble_that_is_gone_is_opened_anew(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    """Its person has deleted it: this very bubble, and no other, is staged again."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    said_whole(mailbox, "a", "the whole answer")
    open_it(outbox)
    outbox.record(ANA, 1, 0, "staged", identity="49")
    assert bubble(store) == ("open", "50")
    outbox.record(ANA, 1, 0, "staged", identity="50")
    assert bubble(store) == ("staged", "")


def test_a_failure_that_is_told_after_the_platform_took_a_bubble_is_counted(
    mailbox: Mailbox, store: Store, outbox: Outbox
) -> None:
    """The reply is closed; the operator still hears that its person did not get it."""
    staged(mailbox)
    reference = outbox.begin(ANA, "a", 1, 0, ()).identity
    outbox.record(ANA, 1, 0, "sent", identity="wamid")
    assert not outbox.settle(Status(ANA, reference, "failed"))
    assert not outbox.settle(Status(ANA, reference, "sent"))
    assert counted(store, "failed") == 1


@pytest.mark.parametrize("told", ["answer", "status"])
def test_who_has_written_since_a_reply_was_begun_need_not_write_again(
    mailbox: Mailbox, store: Store, outbox: Outbox, told: str
) -> None:
    """The platform's "the person must write first" is older than what they wrote: the reply goes again at once."""
    staged(mailbox)
    reference = outbox.begin(ANA, "a", 1, 0, ()).identity
    mailbox.accept([said(2)])
    if told == "answer":
        outbox.record(ANA, 1, 0, "parked", wait=30 * 86_400, mine=reference.partition(".")[0])
    else:
        outbox.settle(Status(ANA, reference, "parked"))
    assert (bubble(store), counted(store, "parked")) == (("staged", ""), 0)
    mailbox.release(ANA, "a", stay=False)
    assert isinstance(mailbox.take(ANA, "b"), Speak)
    reference = outbox.begin(ANA, "b", 1, 0, ()).identity
    outbox.record(ANA, 1, 0, "parked", wait=30, mine=reference.partition(".")[0])
    assert bubble(store)[0] == "parked"
    outbox.record(ANA, 1, 0, "sent")
    assert state(store, "begun_at") is None


# -- taken, and told only later that the person must write first ----------------------------------


def taken(mailbox: Mailbox, outbox: Outbox, *texts: str) -> list[str]:
    """A reply of turn 1 that the platform took, bubble by bubble; our references of them."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    said_whole(mailbox, "a", *texts)
    references = []
    for index in range(len(texts)):
        references.append(outbox.begin(ANA, "a", 1, index, ()).identity)
        outbox.record(ANA, 1, index, "sent", identity=f"wamid{index}")
    mailbox.release(ANA, "a")
    return references


def test_what_was_taken_for_somebody_who_must_write_first_is_said_when_they_do(
    mailbox: Mailbox, store: Store, outbox: Outbox
) -> None:
    """The bubble that did not arrive, and no other; a second status changes nothing."""
    _, reference = taken(mailbox, outbox, "one", "two")
    status = Status(ANA, reference, "parked", bubble="wamid1")
    assert (outbox.settle(status), outbox.settle(status)) == (True, True)
    park(mailbox, outbox, 1)
    assert isinstance(mailbox.take(ANA, "b"), Later)
    assert 29 * DAY < due_in_ms(store) <= 30 * DAY
    mailbox.accept([said(2)])
    task = mailbox.take(ANA, "b")
    assert isinstance(task, Speak)
    assert [piece_state(task.state, 1, index)[0] for index in (0, 1)] == ["sent", "parked"]
    assert outbox.begin(ANA, "b", 1, 1, ()).permission == "go"
    assert outbox.record(ANA, 1, 1, "sent", identity="wamid2")
    assert (counted(store, "parked"), counted(store, "failed")) == (1, 0)


@pytest.mark.parametrize("bubble_id", ["wamid", "wamid00", "other", ""])
def test_a_status_of_another_bubble_recalls_nothing(
    mailbox: Mailbox, store: Store, outbox: Outbox, bubble_id: str
) -> None:
    """After an erasure the same turn and place are another bubble; what was shown is not said again."""
    (reference,) = taken(mailbox, outbox, "one")
    assert not outbox.settle(Status(ANA, reference, "parked", bubble=bubble_id))
    assert store.client.exists(key(ANA, "out")) == 0
    assert counted(store, "failed") == 1


def test_who_has_written_since_a_bubble_was_taken_need_not_write_again(
    mailbox: Mailbox, store: Store, outbox: Outbox
) -> None:
    (reference,) = taken(mailbox, outbox, "one")
    mailbox.accept([said(2)])
    assert outbox.settle(Status(ANA, reference, "parked", bubble="wamid0"))
    task = mailbox.take(ANA, "b")
    assert isinstance(task, Speak)
    assert piece_state(task.state, 1, 0)[0] == "staged"


def test_a_recalled_reply_does_not_stop_the_one_that_is_being_said(
    mailbox: Mailbox, store: Store, outbox: Outbox
) -> None:
    (reference,) = taken(mailbox, outbox, "one")
    mailbox.accept([said(2)])
    mailbox.take(ANA, "b")
    said_whole(mailbox, "b", "another", turn=2)
    outbox.begin(ANA, "b", 2, 0, ())
    assert outbox.settle(Status(ANA, reference, "parked", bubble="wamid0"))
    assert outbox.record(ANA, 2, 0, "sent", identity="wamid9")
    task = mailbox.take(ANA, "b")
    assert isinstance(task, Speak)
    assert (task.reply.turn, piece_state(task.state, 1, 0)[0]) == (1, "staged")
