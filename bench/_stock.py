"""The comparison of bench/worker.py: RQ's own workers, one job at a time: python bench/_stock.py REDIS_URL CLASS

What a job needs is imported before the first one runs, so that no fork pays for it.
"""

from __future__ import annotations

import sys

import httpx
import rq
from redis import Redis

JOB = "_stock.ask"


def ask(url: str, words: str) -> str:
    """The job: one question to the model, and its whole answer."""
    body = {"model": "mistral:7b", "messages": [{"role": "user", "content": words}], "stream": False}
    return httpx.post(f"{url}/api/chat", json=body, timeout=30).raise_for_status().text


def main(redis_url: str, kind: str) -> None:
    """Run what is in the queue that is named like the class, then end."""
    connection = Redis.from_url(redis_url)
    worker = {"Worker": rq.Worker, "SimpleWorker": rq.SimpleWorker}[kind]
    worker([rq.Queue(kind, connection=connection)], connection=connection).work(burst=True, logging_level="ERROR")


if __name__ == "__main__":
    main(*sys.argv[1:])
