"""Queues beside each other: each library's workers and whoever fills their queue, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import environments
from _report import ALL_PEERS

HERE = Path(__file__).parent


class Library(NamedTuple):
    """A queue of the comparison: its script, the environment that it needs (empty: ours), its settings, and what is
    to be said of them. ``slots``: whether one process runs several jobs at once."""

    name: str
    script: str
    peer: str = ""
    settings: Mapping[str, str] = {}
    says: str = ""
    slots: bool = True

    @property
    def python(self) -> str:
        return str(environments.python(self.peer)) if self.peer else sys.executable


OURS = Library("Recado's worker", "_queue_recado.py")
FORK = Library("RQ Worker (fork)", "_queue_rq.py", settings={"KIND": "Worker"}, says="Retry(3)", slots=False)
SIMPLE = Library("RQ SimpleWorker", "_queue_rq.py", settings={"KIND": "SimpleWorker"}, says="Retry(3)", slots=False)
OTHERS = (
    Library("Celery (threads)", "_queue_celery.py", "celery", says="acks_late, reject_on_worker_lost"),
    Library("arq", "_queue_arq.py", "arq", says="max_tries 20"),
    Library("taskiq (stream)", "_queue_taskiq.py", "taskiq", says="acknowledged when done"),
    Library("dramatiq", "_queue_dramatiq.py", "dramatiq", says="acknowledged when done"),
)


def others() -> tuple[Library, ...]:
    """The libraries that are measured only when all peers are."""
    return OTHERS if ALL_PEERS else ()


def versions() -> list[str]:
    return [environments.version(library.peer) for library in others()]


class Workers:
    """``count`` workers of a library, each with its children a session, and whoever fills their queue."""

    def __init__(self, library: Library, url: str, count: int = 1, slots: int = 1, **environment: str) -> None:
        self.library = library
        queue = library.script.strip("_").removesuffix(".py").replace("_", "-") + library.settings.get("KIND", "")
        told = {"REDIS_URL": url, "QUEUE": queue, "SLOTS": str(slots)}
        self.queue = queue
        self._environment = os.environ | told | dict(library.settings) | environment
        self._command = [library.python, str(HERE / library.script)]
        self.running = [self._start("work") for _ in range(count)]
        self._filling = self._start("fill")

    def put(self, name: str, *args: Any) -> None:
        """Enqueue a job; returns when it is in the queue."""
        filling = self._filling
        assert filling.stdin is not None
        assert filling.stdout is not None
        filling.stdin.write(json.dumps([name, *args]).encode() + b"\n")
        filling.stdin.flush()
        if filling.stdout.readline() != b"there\n":
            raise SystemExit(
                f"{self.library.name}: a job could not be queued. BENCH_LOUD=1 shows what its processes say."
            )

    def kill(self, number: int) -> None:
        """kill -9 of a worker and its children; its successor starts at once."""
        _end(self.running[number])
        self.running[number] = self._start("work")

    def close(self) -> None:
        for process in [*self.running, self._filling]:
            _end(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def _start(self, what: str) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE if what == "fill" else subprocess.DEVNULL
        return subprocess.Popen(
            [*self._command, what], env=self._environment, cwd=HERE, stdin=pipe, stdout=pipe,
            stderr=None if os.environ.get("BENCH_LOUD") else subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for a process that was started here, and for whatever it has started: they are its session's."""
    for pid in _session(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(10)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def _session(leader: int) -> Iterator[int]:
    """A session's processes as long as there are any, its leader first (proc(5), /proc/pid/stat, fields 3 and 6).

    Not its process group's: RQ gives each job one of its own.
    """
    yield leader
    while found := [pid for pid, state, session in _processes() if session == leader and state not in "ZX"]:
        yield from found


def _processes() -> Iterator[tuple[int, str, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            yield int(stat.parent.name), fields[0], int(fields[3])
