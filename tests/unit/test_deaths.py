"""What counts as the death of a worker, and against which turn."""

from __future__ import annotations

from bot.stores.connection import Store, key
from bot.stores.line import SUSPECTS, Line
from bot.stores.mailbox import Mailbox
from bot.stores.outbox import Outbox
from tests.unit.mailboxes import ANA, BEA, counted, known, reply, said, staged, state, taken_texts


def crashed(mailbox: Mailbox, store: Store, token: str) -> None:
    """A worker takes the turn up and dies."""
    taken_texts(mailbox, token)
    store.client.delete(key(ANA, "lease"))


def test_a_death_counts_once_however_often_the_successor_asks(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1)])
    crashed(mailbox, store, "a")
    for _ in range(3):
        taken_texts(mailbox, "b")
    assert known(store) == ["1", None, None]
    assert counted(store, "deaths") == 1


def test_a_death_counts_though_the_successor_first_speaks(mailbox: Mailbox, store: Store) -> None:
    """A reply of an earlier turn goes first; the turn's own loss is not forgotten over it, nor counted twice."""
    staged(mailbox)
    Outbox(store).record(ANA, 1, 0, "staged", wait=30)
    mailbox.accept([said(2)])
    crashed(mailbox, store, "a")
    store.client.hdel(key(ANA, "state"), "speak_at")
    mailbox.take(ANA, "b")
    assert known(store) == [None] * 3
    Outbox(store).record(ANA, 1, 0, "sent")
    taken_texts(mailbox, "b")
    assert known(store) == ["1", None, None]


def test_giving_a_turn_back_is_no_death(mailbox: Mailbox, store: Store) -> None:
    """Deferred, or an exception's try: whoever comes next strikes nothing."""
    mailbox.accept([said(1)])
    for worker, failed in (("a", False), ("b", True)):
        taken_texts(mailbox, worker)
        mailbox.defer(ANA, worker, 0, failed=failed)
    taken_texts(mailbox, "c")
    assert known(store) == [None, None, "1"]


def test_standing_in_a_line_is_no_death(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1), said(1, conversation=BEA)])
    line = Line(store, "models", places=["one"], parallel=1, lease=15)
    mailbox.take(BEA, "x")
    line.enter(BEA, "x", ["one"])
    for worker in "abc":
        store.client.hdel(key(ANA, "state"), "think_at")
        taken_texts(mailbox, worker)
        line.enter(ANA, worker, ["one"])
    line.leave(BEA, "x", "one", "ok")
    taken_texts(mailbox, "d")
    assert known(store) == [None] * 3


def test_the_next_turn_of_the_same_worker_is_no_death(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1, "/help"), said(2)])
    taken_texts(mailbox, "a")
    mailbox.commit(ANA, "a", 1, None)
    taken_texts(mailbox, "a")
    assert known(store) == [None] * 3


def test_only_deaths_while_it_runs_alone_are_its_own(mailbox: Mailbox, store: Store) -> None:
    """Its worker died before it had its place: that may have been anybody's fault."""
    suspects = Line(store, SUSPECTS, places=["one"], parallel=1, lease=15)
    mailbox.accept([said(1)])
    for worker in "abc":
        crashed(mailbox, store, worker)
    taken_texts(mailbox, "d")
    assert known(store) == ["3", None, None]
    assert suspects.enter(ANA, "d", ["one"])[0] == "one"
    store.client.delete(key(ANA, "lease"))
    taken_texts(mailbox, "e")
    assert known(store) == ["3", "1", None]
    store.client.delete(key(ANA, "lease"))
    taken_texts(mailbox, "f")
    assert known(store) == ["4", "1", None]


def test_one_that_gave_up_its_place_alone_is_not_struck_for_what_comes_later(mailbox: Mailbox, store: Store) -> None:
    """Alone, then deferred because the model was away; the next worker died before it was alone again."""
    suspects = Line(store, SUSPECTS, places=["one"], parallel=1, lease=15)
    mailbox.accept([said(1)])
    taken_texts(mailbox, "a")
    suspects.enter(ANA, "a", ["one"])
    mailbox.defer(ANA, "a", 0)
    crashed(mailbox, store, "b")
    taken_texts(mailbox, "c")
    assert known(store) == ["1", None, None]


def test_a_commit_clears_the_turn_of_all_suspicion(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1)])
    for worker in "abc":
        crashed(mailbox, store, worker)
    taken_texts(mailbox, "d")
    Line(store, SUSPECTS, places=["one"], parallel=1, lease=15).enter(ANA, "d", ["one"])
    mailbox.commit(ANA, "d", 1, reply(1))
    names = ("deaths", "strikes", "thinker", "suspect", "line_at", "number:suspects", "number:models")
    assert [state(store, name) for name in names] == [None] * len(names)
