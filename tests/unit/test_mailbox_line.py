"""Release and sweep: nobody is forgotten, nobody has two places in line, and whoever writes much waits his turn."""

from __future__ import annotations

import pytest

from bot.message import Limit
from bot.stores import bell
from bot.stores import mailbox as mailbox_module
from bot.stores.connection import DUE, Store, key
from bot.stores.mailbox import CLOCK, Later, Mailbox, Speak, Think
from bot.stores.outbox import Outbox
from tests.unit.mailboxes import (
    ANA,
    BEA,
    DAY,
    HOURS,
    due_in_ms,
    finish,
    in_line,
    now_ms,
    reply,
    rings,
    said,
    staged,
    state,
    taken_texts,
)


@pytest.fixture
def taken(mailbox: Mailbox, store: Store) -> Mailbox:
    """A mailbox whose first turn is in the hands of ``a``, with nobody in line."""
    mailbox.accept([said(1)])
    assert taken_texts(mailbox, "a") == ["message 1"]
    store.client.delete(bell.QUEUE_KEY)
    return mailbox


# -- release ---------------------------------------------------------------------------------------


def test_release_leaves_a_silent_conversation_without_lease_or_due(taken: Mailbox, store: Store) -> None:
    finish(taken, store, "a", 1)
    assert store.client.zcard(DUE) == 0
    assert 0 < store.client.pttl(key(ANA, "state")) <= 30 * DAY
    assert store.client.pttl(key(ANA, "turn")) > 0


def test_a_conversation_that_goes_on_is_not_forgotten_in_the_middle(taken: Mailbox, store: Store) -> None:
    """The next message takes back the expiry of turn and state together: the numbers go on."""
    finish(taken, store, "a", 1)
    taken.accept([said(2)])
    assert store.client.pttl(key(ANA, "state")) == store.client.pttl(key(ANA, "turn")) == -1
    task = taken.take(ANA, "b")
    assert isinstance(task, Think)
    assert task.batch.turn == 2


def test_release_goes_on_here_when_nobody_else_waits(taken: Mailbox, store: Store) -> None:
    """The lease is as good as new: the next turn may take as long as any."""
    taken.accept([said(2)])
    taken.commit(ANA, "a", 1, None)
    store.client.pexpire(key(ANA, "lease"), 500)
    store.client.zincrby(DUE, -14_500, ANA)
    assert [taken.release(ANA, "a"), taken.release(ANA, "a")] == [True, True]
    assert store.client.get(key(ANA, "lease")) == b"a"
    assert 14_000 < store.client.pttl(key(ANA, "lease")) <= 15_000
    assert 14_000 < due_in_ms(store) <= 15_000


def test_release_goes_to_the_end_of_the_line_when_somebody_waits(taken: Mailbox, store: Store) -> None:
    """Whoever writes much waits behind whoever writes once."""
    taken.accept([said(2), said(1, conversation=BEA)])
    taken.commit(ANA, "a", 1, None)
    assert [taken.release(ANA, "a"), taken.release(ANA, "a")] == [False, False]
    assert in_line(store) == [BEA, ANA]
    assert store.client.exists(key(ANA, "lease")) == 0
    assert due_in_ms(store) <= 1000


def test_a_worker_that_is_leaving_leaves_what_there_is_to_others_at_once(taken: Mailbox, store: Store) -> None:
    taken.accept([said(2)])
    taken.commit(ANA, "a", 1, None)
    assert not taken.release(ANA, "a", stay=False)
    assert in_line(store) == [ANA]
    assert taken_texts(taken, "b") == ["message 2"]


def test_release_late_takes_nothing_from_the_next_holder(taken: Mailbox, store: Store) -> None:
    store.client.delete(key(ANA, "lease"))
    taken.take(ANA, "b")
    assert not taken.release(ANA, "a")
    assert store.client.get(key(ANA, "lease")) == b"b"


def test_whoever_told_the_notice_leaves_the_waiting_turn_its_time(taken: Mailbox, store: Store) -> None:
    """The notice is spoken, the turn still waits for the model: it is neither forgotten nor hurried."""
    taken.defer(ANA, "a", 20, notice=reply(-1, "slow"))
    task = taken.take(ANA, "b")
    assert isinstance(task, Speak)
    Outbox(store).record(ANA, task.reply.turn, 0, "sent")
    assert not taken.release(ANA, "b")
    assert 15_000 < due_in_ms(store) <= 20_000
    assert store.client.exists(key(ANA, "lease")) == 0
    assert store.client.exists(key(ANA, "wip")) == 1
    assert store.client.pttl(key(ANA, "state")) == -1
    assert rings(store) == 0


# -- sweep -----------------------------------------------------------------------------------------


def test_sweep_rings_what_a_lost_ring_left(mailbox: Mailbox, store: Store) -> None:
    """A wake-up that vanished is rung again when its time is up, and not before."""
    mailbox.accept([said(1)])
    store.client.delete(bell.QUEUE_KEY)
    assert mailbox.sweep()[0] == 0
    store.client.zadd(DUE, {ANA: 1})
    assert mailbox.sweep()[0] == 1
    assert mailbox.sweep()[0] == 0
    assert in_line(store) == [ANA]


def test_nobody_has_two_places_in_line(mailbox: Mailbox, store: Store) -> None:
    """Whoever still stands there is not rung again, whoever lost the place is."""
    mailbox.accept([said(1), said(1, conversation=BEA)])
    for _ in range(3):
        store.client.zadd(DUE, {ANA: 1, BEA: 1})
        assert mailbox.sweep()[0] == 2
    assert in_line(store) == [ANA, BEA]
    store.client.lpop(bell.QUEUE_KEY)
    store.client.zadd(DUE, {ANA: 1, BEA: 1})
    mailbox.sweep()
    assert in_line(store) == [BEA, ANA]


def test_sweep_rings_less_and_less_often_until_somebody_takes(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1)])
    steps = []
    for _ in range(7):
        store.client.zadd(DUE, {ANA: 1})
        mailbox.sweep()
        steps.append(round(due_in_ms(store) / 1000))
    assert steps == [1, 2, 4, 8, 16, 30, 30]
    mailbox.take(ANA, "a")
    assert state(store, "ring_delay") is None


def test_sweep_says_when_to_look_again(mailbox: Mailbox) -> None:
    assert mailbox.sweep() == (0, None)
    mailbox.accept([said(1)])
    _, seconds = mailbox.sweep()
    assert seconds is not None
    assert 0.5 < seconds <= 1


def test_sweep_holds_redis_up_for_a_few_at_a_time(
    mailbox: Mailbox, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are overdue; the rest comes at once after them."""
    monkeypatch.setattr(mailbox_module, "SWEEP_MOST", 3)
    mailbox.accept([said(1, conversation=f"fake:7:{person}") for person in range(5)])
    store.client.zadd(DUE, {f"fake:7:{person}": 1 for person in range(5)})
    assert mailbox.sweep() == (3, 0)
    assert mailbox.sweep()[0] == 2
    assert mailbox.sweep()[0] == 0


def test_sweep_looks_at_everybody_when_the_clock_went_back(mailbox: Mailbox, store: Store) -> None:
    """By hours: what is due later by the old clock is looked at now, once."""
    mailbox.accept([said(1)])
    mailbox.sweep()
    store.client.delete(bell.QUEUE_KEY)
    store.client.incrby(CLOCK, 3 * HOURS)
    store.client.zadd(DUE, {ANA: now_ms(store) + 3 * HOURS})
    assert mailbox.sweep()[0] == 1
    assert in_line(store) == [ANA]
    store.client.zadd(DUE, {ANA: now_ms(store) + 5_000})
    assert mailbox.sweep()[0] == 0


def test_nobody_waits_for_a_limit_by_a_clock_that_went_back(mailbox: Mailbox, store: Store) -> None:
    """The limits' times lie half an hour ahead: they begin anew, and whoever stood behind them may speak now."""
    limit, outbox = Limit("slow", 1, 1), Outbox(store)
    staged(mailbox)
    store.client.rpush("recado:limit:slow", now_ms(store) + HOURS // 2)
    wait = outbox.begin(ANA, "a", 1, 0, [limit]).wait
    assert wait > 1000
    outbox.record(ANA, 1, 0, "staged", wait=wait)
    mailbox.release(ANA, "a")
    store.client.set(CLOCK, now_ms(store) + HOURS // 2)
    mailbox.sweep()
    assert isinstance(mailbox.take(ANA, "b"), Speak)
    assert outbox.begin(ANA, "b", 1, 0, [limit]).permission == "go"


def test_a_reply_in_doubt_waits_on_though_the_clock_went_back(mailbox: Mailbox, store: Store) -> None:
    """Its wait is no limit's: sent again too soon, it might be there twice."""
    staged(mailbox)
    Outbox(store).record(ANA, 1, 0, "unknown", identity="0123456789ab", wait=30)
    mailbox.release(ANA, "a")
    store.client.set(CLOCK, now_ms(store) + HOURS)
    mailbox.sweep()
    assert isinstance(mailbox.take(ANA, "b"), Later)


def test_a_clock_that_is_corrected_a_little_hurries_nobody(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1)])
    mailbox.sweep()
    store.client.incrby(CLOCK, 500)
    assert mailbox.sweep()[0] == 0
