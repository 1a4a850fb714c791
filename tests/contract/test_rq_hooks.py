"""What we rely on inside RQ 3.0: its job as we write it, and the private hooks our worker overrides."""

from __future__ import annotations

import inspect
import json
import os
import threading
import time
import zlib
from typing import Any, cast

import pytest
from rq import Queue
from rq.executions import Execution
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.worker import BaseWorker, Worker

from bot.stores import bell
from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from bot.stores.wakeups import TTL_SECONDS, Wakeups, called
from tests.contract.recorder import Recorder, failed, ring
from workers import jobs
from workers.worker import Inert, TurnWorker

ANA = "telegram:7:1"


def work(store: Store, recorder: Recorder, slots: int = 4) -> TurnWorker:
    """Run a worker until the queue is empty and all its turns have ended."""
    jobs.use(recorder)  # type: ignore[arg-type]
    worker = TurnWorker(store.client, recorder, slots)  # type: ignore[arg-type]
    worker.work(burst=True)
    return worker


def test_our_ring_is_what_rq_itself_would_write(store: Store, mailbox: Mailbox) -> None:
    """The bell's job differs from RQ's own enqueue in id, times, description and compression, in nothing else."""
    theirs = Queue(bell.QUEUE, connection=store.client, serializer="json").enqueue_call(
        bell.JOB, (ANA,), result_ttl=0, failure_ttl=bell.FAILED_SECONDS, timeout=-1
    )
    ring(mailbox, ANA)
    ours_id = store.client.lindex(bell.QUEUE_KEY, -1).decode()
    ours, stock = store.client.hgetall(f"rq:job:{ours_id}"), store.client.hgetall(theirs.key)
    assert set(ours) == set(stock)
    assert {name for name in ours if ours[name] != stock[name]} == {
        b"data", b"created_at", b"enqueued_at", b"description"
    }  # fmt: skip
    read = Job.fetch(ours_id, connection=store.client, serializer="json")
    assert (read.func_name, list(read.args), read.kwargs) == (bell.JOB, [ANA], {})
    assert (read.created_at, read.enqueued_at) != (None, None)
    assert store.client.smembers("rq:queues") == {bell.QUEUE_KEY.encode()}


def test_a_ring_runs_the_answer_and_leaves_nothing_behind(store: Store, mailbox: Mailbox) -> None:
    """Every wake-up ends as one answer, and RQ's books are empty afterwards."""
    recorder = Recorder()
    ring(mailbox, ANA, "telegram:7:2")
    worker = work(store, recorder)
    assert sorted(recorder.answered) == [ANA, "telegram:7:2"]
    left = [name for name in store.client.keys("rq:*") if name != b"rq:queues" and worker.name.encode() not in name]
    assert [name for name in left if b"clean" not in name and b"group" not in name] == []


def test_turns_run_at_once_and_rq_sees_them(store: Store, mailbox: Mailbox) -> None:
    """Four turns are in flight together, and RQ's registries say so while they are."""
    together = threading.Barrier(4, timeout=10)
    seen: list[tuple[int, int]] = []

    def during(_: str) -> None:
        if together.wait() == 0:
            started = StartedJobRegistry(bell.QUEUE, connection=store.client, serializer="json")
            workers = Worker.all(connection=store.client)
            seen.append((len(started), workers[0].current_execution_count))
        together.wait()

    ring(mailbox, *(f"telegram:7:{n}" for n in range(4)))
    work(store, Recorder(during))
    assert seen == [(4, 4)]


def test_more_rings_than_slots_wait_in_the_queue(store: Store, mailbox: Mailbox) -> None:
    """A wake-up is taken only when a slot is free: what is not taken is any other worker's."""
    waiting: list[int] = []
    ring(mailbox, *(f"telegram:7:{n}" for n in range(3)))
    work(store, Recorder(lambda _: waiting.append(store.client.llen(bell.QUEUE_KEY))), slots=1)
    assert waiting == [2, 1, 0]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("os.system", ("touch {mark}",)), ("builtins.exec", ("open('{mark}','w')",)), (bell.JOB, ("a", "b"))],
)
def test_a_job_with_another_name_is_refused(store: Store, tmp_path: Any, name: str, arguments: tuple[str, ...]) -> None:
    """Whoever writes to Redis chooses no code: only one job name is obeyed, with one argument."""
    mark = tmp_path / "mark"
    queue = Queue(bell.QUEUE, connection=store.client, serializer="json")
    job = queue.enqueue_call(name, tuple(part.format(mark=mark) for part in arguments), failure_ttl=60)
    recorder = Recorder()
    work(store, recorder)
    assert recorder.answered == []
    assert not mark.exists()
    assert job.id in failed(store)


def test_a_pickled_job_and_its_callbacks_are_refused(store: Store, tmp_path: Any) -> None:
    """Data that would run code when unpickled, or names of callbacks, stay data."""
    mark = tmp_path / "mark"
    Queue(bell.QUEUE, connection=store.client).enqueue(os.system, f"touch {mark}")
    job = Queue(bell.QUEUE, connection=store.client, serializer="json").enqueue(bell.JOB, ANA)
    store.client.hset(job.key, "success_callback_name", "os.abort")
    recorder = Recorder()
    work(store, recorder)
    assert recorder.answered == [ANA]
    assert not mark.exists()


def test_a_job_that_nobody_can_read_stops_nobody(store: Store, mailbox: Mailbox) -> None:
    """A broken hash in Redis costs its own wake-up, not the worker."""
    store.client.hset("rq:job:broken", mapping={"created_at": "yesterday", "data": b"\x80", "timeout": "soon"})
    store.client.rpush(bell.QUEUE_KEY, "broken")
    recorder = Recorder()
    ring(mailbox, ANA)
    work(store, recorder)
    assert recorder.answered == [ANA]


def test_a_failed_answer_frees_its_slot(store: Store, mailbox: Mailbox) -> None:
    """An exception in one turn is no reason to take fewer."""

    def during(conversation: str) -> None:
        if conversation != ANA:
            raise RuntimeError("broken")

    recorder = Recorder(during)
    ring(mailbox, "telegram:7:2", "telegram:7:3", ANA)
    work(store, recorder, slots=1)
    assert recorder.answered[-1] == ANA


def test_sigterm_lets_running_turns_end_and_takes_nothing_new(store: Store, mailbox: Mailbox) -> None:
    """A stop is a flag: what runs ends, what waits stays in the queue for another worker."""
    recorder = Recorder()
    jobs.use(recorder)  # type: ignore[arg-type]
    worker = TurnWorker(store.client, recorder, 1)  # type: ignore[arg-type]

    def during(_: str) -> None:
        worker._stop()
        time.sleep(0.2)

    recorder.during = during
    ring(mailbox, ANA, "telegram:7:2")
    worker.work()
    assert recorder.answered == [ANA]
    assert (store.client.llen(bell.QUEUE_KEY), recorder.abandoned) == (1, 1)
    assert recorder.leaving
    assert worker.executions == {}
    assert Worker.count(connection=store.client) == 0


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (BaseWorker, "handle_job_failure",
         ["self", "job", "queue", "started_job_registry", "exc_string", "execution"]),
        (BaseWorker, "teardown", ["self"]),
        (BaseWorker, "_install_signal_handlers", ["self"]),
        (Execution, "create", ["job", "ttl", "pipeline", "worker_name"]),
        (Job, "send_webhooks", ["self", "status", "exc_string"]),
        (Job, "prepare_for_execution", ["self", "worker_name", "pipeline"]),
    ],
)  # fmt: skip
def test_the_hooks_we_override_are_as_we_know_them(owner: type, name: str, parameters: list[str]) -> None:
    """A new RQ that moves a private hook fails here, not in production."""
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters


def test_whatever_a_job_could_call_is_pinned_shut() -> None:
    """Callbacks and webhooks exist in RQ's job and are overridden in ours."""
    for name in ("success_callback", "failure_callback", "stopped_callback", "send_webhooks", "func"):
        assert getattr(Inert, name) is not getattr(Job, name)


@pytest.mark.parametrize(
    "call",
    [
        ["os.system", None, [ANA], {}],
        [bell.JOB, "an instance", [ANA], {}],
        [bell.JOB, None, [], {}],
        [bell.JOB, None, [ANA, "more"], {}],
        [bell.JOB, None, [ANA], {"more": 1}],
    ],
)
def test_a_wake_up_is_one_name_and_one_conversation(store: Store, call: list[Any]) -> None:
    """Anything else in a job's data is refused before anything is called."""
    job = Queue(bell.QUEUE, connection=store.client, serializer="json").enqueue(bell.JOB, ANA)
    data = store.client.hget(job.key, "data")
    assert called(data) == called(zlib.decompress(data)) == ANA
    assert called(json.dumps(call).encode()) == ""


def test_a_bomb_in_a_jobs_data_stays_small() -> None:
    """A kilobyte that would become a gigabyte is read as far as a conversation's name can reach."""
    assert called(zlib.compress(b"[" * 50_000_000)) == ""


def test_our_books_are_what_rq_itself_would_write(store: Store, mailbox: Mailbox) -> None:
    """While a wake-up runs, every key of RQ's has the fields, members and times to live that its own calls give it."""
    ring(mailbox, ANA)
    ours = Wakeups(store, "one").take(0)
    assert ours is not None
    before = books(store, ours.id, ours.run, "one")
    queue = Queue(bell.QUEUE, connection=store.client, serializer="json")
    job = Job.fetch(ours.id, connection=store.client, serializer="json")
    with store.client.pipeline() as pipe:
        theirs = Execution.create(job, TTL_SECONDS, pipeline=pipe, worker_name="two")
        job.prepare_for_execution("two", pipeline=pipe)
        pipe.execute()
    assert store.client.zcard(queue.started_job_registry.key) == 2
    assert before == books(store, theirs.job_id, theirs.id, "two")


def books(store: Store, job: str, run: str, worker: str) -> dict[str, Any]:
    """RQ's keys about one execution; times as how far they are from now, in steps of ten seconds."""
    client, now = cast("Any", store.client), time.time()
    kept = client.hgetall(f"rq:execution:{job}:{run}")
    fields = client.hmget(f"rq:job:{job}", "status", "worker_name")
    return {
        "job": [field.decode().replace(worker, "worker") for field in fields],
        "execution": sorted(kept),
        "at": [round(float(kept[name]) - now, -1) for name in (b"created_at", b"last_heartbeat")],
        "whose": [kept[b"id"], kept[b"job_id"], kept[b"worker_name"]] == [each.encode() for each in (run, job, worker)],
        "lives": [round(client.ttl(f"rq:execution:{job}:{run}"), -1), round(client.ttl(f"rq:executions:{job}"), -1),
                  round(client.ttl(f"rq:worker:{worker}:executions"), -1)],
        "wip": round(client.zscore(f"rq:wip:{bell.QUEUE}", f"{job}:{run}") - now, -1),
        "runs": round(client.zscore(f"rq:executions:{job}", run) - now, -1),
        "worker": client.smembers(f"rq:worker:{worker}:executions") == {f"{job}:{run}".encode()},
    }  # fmt: skip
