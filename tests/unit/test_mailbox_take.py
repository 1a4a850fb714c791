"""Take: what is to be done now, by whom, and who must come back when."""

from __future__ import annotations

import time

import pytest

from bot.stores import bell
from bot.stores.connection import DUE, Store, key
from bot.stores.mailbox import Later, Mailbox, Rest, Speak, Think
from bot.stores.outbox import Outbox
from tests.unit.mailboxes import (
    ANA,
    HOURS,
    due_in_ms,
    finish,
    now_ms,
    open_mailbox,
    reply,
    rings,
    said,
    staged,
    state,
    taken_texts,
)


def waits(mailbox: Mailbox, token: str) -> Later:
    task = mailbox.take(ANA, token)
    assert isinstance(task, Later)
    return task


def test_take_twice_gives_the_same_turn(mailbox: Mailbox) -> None:
    """The holder that lost the answer asks again and gets the same batch and number."""
    mailbox.accept([said(1), said(2)])
    assert mailbox.take(ANA, "a") == mailbox.take(ANA, "a")


def test_take_is_refused_while_another_holds_the_lease(mailbox: Mailbox) -> None:
    mailbox.accept([said(1)])
    assert isinstance(mailbox.take(ANA, "a"), Think)
    assert mailbox.take(ANA, "b") == Rest()


def test_nobody_looks_at_who_is_held_before_the_lease_ends(mailbox: Mailbox, store: Store) -> None:
    """The sweeper comes when the holder must have died, not while it thinks."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    assert 14_000 < due_in_ms(store) <= 15_000


def test_take_after_a_crash_replays_the_turn(mailbox: Mailbox, store: Store) -> None:
    """The lease of a dead worker ends, and the next one gets the same batch under the same number."""
    mailbox.accept([said(1)])
    before = mailbox.take(ANA, "a")
    mailbox.accept([said(2)])
    store.client.delete(key(ANA, "lease"))
    after = mailbox.take(ANA, "b")
    assert isinstance(before, Think)
    assert isinstance(after, Think)
    assert after.batch == before.batch


def test_take_late_finds_nothing_and_leaves_nothing(mailbox: Mailbox, store: Store) -> None:
    """A ring too many, when all is answered, changes nothing."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    finish(mailbox, store, "a", 1)
    assert mailbox.take(ANA, "b") == Rest()
    assert store.client.exists(key(ANA, "lease")) == 0
    assert store.client.zcard(DUE) == 0


def test_take_puts_at_rest_what_a_worker_left_that_died_after_its_last_word(mailbox: Mailbox, store: Store) -> None:
    """Between the last outcome and the release: no lease, no due and no delay stay, and what is known expires."""
    answer = staged(mailbox)
    Outbox(store).record(ANA, answer.turn, 0, "sent")
    store.client.hset(key(ANA, "state"), "ring_delay", 4000)
    assert mailbox.take(ANA, "a") == Rest()
    assert store.client.exists(key(ANA, "lease")) == 0
    assert store.client.zscore(DUE, ANA) is None
    assert state(store, "ring_delay") is None
    for part in ("state", "turn"):
        assert 0 < store.client.pttl(key(ANA, part)) <= 30 * 24 * HOURS


def test_a_batch_holds_at_most_twenty_and_a_command_stands_alone(mailbox: Mailbox) -> None:
    mailbox.accept([said(n) for n in range(22)] + [said(50, "/reset"), said(51)])
    sizes = []
    for turn in range(1, 5):
        sizes.append(len(taken_texts(mailbox, "a")))
        mailbox.commit(ANA, "a", turn, None)
    assert sizes == [20, 2, 1, 1]


# -- a clock that goes back ------------------------------------------------------------------------


def test_take_caps_a_lease_that_a_clock_made_too_long(mailbox: Mailbox, store: Store) -> None:
    """A lease longer than any lease proves that the clock went back; nobody waits hours for it, nor for its due."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    store.client.pexpire(key(ANA, "lease"), 3 * HOURS)
    store.client.zadd(DUE, {ANA: now_ms(store) + 3 * HOURS})
    mailbox.take(ANA, "b")
    assert store.client.pttl(key(ANA, "lease")) <= 15_000
    assert due_in_ms(store) <= 15_000


def test_a_turn_waits_no_longer_than_it_was_told_to(mailbox: Mailbox, store: Store) -> None:
    """Deferred for a second, and the clock went back by ten, or by hours: it is thought now."""
    mailbox.accept([said(1)])
    for moved in (10_000, 3 * HOURS):
        mailbox.take(ANA, "a")
        mailbox.defer(ANA, "a", 1)
        waits(mailbox, "b")
        store.client.hincrby(key(ANA, "state"), "think_at", moved)
        assert taken_texts(mailbox, "b") == ["message 1"]
        store.client.delete(key(ANA, "lease"))


def test_a_reply_waits_no_longer_than_it_was_told_to(mailbox: Mailbox, store: Store) -> None:
    answer = staged(mailbox)
    for moved in (10_000, 3 * HOURS):
        Outbox(store).record(ANA, answer.turn, 0, "staged", wait=1)
        waits(mailbox, "a")
        store.client.hincrby(key(ANA, "state"), "speak_at", moved)
        assert isinstance(mailbox.take(ANA, "a"), Speak)


def test_a_burst_is_listened_to_no_longer_than_its_cap(store: Store) -> None:
    """It was accepted by a clock that has gone back by two hours since: it is taken now."""
    mailbox = open_mailbox(store, quiet=0.8, cap=4)
    mailbox.accept([said(1)])
    entry = store.client.lindex(key(ANA, "in"), 0).split(b"|", 3)
    entry[2] = b"%d" % (int(entry[2]) + 2 * HOURS)
    store.client.lset(key(ANA, "in"), 0, b"|".join(entry))
    assert taken_texts(mailbox, "a") == ["message 1"]


# -- a turn and a reply that both wait -------------------------------------------------------------


@pytest.mark.parametrize(("speak", "think"), [(3, 20), (20, 3)])
def test_whichever_of_turn_and_reply_may_go_first_is_looked_at_first(
    mailbox: Mailbox, store: Store, speak: float, think: float
) -> None:
    answer = staged(mailbox)
    Outbox(store).record(ANA, answer.turn, 0, "staged", wait=speak)
    mailbox.accept([said(2)])
    assert taken_texts(mailbox, "a") == ["message 2"]
    mailbox.defer(ANA, "a", think)
    assert 2.5 < waits(mailbox, "b").seconds <= 3
    assert 2_500 < due_in_ms(store) <= 3_000


@pytest.mark.parametrize(("speak", "quiet"), [(3, 20), (20, 3)])
def test_listening_makes_no_reply_late_and_no_reply_the_listening(store: Store, speak: float, quiet: float) -> None:
    mailbox = open_mailbox(store)
    Outbox(store).record(ANA, staged(mailbox).turn, 0, "staged", wait=speak)
    mailbox.release(ANA, "a")
    listening = open_mailbox(store, quiet=quiet)
    listening.accept([said(2)])
    assert quiet - 0.5 < waits(listening, "b").seconds <= quiet
    assert 2_500 < due_in_ms(store) <= 3_000


# -- listen ----------------------------------------------------------------------------------------


@pytest.fixture
def listening(store: Store) -> Mailbox:
    return open_mailbox(store, quiet=0.15, cap=0.3)


def test_take_listens_until_the_burst_is_over(listening: Mailbox) -> None:
    """Within the quiet time nobody thinks; after it the whole burst is one turn."""
    listening.accept([said(1)])
    later = waits(listening, "a")
    assert later.listening
    assert 0 < later.seconds <= 0.15
    time.sleep(0.1)
    listening.accept([said(2)])
    waits(listening, "a")
    time.sleep(0.16)
    assert taken_texts(listening, "a") == ["message 1", "message 2"]


def test_listening_ends_at_the_cap(store: Store) -> None:
    """Whoever keeps writing is answered after the cap, though never quiet."""
    listening = open_mailbox(store, quiet=60, cap=0.3)
    started = time.monotonic()
    number = 0
    while not isinstance(listening.take(ANA, "a"), Think):
        number += 1
        listening.accept([said(number)])
        assert time.monotonic() - started < 30
        time.sleep(0.02)
    assert time.monotonic() - started >= 0.3


def test_a_command_is_never_listened_to(listening: Mailbox, store: Store) -> None:
    """A command is taken at once, also when it ends a burst that is being listened to: it rings again."""
    listening.accept([said(1)])
    waits(listening, "a")
    store.client.delete(bell.QUEUE_KEY)
    listening.accept([said(2, "/help")])
    assert rings(store) == 1
    assert taken_texts(listening, "a") == ["message 1"]


def test_a_command_is_answered_at_once_whatever_follows_it(listening: Mailbox) -> None:
    listening.accept([said(1, "/help"), said(2)])
    assert taken_texts(listening, "a") == ["/help"]
    listening.commit(ANA, "a", 1, None)
    waits(listening, "a")


def test_a_full_batch_is_not_listened_to(listening: Mailbox) -> None:
    """Nothing that could still come would belong to it."""
    listening.accept([said(n) for n in range(19)])
    waits(listening, "a")
    listening.accept([said(19)])
    assert len(taken_texts(listening, "a")) == 20


def test_whoever_was_looked_at_is_rung_in_a_second_again(listening: Mailbox, store: Store) -> None:
    """The delays of a lost ring end with the look, also when it finds that it must wait."""
    listening.accept([said(1)])
    for _ in range(4):
        store.client.zadd(DUE, {ANA: 1})
        listening.sweep()
    assert state(store, "ring_delay") == "8000"
    waits(listening, "a")
    assert state(store, "ring_delay") is None
    assert due_in_ms(store) <= 150


def test_a_reply_goes_before_the_next_thought(mailbox: Mailbox) -> None:
    answer = staged(mailbox)
    mailbox.accept([said(2)])
    task = mailbox.take(ANA, "a")
    assert isinstance(task, Speak)
    assert task.reply == answer == reply(1)
