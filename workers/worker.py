"""One process, many turns: an RQ worker whose jobs run in threads.

RQ 3.0 ships fork and in-line workers only, so this class overrides some of its private hooks;
tests/contract/test_rq_hooks.py pins them. RQ's own recovery (60 to 600 s) is not waited for: leases and
the sweeper bring a dead worker's turns back, and a wake-up lost or doubled does no harm.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import Job
from rq.timeouts import BaseDeathPenalty
from rq.worker import BaseWorker, WorkerStatus

from bot.cli import endings
from bot.errors import RecadoError, StoreUnavailable
from bot.stores.bell import FAILED_SECONDS, JOB, QUEUE
from bot.stores.connection import Store
from bot.stores.wakeups import TTL_SECONDS, WIP, Wakeup, Wakeups
from workers import jobs
from workers.answer import Answerer

DRAIN_SECONDS = 20.0
HEARTBEAT_SECONDS = 5.0
WORKER_TTL = 20

log = logging.getLogger("recado.worker")


class NotAllowed(RecadoError):
    """Raised when a job in Redis is not a wake-up: a job's name is data, and data runs no code here."""


class Inert(Job):
    """A job as RQ's housekeeping sees it: none of what its data could have called is there to be called."""

    @property
    def func(self) -> Any:
        raise PermissionError(f"the job {self.id} is data")

    success_callback = failure_callback = stopped_callback = None
    should_retry = False

    def send_webhooks(self, *_: object, **__: object) -> None:
        """A job's data names no address that we would call."""


class NoDeathPenalty(BaseDeathPenalty):
    """Turns have deadlines of their own; a thread cannot be interrupted from outside."""

    def setup_death_penalty(self) -> None:
        """Nothing to set up."""

    def cancel_death_penalty(self) -> None:
        """Nothing to cancel."""


class TurnWorker(BaseWorker):
    """Runs up to ``slots`` turns at once, takes a wake-up only when a slot is free, and drains on SIGTERM."""

    death_penalty_class = NoDeathPenalty
    job_class = Inert
    dequeue_timeout = 1
    connection_timeout = 15

    def __init__(self, connection: Redis, answerer: Answerer, slots: int, drain: float = DRAIN_SECONDS) -> None:
        """``drain``: how many seconds running turns have to end when the worker is told to."""
        super().__init__(
            [QUEUE], connection=connection, serializer="json", worker_ttl=WORKER_TTL, maintenance_interval=30
        )
        self.log_job_description = False
        self._registry = self.queues[0].started_job_registry
        self._wakeups = Wakeups(Store(connection), self.name)
        self.answerer = answerer
        self._slots = threading.Semaphore(slots)
        self._finished = threading.Condition()
        self._beat_at = 0.0
        self._unstruck: deque[Wakeup] = deque()
        self._drain = self._drain_seconds = drain

    def work(self, *, burst: bool = False, **_: Any) -> bool:  # type: ignore[override]
        """Take and run wake-ups until SIGTERM, or in a ``burst`` until the queue is empty and all have run."""
        self.bootstrap(logging_level="WARNING")
        self._install_signal_handlers()
        try:
            while not self._stop_requested:
                try:
                    if not self._next(burst=burst):
                        break
                except (RedisError, StoreUnavailable) as error:
                    log.error("Redis is away: %s", error)
                    time.sleep(1)
                except Exception:  # the border of a round: one unreadable job must not stop the others
                    log.exception("a round failed, and the next one begins")
                    time.sleep(1)
        finally:
            self.teardown()
        return True

    def _next(self, *, burst: bool) -> bool:
        """One round: beat, and start a turn if a slot and a wake-up are there. False when a burst is over."""
        self._beat()
        if not self._slots.acquire(timeout=self.dequeue_timeout):
            return True
        started = False
        try:
            if wakeup := self._take(0 if burst else self.dequeue_timeout):
                self._begin(wakeup)
                started = True
        finally:
            if not started:
                self._slots.release()
        return bool(started or not burst or self._wait_for_turns(DRAIN_SECONDS))

    def _beat(self) -> None:
        if time.monotonic() - self._beat_at < HEARTBEAT_SECONDS:
            return
        while self._unstruck:
            self._wakeups.end(self._unstruck[0])
            self._unstruck.popleft()
        self._beat_at = time.monotonic()
        if not self.connection.hexists(self.key, "birth"):
            # Redis forgot us, or was away for longer than our time to live. What a turn of ours has counted there since
            # then would be taken for another worker.
            self.connection.delete(self.key)
            self.register_birth()  # type: ignore[no-untyped-call]
        self.set_state(WorkerStatus.BUSY if self.executions else WorkerStatus.IDLE)
        self.heartbeat(WORKER_TTL)  # RQ would keep a dead one on its books for two minutes
        if self.should_run_maintenance_tasks:
            self.run_maintenance_tasks()  # type: ignore[no-untyped-call]
        with self.connection.pipeline() as pipe:
            for execution in list(self.executions.values()):
                execution.heartbeat(self._registry, TTL_SECONDS, pipeline=pipe)
            pipe.execute()

    def _take(self, seconds: float) -> Wakeup | None:
        return self._wakeups.take(seconds)

    def _begin(self, wakeup: Wakeup) -> None:
        """Run the turn in a thread of its own."""
        self.executions[wakeup.run] = Execution(wakeup.run, wakeup.id, self.connection, self.name)
        try:
            threading.Thread(target=self._run, args=(wakeup,), name=wakeup.id, daemon=True).start()
        except RuntimeError:  # there are no more threads to be had: the sweeper rings again
            self.executions.pop(wakeup.run, None)
            self._wakeups.end(wakeup)
            raise

    def _run(self, wakeup: Wakeup) -> None:
        try:
            if self._perform(wakeup):
                self._wakeups.end(wakeup)
        except (RedisError, StoreUnavailable) as error:
            log.warning("a wake-up could not be struck off yet: %s", error)
            self._unstruck.append(wakeup)
        finally:
            self.executions.pop(wakeup.run, None)
            self._slots.release()
            with self._finished:
                self._finished.notify_all()

    def _perform(self, wakeup: Wakeup) -> bool:
        """Run the turn; what failed is kept on RQ's books for an hour. False for that."""
        try:
            if not wakeup.conversation:
                raise NotAllowed(f"refused: the job {wakeup.id} is not {JOB}(conversation)")
            jobs.answer(wakeup.conversation)
        except StoreUnavailable as error:
            log.warning("Redis went away during a turn, the sweeper will ring again: %s", error)
        except Exception:
            log.exception("a wake-up failed")
            self._put_among_failed(wakeup)
            return False
        return True

    def _put_among_failed(self, wakeup: Wakeup) -> None:
        execution = Execution(wakeup.run, wakeup.id, self.connection, self.name)
        try:
            job = Inert.fetch(wakeup.id, connection=self.connection, serializer=self.serializer)
            self.handle_execution_ended(job, self.queues[0], TTL_SECONDS)
            self.handle_job_failure(job, self.queues[0], exc_string="see the worker's log", execution=execution)
        except RedisError:
            raise
        except NoSuchJobError:  # its person was erased meanwhile
            self._wakeups.end(wakeup)
        except Exception:
            log.exception("a job cannot even be read, and is put aside")
            self._put_aside(wakeup)

    def _put_aside(self, wakeup: Wakeup) -> None:
        """Count a job that RQ cannot read among the failed, or its housekeeping would stumble over it for ever."""
        with self.connection.pipeline() as pipe:
            pipe.zrem(WIP, f"{wakeup.id}:{wakeup.run}")
            pipe.srem(self.executions_key, f"{wakeup.id}:{wakeup.run}")
            pipe.zadd(f"rq:failed:{QUEUE}", {wakeup.id: time.time() + FAILED_SECONDS})
            pipe.expire(f"rq:job:{wakeup.id}", FAILED_SECONDS)
            self.increment_failed_job_count(pipe)
            pipe.execute()

    def _install_signal_handlers(self) -> None:
        """Signals only set flags: raising out of a handler could lose a wake-up that was just taken. The second
        one ends the draining."""
        for name in (*endings(), signal.SIGINT):
            signal.signal(name, self._stop)

    def _stop(self, *_: object) -> None:
        self._drain_seconds = 0.0 if self._stop_requested else self._drain
        self._stop_requested = True
        self.answerer.leaving = True

    def _wait_for_turns(self, seconds: float) -> bool:
        """Wait until no turn runs; returns whether one still does, or a wake-up has come meanwhile."""
        since = time.monotonic()
        while self.executions and time.monotonic() - since < min(seconds, self._drain_seconds):
            with self._finished:
                if self.executions:
                    self._finished.wait(0.2)
            with suppress(RedisError, StoreUnavailable):  # what is said of us ends by itself then
                self._beat()
        return bool(self.executions or self.connection.llen(self.queues[0].key))

    def unsubscribe(self) -> None:
        """RQ's own order waits up to a second for its thread."""
        thread: Any = self.pubsub_thread
        thread.stop()
        super().unsubscribe()  # type: ignore[no-untyped-call]

    def teardown(self) -> None:
        """Let running turns end, give the others back at once, and leave RQ's books in order."""
        log.info("draining %d turns", len(self.executions))
        try:
            self._wait_for_turns(self._drain)
            self.answerer.abandon()
            for execution in list(self.executions.values()):
                self._wakeups.end(Wakeup(execution.job_id, execution.id, ""))
            super().teardown()  # type: ignore[no-untyped-call]
        except (RedisError, StoreUnavailable) as error:
            log.error("Redis is away; what was running is answered after its lease: %s", error)
