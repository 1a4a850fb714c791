"""The sweeper of a running worker: whoever is due is rung in time, and Redis is not asked in vain."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from bot.stores import bell
from bot.stores.connection import DUE, Store
from tests.unit.backgrounds import NEVER, Worker
from tests.unit.mailboxes import ANA, in_line, open_mailbox, rings, said, until
from workers import background


@pytest.fixture
def drowsy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweeper that sleeps for half a minute: whatever happens sooner, it was woken for."""
    monkeypatch.setattr(background, "SWEEP_SECONDS", 30)


def test_a_lost_ring_is_rung_again_by_itself(started: Callable[..., Worker], store: Store) -> None:
    worker = started()
    open_mailbox(store).accept([said(1)])
    store.client.delete(bell.QUEUE_KEY)
    store.client.zadd(DUE, {ANA: 1})
    worker.background.look_again(0)
    until(lambda: in_line(store) == [ANA])


@pytest.mark.usefixtures("drowsy")
def test_the_end_of_a_burst_is_heard_though_the_sweeper_sleeps(started: Callable[..., Worker], store: Store) -> None:
    """Whoever said that somebody is due in a second wakes the sweeper in time."""
    worker = started(quiet=1)
    worker.until_asleep()
    begun = time.monotonic()
    worker.say("hello")
    store.client.delete(bell.QUEUE_KEY)
    worker.answerer.answer(ANA)
    assert rings(store) == 0
    until(lambda: rings(store) == 1, 15)
    assert time.monotonic() - begun >= 0.99


@pytest.mark.usefixtures("drowsy")
def test_whoever_is_told_while_the_sweeper_looks_is_heard(started: Callable[..., Worker], store: Store) -> None:
    """Redis has answered already, without the conversation that is due in half a second."""
    worker = started(quiet=0.5)
    worker.until_asleep()

    def listen() -> None:
        worker.watched.sweeping = lambda: None
        worker.say("hello")
        store.client.delete(bell.QUEUE_KEY)
        worker.answerer.answer(ANA)
        told.set()

    told = threading.Event()
    worker.watched.sweeping = listen
    worker.background.look_again(0)
    until(lambda: told.is_set() and rings(store) == 1, 15)


@pytest.mark.usefixtures("drowsy")
def test_a_sweeper_with_nothing_to_do_lets_redis_be(started: Callable[..., Worker]) -> None:
    """Woken once, it looks once; nothing is due, or only much later: it sleeps."""
    worker = started()
    worker.until_asleep()
    woken = worker.watched.sweeps
    worker.background.look_again(0)
    until(lambda: worker.watched.sweeps > woken)
    worker.until_asleep()
    seen = worker.watched.sweeps
    for _ in range(20):
        worker.background.look_again(NEVER)
        time.sleep(0.01)
    assert worker.watched.sweeps == seen
