"""The outbox: first in, first out; only the holder begins, whoever heard records, and limits are shared."""

from __future__ import annotations

import time

from bot.message import Limit
from bot.stores.connection import Store, key
from bot.stores.mailbox import Later, Mailbox, Speak
from bot.stores.outbox import Outbox
from tests.unit.mailboxes import ANA, HOURS, counted, due_in_ms, now_ms, reply, said, staged, state, taken_texts, until

TENTH = Limit("tenth", 1, 0.1)


def test_begin_is_fenced(mailbox: Mailbox, store: Store) -> None:
    """Only the holder of the lease may say that a bubble is about to be sent."""
    answer, outbox = staged(mailbox), Outbox(store)
    assert outbox.begin(ANA, "b", answer.turn, 0, ()).permission == "lost"
    assert state(store, "piece:1:0") is None
    assert [outbox.begin(ANA, "a", answer.turn, 0, ()).permission for _ in range(2)] == ["go", "go"]
    assert state(store, "piece:1:0").startswith("sending:")


def test_begin_hears_that_a_bubble_is_settled(mailbox: Mailbox, store: Store) -> None:
    """What somebody else heard in the meantime counts: a bubble that was sent is not sent again."""
    answer, outbox = staged(mailbox, "one", "two"), Outbox(store)
    outbox.record(ANA, answer.turn, 0, "sent", identity="5")
    assert outbox.begin(ANA, "a", answer.turn, 0, ()).permission == "settled"
    outbox.record(ANA, answer.turn, 1, "sent")
    assert outbox.begin(ANA, "a", answer.turn, 1, ()).permission == "settled"


# -- the platform's limits -------------------------------------------------------------------------


def test_a_limit_below_one_a_second_lets_one_through(mailbox: Mailbox, store: Store) -> None:
    """Half a bubble a second is one in two seconds, not none."""
    answer, outbox, slow = staged(mailbox, "one", "two"), Outbox(store), Limit("slow", 0.5, 1)
    assert outbox.begin(ANA, "a", answer.turn, 0, [slow]).permission == "go"
    what, _, wait = outbox.begin(ANA, "a", answer.turn, 1, [slow])
    assert what == "wait"
    assert 1.7 < wait <= 2.2


def test_whoever_waits_for_a_limit_has_a_place_and_comes_once(mailbox: Mailbox, store: Store) -> None:
    """Asking again while waiting takes no second place, and in no window there are more than the limit's."""
    outbox, limit = Outbox(store), Limit("slow", 10, 1)
    waits = []
    for person in range(24):
        conversation = f"telegram:7:{person}"
        mailbox.accept([said(1, conversation=conversation)])
        mailbox.take(conversation, "a")
        mailbox.commit(conversation, "a", 1, reply(1))
        first = outbox.begin(conversation, "a", 1, 0, [limit]).wait
        again = outbox.begin(conversation, "a", 1, 0, [limit]).wait if first else 0
        assert abs(first - again) < 0.05
        waits.append(first)
    assert waits[:10] == [0] * 10
    assert all(0.9 < wait <= 1.1 for wait in waits[10:20])
    assert all(1.9 < wait <= 2.2 for wait in waits[20:])


def test_a_bubble_whose_time_has_come_goes_and_the_next_one_queues_again(mailbox: Mailbox, store: Store) -> None:
    """The permit is for one bubble: it holds when its moment is there, and is used up by it."""
    answer, outbox = staged(mailbox, "one", "two", "three"), Outbox(store)
    assert outbox.begin(ANA, "a", answer.turn, 0, [TENTH]).permission == "go"
    assert outbox.begin(ANA, "a", answer.turn, 1, [TENTH]).permission == "wait"
    assert state(store, "piece:1:1") is None
    time.sleep(0.11)
    assert outbox.begin(ANA, "a", answer.turn, 1, [TENTH]).permission == "go"
    assert outbox.begin(ANA, "a", answer.turn, 2, [TENTH]).permission == "wait"


def test_a_limit_that_a_clock_made_too_far_holds_nobody_for_hours(mailbox: Mailbox, store: Store) -> None:
    answer = staged(mailbox)
    store.client.rpush("recado:limit:tenth", now_ms(store) + 2 * HOURS)
    store.client.set("recado:limit:tenth:clock", now_ms(store) + 2 * HOURS)
    assert Outbox(store).begin(ANA, "a", answer.turn, 0, [TENTH]).permission == "go"
    assert store.client.pttl("recado:limit:tenth") < 1000


def test_a_permit_that_a_clock_made_too_far_holds_nobody_for_hours(mailbox: Mailbox, store: Store) -> None:
    """Another one is given, as far ahead as the platform's window, which has not ended."""
    answer, outbox = staged(mailbox, "one", "two"), Outbox(store)
    outbox.begin(ANA, "a", answer.turn, 0, [TENTH])
    assert outbox.begin(ANA, "a", answer.turn, 1, [TENTH]).permission == "wait"
    store.client.hincrby(key(ANA, "state"), "permit", 2 * HOURS)
    assert outbox.begin(ANA, "a", answer.turn, 1, [TENTH]).wait < 1
    until(lambda: outbox.begin(ANA, "a", answer.turn, 1, [TENTH]).permission == "go")


# -- what the platform answered --------------------------------------------------------------------


def test_record_settles_a_reply_when_all_its_bubbles_are(mailbox: Mailbox, store: Store) -> None:
    answer, outbox = staged(mailbox, "one", "two"), Outbox(store)
    assert not outbox.record(ANA, answer.turn, 0, "sent", identity="5")
    task = mailbox.take(ANA, "a")
    assert isinstance(task, Speak)
    assert task.state["piece:1:0"] == "sent:5"
    assert [outbox.record(ANA, answer.turn, 1, "sent") for _ in range(2)] == [True, True]
    assert not [name for name in store.client.hkeys(key(ANA, "state")) if name.startswith(b"piece")]


def test_record_is_heard_without_a_lease_and_sent_is_final(mailbox: Mailbox, store: Store) -> None:
    """What the platform answered counts, whoever heard it; a later doubt does not undo it."""
    answer, outbox = staged(mailbox, "one", "two"), Outbox(store)
    store.client.delete(key(ANA, "lease"))
    outbox.record(ANA, answer.turn, 0, "sent", identity="5")
    outbox.record(ANA, answer.turn, 0, "unknown", wait=60)
    assert state(store, "piece:1:0") == "sent:5"
    assert state(store, "speak_at") is None


def test_what_is_heard_of_a_reply_that_is_not_at_the_head_changes_nothing(mailbox: Mailbox, store: Store) -> None:
    """It is long settled, or not yet begun: neither may take another reply's place."""
    answer, outbox = staged(mailbox), Outbox(store)
    for turn in (0, 2):
        assert outbox.record(ANA, turn, 0, "unknown", wait=60)
        assert state(store, f"piece:{turn}:0") is None
    assert counted(store, "unknown") == 0
    task = mailbox.take(ANA, "a")
    assert isinstance(task, Speak)
    assert task.reply == answer


def test_the_next_reply_does_not_wait_for_what_the_last_one_waited_for(mailbox: Mailbox, store: Store) -> None:
    answer, outbox = staged(mailbox), Outbox(store)
    outbox.record(ANA, answer.turn, 0, "unknown", wait=30)
    mailbox.accept([said(2)])
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 2, reply(2))
    assert isinstance(mailbox.take(ANA, "a"), Later)
    assert outbox.record(ANA, answer.turn, 0, "sent")
    task = mailbox.take(ANA, "a")
    assert isinstance(task, Speak)
    assert task.reply == reply(2)
    assert (state(store, "speak_at"), state(store, "speak_wait")) == (None, None)


def test_an_unknown_outcome_is_counted_once_and_holds_the_outbox(mailbox: Mailbox, store: Store) -> None:
    answer, outbox = staged(mailbox), Outbox(store)
    for _ in range(2):
        outbox.record(ANA, answer.turn, 0, "unknown", wait=0.05)
    assert counted(store, "unknown") == 1
    assert not mailbox.release(ANA, "a")
    assert isinstance(mailbox.take(ANA, "b"), Later)
    time.sleep(0.06)
    assert isinstance(mailbox.take(ANA, "b"), Speak)


def test_thinking_goes_on_while_a_reply_waits(mailbox: Mailbox, store: Store) -> None:
    """A reply that must wait holds back later replies, not later thoughts."""
    answer, outbox = staged(mailbox), Outbox(store)
    outbox.record(ANA, answer.turn, 0, "staged", wait=30)
    mailbox.release(ANA, "a")
    assert due_in_ms(store) > 20_000
    mailbox.accept([said(2)])
    assert due_in_ms(store) <= 1000
    assert taken_texts(mailbox, "b") == ["message 2"]
    mailbox.commit(ANA, "b", 2, reply(2))
    assert isinstance(mailbox.take(ANA, "b"), Later)
