"""Beside the turns: leases live on, lost ones end their thinking, typing is seen, and nothing ends the loops."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bot import texts
from bot.errors import StoreUnavailable, Undelivered
from bot.message import Piece, Reply
from bot.stores import bell
from bot.stores.connection import DUE, Store, key
from bot.stores.mailbox import Rest
from tests.unit.backgrounds import NEVER, Worker
from tests.unit.mailboxes import ANA, BEA, due_in_ms, rings, until
from tests.unit.worlds import FakeChannel
from workers import background
from workers.background import TYPING_THREADS

# -- leases ----------------------------------------------------------------------------------------


def test_a_lease_lives_as_long_as_somebody_thinks(started: Callable[..., Worker], store: Store) -> None:
    """A lease of one second, a thought of two and a half: nobody else gets the turn, nor is rung for it."""
    worker = started(lease=1)
    worker.say("hello")
    worker.backend.pace = NEVER
    thinking = worker.think()
    store.client.delete(bell.QUEUE_KEY)
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        assert worker.mailbox.take(ANA, "thief") == Rest()
        time.sleep(0.05)
    assert due_in_ms(store) > 0
    assert rings(store) == 0
    assert thinking.is_alive()


@pytest.mark.usefixtures("quick")
def test_a_lost_lease_ends_a_model_that_has_not_said_a_word(started: Callable[..., Worker], store: Store) -> None:
    worker = started()
    worker.say("hello")
    worker.backend.pace = NEVER
    thinking = worker.think()
    store.client.set(key(ANA, "lease"), "another")
    thinking.join(3)
    assert not thinking.is_alive()
    assert worker.backend.streams[0].closed
    assert worker.channel.spoken == []
    assert store.client.get(key(ANA, "lease")) == b"another"


@pytest.mark.usefixtures("quick")
def test_whoever_took_over_from_a_sibling_loses_nothing(started: Callable[..., Worker], store: Store) -> None:
    """Two turns of one worker hold one conversation, by an old and by a new token: the old one ends alone."""
    worker = started()
    worker.say("hello")
    worker.backend.pace = NEVER
    old = worker.think()
    store.client.delete(key(ANA, "lease"))
    new = worker.think()
    old.join(3)
    seen = worker.watched.renewals
    until(lambda: worker.watched.renewals > seen + 2)
    assert (old.is_alive(), new.is_alive()) == (False, True)
    assert [stream.closed for stream in worker.backend.streams] == [True, False]


# -- typing ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_typing_is_shown_again_each_period_and_no_more_often(
    started: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as we think: the platform forgets it after its seconds, and counts calls."""
    monkeypatch.setattr(FakeChannel, "typing_seconds", 0.2)
    worker = started()
    worker.say("hello")
    worker.backend.pace = NEVER
    begun = time.monotonic()
    worker.think()
    until(lambda: len(worker.channel.typing) >= 4)
    assert time.monotonic() - begun >= 0.6
    assert set(worker.channel.typing) == {"1"}


@pytest.mark.usefixtures("quick")
def test_whoever_has_been_answered_sees_no_typing(started: Callable[..., Worker]) -> None:
    worker = started()
    worker.say("hello")
    worker.think().join(3)
    assert worker.channel.spoken == ["re: hello"]
    assert worker.answerer.held == []
    until(lambda: worker.watched.renewals > 2)
    assert worker.channel.typing == ["1"]


class SlowChannel(FakeChannel):
    """A platform that takes its time for each typing, and then refuses it."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def show_typing(self, conversation: str, message_id: str) -> None:
        super().show_typing(conversation, conversation)
        self.go_on.wait(30)
        raise Undelivered("no network")


def test_a_slow_platform_holds_up_nobody_and_few_threads(store: Store) -> None:
    """Whoever finds no thread is shown typing later; a failure gives its thread back."""
    worker, channel = Worker(store), SlowChannel()
    begun = time.monotonic()
    for person in range(10):
        worker.background.show_typing(channel, f"fake:7:{person}", "1")
    assert time.monotonic() - begun < 15
    until(lambda: len(channel.typing) == TYPING_THREADS)
    channel.go_on.set()

    def shown() -> bool:
        worker.background.show_typing(channel, "fake:7:9", "1")
        return "fake:7:9" in channel.typing

    until(shown)
    assert len(channel.typing) == TYPING_THREADS + 1


def test_a_machine_without_threads_fails_no_turn_for_typing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three turns that failed would be a dead letter; and typing is shown again as soon as there are threads."""
    worker, channel = Worker(store), SlowChannel()
    channel.go_on.set()

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        for person in range(TYPING_THREADS + 1):
            worker.background.show_typing(channel, f"fake:7:{person}", "1")
    worker.background.show_typing(channel, "fake:7:99", "1")
    until(lambda: channel.typing == ["fake:7:99"])


# -- what fails ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("renewing", "sweeping"),
    [(StoreUnavailable("away"), ValueError("a bug")), (ValueError("a bug"), StoreUnavailable("away"))],
)
def test_both_loops_go_on_whatever_fails_in_them(
    store: Store,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    renewing: Exception,
    sweeping: Exception,
) -> None:
    """Without them leases would end and nobody would ring; an outage is said in words, a bug with where it is."""
    hasty = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: time.sleep(seconds / 20))
    monkeypatch.setattr(background, "time", hasty)
    caplog.set_level(logging.ERROR)
    worker = Worker(store)
    worker.watched.failures = {"renew": [renewing], "sweep": [sweeping]}
    worker.start()
    worker.say("hello", conversation=BEA)
    store.client.zadd(DUE, {BEA: 1})
    try:
        until(lambda: worker.watched.renewals and worker.watched.sweeps)
    finally:
        worker.stop()
    where = [(record.getMessage() == "away", bool(record.exc_info)) for record in caplog.records]
    assert sorted(where) == [(False, True), (True, False)]


def test_who_waits_for_a_silent_model_is_told_so_once_and_then_answered(started: Callable[..., Worker]) -> None:
    """It has been asked and says nothing, whether it hangs or loads: the person hears of it while the turn goes on."""
    worker = started()
    worker.answerer.notice_seconds = 0.05
    worker.backend.pace = NEVER
    worker.say("hello", language="en")
    thinking = worker.think()
    until(lambda: worker.channel.spoken)
    renewals = worker.watched.renewals
    until(lambda: worker.watched.renewals > renewals + 1)
    assert worker.channel.spoken == [texts.SLOW.to("en")]
    assert thinking.is_alive()
    worker.backend.pace = 0
    worker.backend.streams[-1].close()
    thinking.join(5)
    worker.think_again()
    assert worker.channel.spoken == [texts.SLOW.to("en"), "re: hello"]


def test_who_is_answered_meanwhile_is_told_nothing(started: Callable[..., Worker]) -> None:
    """The turn was over in the very moment: a notice after the answer would only confuse."""
    worker = started()
    worker.say("hello")
    worker.answerer.answer(ANA)
    assert not worker.mailbox.tell(ANA, "a", Reply(-1, (Piece("slow"),)))
    assert worker.rest()
