"""Our worker class, with nothing of the product around it: python bench/_queue_recado.py work|fill"""

from __future__ import annotations

import sys
from typing import Any, cast

import _queue_jobs
import rq
from redis import Redis

from bot.stores.bell import FAILED_SECONDS, JOB, QUEUE


class Asks:
    """Answers by asking the model, and does no more: no mailbox, no history, no delivery."""

    leaving = False

    def answer(self, conversation: str) -> None:
        _queue_jobs.ask(conversation)

    def abandon(self) -> None:
        """There is nothing to give back."""


def main(what: str) -> None:
    connection = Redis.from_url(_queue_jobs.URL)
    if what == "work":
        return work(connection)
    queue = rq.Queue(QUEUE, connection=connection, serializer="json")

    def put(_: str, args: list[Any]) -> object:
        return queue.enqueue_call(JOB, args, result_ttl=0, failure_ttl=FAILED_SECONDS)

    _queue_jobs.fill(put)
    return None


def work(connection: Redis) -> None:
    from workers import jobs
    from workers.worker import TurnWorker

    answerer = cast(Any, Asks())
    jobs.use(answerer)
    TurnWorker(connection, answerer, _queue_jobs.SLOTS).work()


if __name__ == "__main__":
    main(sys.argv[1])
