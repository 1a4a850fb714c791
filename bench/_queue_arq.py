"""arq's loop: python bench/_queue_arq.py work|fill

A job whose worker dies is run again by any other once its mark "in progress" has expired, which is its time limit and
ten seconds more (https://arq-docs.helpmanual.io/, "Pessimistic execution"); the limit is 300 s as shipped.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import _queue_jobs
from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func

SETTINGS = (
    RedisSettings(unix_socket_path=_queue_jobs.URL.removeprefix("unix://"))
    if _queue_jobs.URL.startswith("unix://")
    else RedisSettings.from_dsn(_queue_jobs.URL)
)


async def ask(_: dict[Any, Any], words: str) -> None:
    await _queue_jobs.ask_async(words)


async def note(_: dict[Any, Any], conversation: int, number: int, seconds: float) -> None:
    await _queue_jobs.note_async(conversation, number, seconds)


def main(what: str) -> None:
    if what == "work":
        Worker(
            [func(ask), func(note)],
            queue_name=_queue_jobs.QUEUE,
            redis_settings=SETTINGS,
            max_jobs=_queue_jobs.SLOTS,
            job_timeout=max(_queue_jobs.RETURN_SECONDS - 10, 1),
            max_tries=20,
            keep_result=0,
        ).run()
        return
    with asyncio.Runner() as runner:
        pool = runner.run(create_pool(SETTINGS, default_queue_name=_queue_jobs.QUEUE))
        _queue_jobs.fill(lambda name, args: runner.run(pool.enqueue_job(name, *args)))


if __name__ == "__main__":
    main(sys.argv[1])
