"""A worker dies, or is stopped for longer than its lease, at any step of a turn: one answer, whole, and then rest."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from bot.received import Status
from bot.stores.connection import Store, key
from bot.stores.history import History
from bot.stores.outbox import Outbox
from tests.unit.fates import EditingChannel, Workers, unrest
from tests.unit.mailboxes import ANA, counted
from tests.unit.worlds import FakeChannel

ANSWERS = {f"the {who} one says that we open at nine|and close at five" for who in ("first", "second", "third")}
STRAY = "…"


def every_step(store: Store, open_channel: Callable[[], FakeChannel]) -> Iterator[tuple[Workers, int]]:
    """A fresh workers of workers for each step that the first one has, and the number of that step."""
    for at in range(1, 200):
        store.client.flushall()
        yield (workers := Workers(store, open_channel())), at
        if workers.steps.count < at:
            return
    raise AssertionError("it never ends")


def answered(store: Store) -> str:
    """What history says that the person was told: one answer, of one generation."""
    question, answer = History(store).tail(ANA, 0, 1000)
    assert (question.text, answer.text in ANSWERS) == ("when?", True)
    return answer.text


def check(workers: Workers, *, fates: int = 1) -> None:
    """The person reads one whole answer in its order; besides it one stray opening for each fate at most, and every
    one of them is counted (one that was perhaps not sent too)."""
    shown = workers.channel.spoken if not isinstance(workers.channel, EditingChannel) else workers.channel.shown
    whole = [text for text in shown if not text.endswith(STRAY)]
    assert whole == answered(workers.store).split("|")
    assert len(shown) - len(whole) <= counted(workers.store, "stray") <= fates
    assert unrest(workers.store) == []


def test_killed_at_any_step_while_its_bubbles_can_be_edited(store: Store) -> None:
    """Before and after each script and each call: the next worker brings it to its end."""
    for workers, at in every_step(store, EditingChannel):
        workers.meet(at, workers.steps.die)
        workers.expire()
        workers.finish()
        check(workers)
    assert at > 30


def test_killed_at_any_step_where_only_a_status_tells_what_was_sent(store: Store) -> None:
    """The platform tells of every bubble that it has, within the time that a bubble in doubt waits."""
    for workers, at in every_step(store, FakeChannel):
        workers.meet(at, workers.steps.die)
        workers.expire()
        told: set[str] = set()

        def go_on(workers: Workers = workers, told: set[str] = told) -> None:
            workers.heir.answerer.answer(ANA)
            for reference in set(workers.channel.references) - told:
                Outbox(store).settle(Status(ANA, reference, "sent"))
                told.add(reference)

        workers.finish(go_on)
        check(workers)
    assert at > 15


def test_stopped_at_any_step_while_another_does_everything(store: Store) -> None:
    """And then continued: its commit is refused, and no preview of it stands over the final text in the end."""
    for workers, at in every_step(store, EditingChannel):
        workers.meet(at, lambda workers=workers: (workers.expire(), workers.finish()))  # type: ignore[misc]
        workers.finish()
        check(workers)


def test_stopped_at_any_step_where_bubbles_cannot_be_edited(store: Store) -> None:
    """For less than a bubble in doubt waits: the other one thinks and speaks what it may, and nothing comes twice."""
    for workers, at in every_step(store, FakeChannel):

        def meanwhile(workers: Workers = workers) -> None:
            workers.expire()
            workers.heir.answerer.answer(ANA)

        workers.meet(at, meanwhile)
        workers.finish()
        check(workers)


@pytest.mark.parametrize("seed", range(4))
def test_stopped_while_another_dies_halfway(store: Store, seed: int) -> None:
    """The first goes on over what the second left, the third finds both: still one whole answer."""
    rng = random.Random(seed)
    for _ in range(20):
        store.client.flushall()
        workers = Workers(store, EditingChannel())
        at, expires = rng.randrange(1, 45), rng.random() < 0.5

        def meanwhile(workers: Workers = workers, at: int = at, expires: bool = expires) -> None:
            workers.compete(at)
            if expires:
                workers.expire()

        workers.meet(rng.randrange(1, 45), meanwhile)
        workers.expire()
        workers.finish()
        check(workers, fates=2)


def test_an_erasure_at_any_step_leaves_nothing_of_the_conversation(store: Store) -> None:
    """The worker does not know it yet, and whatever it does then is written nowhere."""
    for workers, at in every_step(store, EditingChannel):
        if at == 1:
            continue

        def erase() -> None:
            for part in ("in", "wip", "lease", "turn", "history", "out", "state", "dead", "spoken"):
                store.client.delete(key(ANA, part))
            store.client.zrem("recado:due", ANA)

        workers.meet(at, erase)
        left = [name for name in store.client.scan_iter("recado:{*") if b"{" + ANA.encode() in name]
        assert left == [], at
