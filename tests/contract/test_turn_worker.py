"""The worker's own life: its slots, its heartbeat, RQ's books of it, and how it leaves."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from redis.exceptions import RedisError
from rq import Queue
from rq.job import JobStatus
from rq.worker import Worker

from bot.errors import StoreUnavailable
from bot.stores import bell
from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from simulator.processes import wait_until
from tests.contract.recorder import Recorder, failed, ring
from tests.contract.stepwise import LONGEST, Stepwise, idle, stop
from workers import worker as worker_module

ANA = "telegram:7:1"


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def worker(store: Store, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Stepwise:
    monkeypatch.setattr(worker_module, "HEARTBEAT_SECONDS", 0.1)
    return Stepwise(store, recorder)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that rests for a twentieth of its pause when a round has failed."""
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: time.sleep(seconds / 20))
    monkeypatch.setattr(worker_module, "time", clock)


# -- slots -----------------------------------------------------------------------------------------


def test_an_idle_worker_keeps_its_slots(worker: Stepwise, recorder: Recorder, mailbox: Mailbox) -> None:
    """Rounds in which nobody rang cost nothing: the one slot is there for whoever rings then."""
    recorder.during = stop(worker)
    worker.steps = [idle, idle, lambda: ring(mailbox, ANA)]
    assert worker.work_for_a_while() < LONGEST
    assert recorder.answered == [ANA]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("error", [RedisError("away"), ValueError("an unreadable job")])
def test_a_round_that_fails_ends_no_worker(
    worker: Stepwise,
    recorder: Recorder,
    mailbox: Mailbox,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    """Whether Redis is away or a job is broken: neither the worker nor the slot of that round is lost. Only what
    was not expected is logged with where it happened."""

    def break_off() -> None:
        raise error

    recorder.during = stop(worker)
    worker.steps = [break_off, lambda: ring(mailbox, ANA)]
    assert worker.work_for_a_while() < LONGEST
    assert recorder.answered == [ANA]
    failures = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [bool(record.exc_info) for record in failures] == [isinstance(error, ValueError)]


def test_redis_that_goes_away_during_a_turn_is_no_failure(
    worker: Stepwise, recorder: Recorder, store: Store, mailbox: Mailbox
) -> None:
    """The sweeper will ring again; the slot is free, and RQ's list of failures stays for what is broken."""

    def go_away(_: str) -> None:
        recorder.during = stop(worker)
        raise StoreUnavailable("away")

    recorder.during = go_away
    ring(mailbox, ANA, "telegram:7:2")
    assert worker.work_for_a_while() < LONGEST
    assert recorder.answered == [ANA, "telegram:7:2"]
    assert failed(store) == []


# -- RQ's books ------------------------------------------------------------------------------------


@pytest.mark.parametrize("counted", [False, True])
def test_a_worker_that_redis_forgot_reports_again(worker: Stepwise, store: Store, counted: bool) -> None:
    """Redis was emptied, or away for longer than a worker's time to live: `rq info` shows it again.

    Even when a turn that ended meanwhile has been ``counted`` under the worker's name.
    """
    known: list[int] = []

    def look() -> None:
        known.append(Worker.count(connection=store.client))

    def forget() -> None:
        store.client.delete(worker.key, bell.WORKERS_KEY)
        look()
        if counted:
            store.client.hincrby(worker.key, "successful_job_count", 1)

    worker.steps = [look, forget, idle, idle, look, worker._stop]
    worker.work_for_a_while()
    assert known == [1, 0, 1]


def test_a_long_turn_is_not_taken_for_a_dead_one(
    worker: Stepwise, recorder: Recorder, store: Store, mailbox: Mailbox
) -> None:
    """While a turn runs, the time until which RQ believes its execution alive moves on."""
    moved: list[bool] = []

    def alive_until() -> float:
        return max(
            (score for _, score in store.client.zrange(f"rq:wip:{bell.QUEUE}", 0, -1, withscores=True)), default=0
        )

    def think(_: str) -> None:
        first, until = alive_until(), time.monotonic() + LONGEST - 1
        while alive_until() <= first and time.monotonic() < until:
            time.sleep(0.02)
        moved.append(0 < first < alive_until())
        worker._stop()

    recorder.during = think
    ring(mailbox, ANA)
    worker.work_for_a_while()
    assert moved == [True]


def test_what_could_not_be_struck_off_while_redis_was_away_is_struck_off_later(
    worker: Stepwise, recorder: Recorder, store: Store, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RQ's books are true again with the next heartbeat, and not only when the entries end by themselves."""
    end = worker._wakeups.end

    def away(*_: object) -> None:
        monkeypatch.setattr(worker._wakeups, "end", end)
        raise StoreUnavailable("away")

    monkeypatch.setattr(worker._wakeups, "end", away)
    left: list[int] = []

    def stop_when_tidy() -> None:
        left.append(store.client.zcard(f"rq:wip:{bell.QUEUE}"))
        worker.steps.append(worker._stop if len(left) > 1 and not left[-1] else stop_when_tidy)

    ring(mailbox, ANA)
    worker.steps = [idle, stop_when_tidy]
    worker.work_for_a_while()
    assert recorder.answered == [ANA]
    assert left[-1] == 0
    assert not store.client.keys("rq:job:ring-*")


def test_a_worker_tidies_up_after_those_that_died(worker: Stepwise, store: Store) -> None:
    """RQ's maintenance runs: a dead worker's execution becomes a failure that can be seen."""
    job = Queue(bell.QUEUE, connection=store.client, serializer="json").enqueue(bell.JOB, ANA)
    job.set_status(JobStatus.STARTED)
    store.client.delete(bell.QUEUE_KEY)
    store.client.zadd(f"rq:wip:{bell.QUEUE}", {f"{job.id}:dead": 1})
    worker.steps = [idle, worker._stop]
    worker.work_for_a_while()
    assert failed(store) == [job.id]


# -- leaving ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stops", "waited"), [(1, True), (2, False)])
def test_a_second_stop_ends_the_draining(
    worker: Stepwise, recorder: Recorder, mailbox: Mailbox, stops: int, waited: bool
) -> None:
    """One stop lets what runs end; whoever asks twice does not want to wait: the turn is given back."""
    on, ended = threading.Event(), threading.Event()

    def think(_: str) -> None:
        for _stop in range(stops):
            worker._stop()
        on.wait(0.4)
        ended.set()

    recorder.during = think
    ring(mailbox, ANA)
    worker.work_for_a_while()
    assert ended.is_set() is waited
    assert recorder.abandoned == 1
    on.set()
    assert ended.wait(2)


def test_a_worker_that_drains_is_still_on_rqs_books(
    worker: Stepwise, recorder: Recorder, store: Store, mailbox: Mailbox
) -> None:
    """A long turn may take longer to end than the books remember a worker that is silent."""
    renewed: list[bool] = []

    def think(_: str) -> None:
        worker._stop()
        store.client.expire(worker.key, 3)
        renewed.append(wait_until(lambda: int(store.client.ttl(worker.key)) > 10, 3))

    recorder.during = think
    ring(mailbox, ANA)
    worker.work_for_a_while()
    assert renewed == [True]
