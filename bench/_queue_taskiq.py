"""taskiq on a Redis stream: python bench/_queue_taskiq.py work|fill

A message that was not acknowledged is claimed by another worker once it has been idle for ``idle_timeout``, which is
ten minutes as shipped (https://github.com/taskiq-python/taskiq-redis).
"""

from __future__ import annotations

import asyncio
import os
import sys

import _queue_jobs
from taskiq_redis import RedisStreamBroker

broker = RedisStreamBroker(
    _queue_jobs.URL,
    queue_name=_queue_jobs.QUEUE,
    idle_timeout=_queue_jobs.RETURN_SECONDS * 1000,
    unacknowledged_lock_timeout=5,
)
TASKS = {
    "ask": broker.register_task(_queue_jobs.ask_async, task_name="ask"),
    "note": broker.register_task(_queue_jobs.note_async, task_name="note"),
}


def main(what: str) -> None:
    if what == "work":
        limits = ["--workers", "1", "--max-async-tasks", str(_queue_jobs.SLOTS), "--log-level", "ERROR"]
        os.execv(sys.executable, [sys.executable, "-m", "taskiq", "worker", *limits, "_queue_taskiq:broker"])
    with asyncio.Runner() as runner:
        runner.run(broker.startup())
        _queue_jobs.fill(lambda name, args: runner.run(TASKS[name].kiq(*args)))


if __name__ == "__main__":
    main(sys.argv[1])
