"""Wake-ups on RQ's books: who takes one, who runs it, and that it has ended.

RQ's own way writes the same (a contract test compares it) with ten times the work: two of its calls cost more than all
that a turn writes besides.
"""

from __future__ import annotations

import json
import secrets
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.stores.bell import JOB, QUEUE, QUEUE_KEY
from bot.stores.connection import Script, Store

INTERMEDIATE = f"{QUEUE_KEY}:intermediate"
WIP = f"rq:wip:{QUEUE}"
TTL_SECONDS = 30
"""So long an entry stands unless it is renewed."""

_LONGEST = 65_536

_started = Script("started")
_ended = Script("ended")


@dataclass(frozen=True, slots=True)
class Wakeup:
    """One that runs; ``run`` is what RQ calls this execution of it.

    ``conversation`` is empty when it names none, or wants something else called.
    """

    id: str
    run: str
    conversation: str


class Wakeups:
    """The line of wake-ups, for one worker. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, worker: str) -> None:
        """``worker`` is RQ's name of it."""
        self._store, self._worker = store, worker

    def take(self, seconds: float) -> Wakeup | None:
        """The next one, begun; None when there is none within ``seconds`` (0: at once), or nothing is left of it."""
        way = (QUEUE_KEY, INTERMEDIATE, "LEFT", "RIGHT")
        found = self._store.call("BLMOVE", *way, str(seconds)) if seconds else self._store.call("LMOVE", *way)
        try:
            return self._start(found.decode()) if found else None
        except UnicodeDecodeError:  # no id that anybody gave
            self._store.call("LREM", INTERMEDIATE, 1, found)
            return None

    def _start(self, job: str) -> Wakeup | None:
        run = secrets.token_hex(16)
        at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        keys = [f"rq:job:{job}", INTERMEDIATE, *self._places(job, run)]
        data = self._store.run(_started, keys, [job, run, self._worker, f"{time.time():.6f}", at, TTL_SECONDS])
        return Wakeup(job, run, called(data)) if data else None

    def end(self, wakeup: Wakeup) -> None:
        """It has run, and is forgotten. May be repeated."""
        keys = [f"rq:job:{wakeup.id}", *self._places(wakeup.id, wakeup.run), f"rq:worker:{self._worker}"]
        self._store.run(_ended, keys, [wakeup.id, wakeup.run])

    def _places(self, job: str, run: str) -> list[str]:
        return [f"rq:execution:{job}:{run}", f"rq:executions:{job}", WIP, f"rq:worker:{self._worker}:executions"]


def called(data: bytes) -> str:
    """The conversation for which a job's data wants ``workers.jobs.answer`` called; empty: it wants something else.

    RQ compresses what it writes itself (rq/job.py).
    """
    try:
        name, instance, args, kwargs = json.loads(_plain(data))
        [conversation] = args
    except (ValueError, TypeError, RecursionError):
        return ""
    right = name == JOB and instance is None and kwargs == {} and isinstance(conversation, str)
    return conversation if right else ""


def _plain(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _LONGEST)
    except zlib.error:
        return data
