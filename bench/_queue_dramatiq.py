"""dramatiq's threads: python bench/_queue_dramatiq.py work|fill

A message is acknowledged after its work; what a dead worker held goes back after the broker's heartbeat timeout, a
minute as shipped, by a maintenance that one of a thousand calls does
(https://dramatiq.io/reference.html#dramatiq.brokers.redis.RedisBroker).
"""

from __future__ import annotations

import os
import sys

import _queue_jobs
import dramatiq
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=_queue_jobs.URL, heartbeat_timeout=_queue_jobs.RETURN_SECONDS * 1000))
ACTORS = {
    job.__name__: dramatiq.actor(job, actor_name=job.__name__, queue_name=_queue_jobs.QUEUE)
    for job in (_queue_jobs.ask, _queue_jobs.note)
}


def main(what: str) -> None:
    if what == "work":
        limits = ["--processes", "1", "--threads", str(_queue_jobs.SLOTS)]
        os.execv(sys.executable, [sys.executable, "-m", "dramatiq", *limits, "_queue_dramatiq"])
    _queue_jobs.fill(lambda name, args: ACTORS[name].send(*args))


if __name__ == "__main__":
    main(sys.argv[1])
