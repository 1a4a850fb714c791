"""RQ as it ships, one job at a time: python bench/_queue_rq.py work|fill, with KIND=Worker (it forks) or SimpleWorker.

A job whose worker dies is tried again, three times, as RQ's own documentation has it for jobs that must not be lost
(https://python-rq.org/docs/exceptions/). A worker looks for such jobs each MAINTENANCE seconds, as shipped each 600,
but only when it wakes: one that is given nothing sleeps for its own time to live less 15 s, as shipped for 405 s
(rq/worker/base.py, dequeue_timeout). Both are as short as MAINTENANCE here.
"""

from __future__ import annotations

import os
import sys

import _queue_jobs
import rq
from redis import Redis
from rq.defaults import DEFAULT_WORKER_TTL

KIND = os.environ.get("KIND", "Worker")
MAINTENANCE = int(os.environ.get("MAINTENANCE", "600"))
TIMEOUT = int(os.environ.get("TIMEOUT", "180"))


def main(what: str) -> None:
    connection = Redis.from_url(_queue_jobs.URL)
    queue = rq.Queue(_queue_jobs.QUEUE, connection=connection, default_timeout=TIMEOUT)
    if what == "work":
        worker = {"Worker": rq.Worker, "SimpleWorker": rq.SimpleWorker}[KIND]
        lives = min(MAINTENANCE + 15, DEFAULT_WORKER_TTL)
        worker([queue], connection=connection, maintenance_interval=MAINTENANCE, worker_ttl=lives).work(
            logging_level="ERROR"
        )
    retry = rq.Retry(max=3)
    _queue_jobs.fill(lambda name, args: queue.enqueue(f"_queue_jobs.{name}", *args, retry=retry))


if __name__ == "__main__":
    main(sys.argv[1])
