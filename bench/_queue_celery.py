"""Celery's threads: python bench/_queue_celery.py work|fill

As its documentation has it for tasks that must not be lost: acks_late, reject_on_worker_lost, a prefetch of one, and
with Redis the visibility timeout, which is an hour as shipped
(https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html).
"""

from __future__ import annotations

import sys

import _queue_jobs
from celery import Celery

app = Celery("bench", broker=_queue_jobs.URL.replace("unix://", "redis+socket://"))
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue=_queue_jobs.QUEUE,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": _queue_jobs.RETURN_SECONDS},
)
ask = app.task(_queue_jobs.ask, name="ask")
note = app.task(_queue_jobs.note, name="note")


def main(what: str) -> None:
    if what == "fill":
        _queue_jobs.fill(lambda name, args: app.tasks[name].apply_async(args))
        return
    threads = ["-P", "threads", "-c", str(_queue_jobs.SLOTS)]
    app.worker_main(["worker", *threads, "-l", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"])


if __name__ == "__main__":
    main(sys.argv[1])
