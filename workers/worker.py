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
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.executions import Execution
from rq.job import Job
from rq.timeouts import BaseDeathPenalty
from rq.worker import BaseWorker, WorkerStatus

from bot.cli import endings
from bot.errors import RecadoError, StoreUnavailable
from bot.stores.bell import FAILED_SECONDS, JOB, QUEUE
from workers.answer import Answerer

DRAIN_SECONDS = 20.0
HEARTBEAT_SECONDS = 5.0
EXECUTION_TTL = 30
WORKER_TTL = 20

log = logging.getLogger("recado.worker")


class NotAllowed(RecadoError):
    """Raised when a job in Redis is not a wake-up: a job's name is data, and data runs no code here."""


class Wakeup(Job):
    """A job that can only be ``workers.jobs.answer(conversation)``; nothing else in its hash is obeyed."""

    @property
    def func(self) -> Any:
        if self.func_name != JOB or self.instance or len(self.args) != 1 or self.kwargs:
            raise NotAllowed(f"refused: the job {self.id} is not {JOB}(conversation)")
        from workers import jobs  # noqa: PLC0415 - the name RQ calls, looked up here and nowhere in Redis' data

        return jobs.answer

    success_callback = failure_callback = stopped_callback = None
    should_retry = False

    def send_webhooks(self, *_: object, **__: object) -> None:
        """A job's data name no address that we would call."""


class NoDeathPenalty(BaseDeathPenalty):
    """Turns have deadlines of their own; a thread cannot be interrupted from outside."""

    def setup_death_penalty(self) -> None:
        """Nothing to set up."""

    def cancel_death_penalty(self) -> None:
        """Nothing to cancel."""


class TurnWorker(BaseWorker):
    """Runs up to ``slots`` turns at once, takes a wake-up only when a slot is free, and drains on SIGTERM."""

    death_penalty_class = NoDeathPenalty
    job_class = Wakeup
    dequeue_timeout = 1
    connection_timeout = 15

    def __init__(self, connection: Redis, answerer: Answerer, slots: int) -> None:
        super().__init__(
            [QUEUE], connection=connection, serializer="json", worker_ttl=WORKER_TTL, maintenance_interval=30
        )
        self.log_job_description = False
        self.queue = self.queues[0]
        self.answerer = answerer
        self._slots = threading.Semaphore(slots)
        self._finished = threading.Condition()
        self._beat_at = 0.0
        self._unstruck: deque[tuple[Job, Execution]] = deque()
        self._drain_seconds = DRAIN_SECONDS

    def work(self, *, burst: bool = False, **_: Any) -> bool:  # type: ignore[override]
        """Take and run wake-ups until SIGTERM, or in a ``burst`` until the queue is empty and all have run."""
        self.bootstrap(logging_level="WARNING")
        self._install_signal_handlers()
        try:
            while not self._stop_requested:
                try:
                    if not self._next(burst=burst):
                        break
                except RedisError as error:
                    log.error("Redis is away: %s", error)
                    time.sleep(1)
                except Exception:  # the border of a round: one unreadable job must not stop the others
                    log.exception("a wake-up cannot be read, and is put among the failed")
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
            if taken := self.dequeue_job_and_maintain_ttl(None if burst else self.dequeue_timeout):
                self.execute_job(*taken)
                started = True
        finally:
            if not started:
                self._slots.release()
        return bool(started or not burst or self._wait_for_turns(DRAIN_SECONDS))

    def _beat(self) -> None:
        if time.monotonic() - self._beat_at < HEARTBEAT_SECONDS:
            return
        while self._unstruck:
            self._strike_off(*self._unstruck[0])
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
                execution.heartbeat(execution.job.started_job_registry, EXECUTION_TTL, pipeline=pipe)
            pipe.execute()

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        """The next wake-up and its queue, or None after ``timeout`` seconds (None: at once)."""
        try:
            return Queue.dequeue_any(
                self.queues, timeout, connection=self.connection, job_class=Wakeup, serializer=self.serializer
            )
        except DequeueTimeout:
            return None
        except RedisError:
            raise
        except Exception as error:
            if unreadable := getattr(error, "job_id", ""):
                self._put_aside(unreadable)
            raise

    def _put_aside(self, job_id: str) -> None:
        """Count a job that cannot be read among the failed, or RQ's housekeeping would stumble over it for ever."""
        with self.connection.pipeline() as pipe:
            pipe.lrem(self.queue.intermediate_queue_key, 1, job_id)
            pipe.zadd(f"rq:failed:{QUEUE}", {job_id: time.time() + FAILED_SECONDS})
            pipe.expire(f"rq:job:{job_id}", FAILED_SECONDS)
            pipe.execute()

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Register the execution, then run the turn in a thread of its own."""
        with self.connection.pipeline() as pipe:
            execution = Execution.create(job, EXECUTION_TTL, pipeline=pipe, worker_name=self.name)
            job.prepare_for_execution(self.name, pipeline=pipe)
            pipe.lrem(queue.intermediate_queue_key, 1, job.id)
            pipe.execute()
        self.executions[execution.id] = execution
        threading.Thread(target=self._run, args=(job, queue, execution), name=job.id, daemon=True).start()

    def _run(self, job: Job, queue: Queue, execution: Execution) -> None:
        try:
            self.perform_job(job, queue, execution)
        except RedisError as error:
            log.warning("a wake-up could not be struck off yet: %s", error)
            self._unstruck.append((job, execution))
        finally:
            self.executions.pop(execution.id, None)
            self._slots.release()
            with self._finished:
                self._finished.notify_all()

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Run the turn and strike the wake-up off RQ's books; what failed is kept there for an hour."""
        try:
            job.perform()
        except StoreUnavailable as error:
            log.warning("Redis went away during a turn, the sweeper will ring again: %s", error)
        except Exception:
            log.exception("a wake-up failed")
            self.handle_execution_ended(job, queue, EXECUTION_TTL)
            self.handle_job_failure(job, queue, exc_string="see the worker's log", execution=execution)
            return False
        self._strike_off(job, execution)
        return True

    def _strike_off(self, job: Job, execution: Execution) -> None:
        with self.connection.pipeline() as pipe:
            execution.delete(job=job, pipeline=pipe)
            pipe.delete(job.key, f"rq:executions:{job.id}")
            self.increment_successful_job_count(pipeline=pipe)
            pipe.execute()

    def _install_signal_handlers(self) -> None:
        """Signals only set flags: raising out of a handler could lose a wake-up that was just taken. The second
        one ends the draining."""
        for name in (*endings(), signal.SIGINT):
            signal.signal(name, self._stop)

    def _stop(self, *_: object) -> None:
        self._drain_seconds = 0.0 if self._stop_requested else DRAIN_SECONDS
        self._stop_requested = True
        self.answerer.leaving = True

    def _wait_for_turns(self, seconds: float) -> bool:
        """Wait until no turn runs; returns whether one still does, or a wake-up has come meanwhile."""
        since = time.monotonic()
        with self._finished:
            while self.executions and time.monotonic() - since < min(seconds, self._drain_seconds):
                self._finished.wait(0.2)
        return bool(self.executions or self.connection.llen(self.queue.key))

    def unsubscribe(self) -> None:
        """RQ's own order waits up to a second for its thread."""
        thread: Any = self.pubsub_thread
        thread.stop()
        super().unsubscribe()  # type: ignore[no-untyped-call]

    def teardown(self) -> None:
        """Let running turns end, give the others back at once, and leave RQ's books in order."""
        log.info("draining %d turns", len(self.executions))
        try:
            self._wait_for_turns(DRAIN_SECONDS)
            self.answerer.abandon()
            for execution in list(self.executions.values()):
                self._strike_off(execution.job, execution)
            super().teardown()  # type: ignore[no-untyped-call]
        except (RedisError, StoreUnavailable) as error:
            log.error("Redis is away; what was running is answered after its lease: %s", error)
