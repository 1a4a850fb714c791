"""Renew, commit, defer: a turn keeps its lease, is committed once by its holder, and waits without one."""

from __future__ import annotations

import time

import pytest

from bot.message import Turn
from bot.stores import history
from bot.stores.connection import Store, key
from bot.stores.history import History
from bot.stores.mailbox import DEAD, Later, Mailbox, Rest, Speak, Think
from bot.stores.outbox import Outbox
from tests.unit.mailboxes import ANA, BEA, HOURS, counted, due_in_ms, finish, reply, said, staged, state, taken_texts

WAITING = ("tries", "waits", "think_at", "think_wait", "told")


@pytest.fixture
def taken(mailbox: Mailbox) -> Mailbox:
    """A mailbox whose first turn is in the hands of ``a``."""
    mailbox.accept([said(1)])
    assert taken_texts(mailbox, "a") == ["message 1"]
    return mailbox


# -- renew -----------------------------------------------------------------------------------------


def test_renew_extends_ours_and_tells_what_is_lost(taken: Mailbox, store: Store) -> None:
    """Lease and due together: nobody is rung for who still thinks."""
    taken.accept([said(1, conversation=BEA)])
    taken.take(BEA, "b")
    store.client.pexpire(key(ANA, "lease"), 50)
    store.client.zincrby("recado:due", -14_000, ANA)
    held = [(ANA, "a", ()), (BEA, "not b", ())]
    assert taken.renew(held).lost == taken.renew(held).lost == {"not b"}
    assert store.client.pttl(key(ANA, "lease")) > 10_000
    assert due_in_ms(store) > 10_000


def test_renew_tells_an_old_token_from_the_one_that_followed(taken: Mailbox, store: Store) -> None:
    """One worker may hold both for a moment; only the old one has lost."""
    store.client.delete(key(ANA, "lease"))
    taken.take(ANA, "new")
    assert taken.renew([(ANA, "a", ()), (ANA, "new", ())]).lost == {"a"}


def test_renew_late_brings_no_lease_back(taken: Mailbox, store: Store) -> None:
    """A conversation that was released stays released."""
    finish(taken, store, "a", 1)
    assert taken.renew([(ANA, "a", ())]).lost == {"a"}
    assert store.client.exists(key(ANA, "lease")) == 0
    assert store.client.zcard("recado:due") == 0


# -- commit ----------------------------------------------------------------------------------------


def test_commit_twice_is_commit_once(taken: Mailbox, store: Store) -> None:
    """A worker that lost the answer commits again: one reply, one pair of turns, the same yes."""
    turns = [Turn("user", "message 1", 3, 1), Turn("assistant", "answer", 2, 1)]
    assert [taken.commit(ANA, "a", 1, reply(1), turns) for _ in range(2)] == [True, True]
    assert store.client.llen(key(ANA, "out")) == 1
    assert History(store).tail(ANA, 0, 1000) == turns


def test_commit_is_fenced(taken: Mailbox, store: Store) -> None:
    """A worker whose lease went to another cannot commit; the other's reply counts."""
    store.client.delete(key(ANA, "lease"))
    taken.take(ANA, "fast")
    assert not taken.commit(ANA, "a", 1, reply(1, "slow"))
    assert taken.commit(ANA, "fast", 1, reply(1, "fast"))
    task = taken.take(ANA, "fast")
    assert isinstance(task, Speak)
    assert task.reply == reply(1, "fast")


def test_a_thought_is_not_paid_for_twice_when_the_lease_ran_out_and_nobody_came(taken: Mailbox, store: Store) -> None:
    """Redis was away for longer than a lease: the answer is taken, and its holder goes on to speak it."""
    store.client.delete(key(ANA, "lease"))
    assert taken.commit(ANA, "a", 1, reply(1))
    assert store.client.get(key(ANA, "lease")) == b"a"
    assert 10_000 < store.client.pttl(key(ANA, "lease")) <= 15_000
    assert taken.take(ANA, "b") == Rest()
    assert isinstance(taken.take(ANA, "a"), Speak)


def test_a_thought_about_what_is_no_longer_there_is_refused(taken: Mailbox, store: Store) -> None:
    """Without a lease, neither an erased batch nor another turn's is anybody's to commit."""
    store.client.delete(key(ANA, "lease"))
    assert not taken.commit(ANA, "a", 2, reply(2))
    store.client.delete(key(ANA, "wip"))
    assert not taken.commit(ANA, "a", 1, reply(1))
    assert store.client.exists(key(ANA, "out"), key(ANA, "lease")) == 0


def test_commit_late_changes_nothing(taken: Mailbox, store: Store) -> None:
    """A commit that arrives when the turn is long over says yes and writes nothing."""
    finish(taken, store, "a", 1)
    assert taken.commit(ANA, "a", 1, reply(1))
    assert store.client.exists(key(ANA, "out")) == 0


def test_clear_forgets_what_was_said_and_keeps_the_language(taken: Mailbox, store: Store) -> None:
    taken.accept([said(2, "/reset"), said(3)])
    taken.commit(ANA, "a", 1, None, [Turn("user", "message 1", 3, 1)], window=1, language="en")
    taken.take(ANA, "a")
    taken.commit(ANA, "a", 2, None, mode="clear")
    assert History(store).tail(ANA, 0, 1000) == []
    task = taken.take(ANA, "a")
    assert isinstance(task, Think)
    assert (task.state.get("window"), task.state["language"]) == (None, "en")


def test_bury_keeps_the_batch_and_is_counted_once(taken: Mailbox, store: Store) -> None:
    for _ in range(2):
        taken.commit(ANA, "a", 1, None, mode="bury")
    assert store.client.llen(key(ANA, "dead")) == 1
    assert b"message 1" in store.client.lindex(key(ANA, "dead"), 0)
    assert store.client.zscore(DEAD, ANA) > 0
    assert counted(store, "dead") == 1


def test_the_next_turn_knows_window_and_language(taken: Mailbox) -> None:
    """Until another commit says otherwise; one that says nothing changes nothing."""
    taken.commit(ANA, "a", 1, None, window=5, language="en-GB")
    for turn in (2, 3):
        taken.accept([said(turn)])
        task = taken.take(ANA, "a")
        assert isinstance(task, Think)
        assert (task.state["window"], task.state["language"]) == ("5", "en-GB")
        taken.commit(ANA, "a", turn, None)


def test_a_commit_ends_the_waiting_of_its_turn(taken: Mailbox, store: Store) -> None:
    """Tries, waits and the notice belong to one turn; the next one begins anew."""
    taken.defer(ANA, "a", 1, failed=True)
    store.client.hdel(key(ANA, "state"), "think_at")
    taken.take(ANA, "a")
    taken.defer(ANA, "a", 1, notice=reply(-1))
    assert [state(store, name) is None for name in WAITING] == [False] * 5
    taken.take(ANA, "a")
    taken.commit(ANA, "a", 1, None)
    assert [state(store, name) for name in WAITING] == [None] * 5


def test_history_keeps_the_newest_turns_for_its_days(
    taken: Mailbox, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "KEPT", 4)
    for turn in (1, 2, 3):
        taken.accept([said(turn + 1)])
        taken.take(ANA, "a")
        taken.commit(ANA, "a", turn, None, [Turn("user", f"q{turn}", 1, turn), Turn("assistant", f"a{turn}", 1, turn)])
    assert [turn.text for turn in History(store).tail(ANA, 0, 1000)] == ["q2", "a2", "q3", "a3"]
    assert 29 * 24 * HOURS < store.client.pttl(key(ANA, "history")) <= 30 * 24 * HOURS


# -- defer -----------------------------------------------------------------------------------------


def test_defer_gives_the_lease_back_and_keeps_the_turn(taken: Mailbox) -> None:
    taken.defer(ANA, "a", 0.05)
    assert isinstance(taken.take(ANA, "b"), Later)
    time.sleep(0.06)
    assert taken_texts(taken, "b") == ["message 1"]


def test_defer_waits_twice_as_long_each_time_and_at_most_half_a_minute(taken: Mailbox, store: Store) -> None:
    waited = []
    for _ in range(8):
        store.client.hdel(key(ANA, "state"), "think_at")
        taken.take(ANA, "a")
        taken.defer(ANA, "a", 1)
        waited.append(round(due_in_ms(store) / 1000))
    assert waited == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_turn_that_has_waited_for_days_can_be_given_back_at_once(taken: Mailbox, store: Store) -> None:
    store.client.hset(key(ANA, "state"), "waits", 2000)
    taken.defer(ANA, "a", 0)
    assert due_in_ms(store) <= 0
    assert taken_texts(taken, "b") == ["message 1"]


def test_defer_twice_or_late_counts_once(taken: Mailbox, store: Store) -> None:
    """Whoever no longer has the lease defers nothing."""
    taken.defer(ANA, "a", 1, failed=True)
    taken.defer(ANA, "a", 1, failed=True)
    assert state(store, "tries") == "1"
    assert due_in_ms(store) <= 1000


def test_the_notice_is_told_once_until_the_answer(taken: Mailbox, store: Store) -> None:
    """However often a turn is deferred, the person hears of it once."""
    for _ in range(3):
        store.client.hdel(key(ANA, "state"), "think_at")
        task = taken.take(ANA, "a")
        if isinstance(task, Speak):
            Outbox(store).record(ANA, task.reply.turn, 0, "sent")
            taken.take(ANA, "a")
        taken.defer(ANA, "a", 0.01, notice=reply(-1, "slow"))
    assert store.client.llen(key(ANA, "out")) == 0
    assert state(store, "told") == "1"


def test_the_notice_is_told_now_and_not_when_the_turn_may_go_on(taken: Mailbox, store: Store) -> None:
    taken.defer(ANA, "a", 20, notice=reply(-1, "slow"))
    assert due_in_ms(store) <= 0
    assert isinstance(taken.take(ANA, "b"), Speak)


@pytest.mark.parametrize(("speak", "think"), [(3, 20), (20, 3)])
def test_a_turn_that_waits_makes_no_reply_late(mailbox: Mailbox, store: Store, speak: float, think: float) -> None:
    """A reply that is held back keeps its own time beside the turn's."""
    Outbox(store).record(ANA, staged(mailbox).turn, 0, "staged", wait=speak)
    mailbox.accept([said(2)])
    mailbox.take(ANA, "a")
    mailbox.defer(ANA, "a", think)
    assert 2_500 < due_in_ms(store) <= 3_000


def test_only_a_lease_that_is_anothers_counts_as_lost(taken: Mailbox, store: Store) -> None:
    """Who has just let go is not renewed either, and lost nothing."""
    taken.defer(ANA, "a", 0)
    assert taken.renew([(ANA, "a", ())]).lost == {"a"}
    assert counted(store, "lost_leases") == 0
    taken.take(ANA, "b")
    assert taken.renew([(ANA, "a", ())]).lost == {"a"}
    assert counted(store, "lost_leases") == 1
