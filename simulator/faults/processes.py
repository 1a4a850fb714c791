"""What happens to processes: killed, stopped for a while, killed again and again. Only those they are given."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple, Self

Process = subprocess.Popen[bytes]

_WAIT_SECONDS = 10.0
_STOPPED = frozenset("Tt")
"""The states of a thread that does not run on (proc(5), /proc/pid/stat)."""


def kill(process: Process) -> None:
    """SIGKILL; returns when the process is gone."""
    process.kill()
    process.wait()


def pause(process: Process) -> None:
    """SIGSTOP; returns when every thread of the process stands still. Raises ProcessLookupError if it has ended."""
    _signal(process, signal.SIGSTOP, stopped=True)


def resume(process: Process) -> None:
    """SIGCONT; returns when the process runs on. Raises ProcessLookupError if it has ended."""
    _signal(process, signal.SIGCONT, stopped=False)


def _signal(process: Process, which: signal.Signals, *, stopped: bool) -> None:
    until = monotonic() + _WAIT_SECONDS
    process.send_signal(which)
    while not all(stands == stopped for stands in _threads_stand(process)):
        if monotonic() > until:
            raise TimeoutError(f"{which.name} has no effect on process {process.pid}.")
        sleep(0.001)


def _threads_stand(process: Process) -> list[bool]:
    """For each thread of the process whether it stands still."""
    if process.poll() is not None:
        raise ProcessLookupError(f"Process {process.pid} has ended with {process.returncode}.")
    found = []
    for thread in Path(f"/proc/{process.pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # this one has just ended
            found.append((thread / "stat").read_text().rpartition(")")[2].split()[0] in _STOPPED)
    return found


class Kill(NamedTuple):
    """A process that was killed, at a monotonic ``time``."""

    time: float
    pid: int
    name: str


class Killer:
    """Kills one of the processes that ``choose`` names, chosen at random, again and again; a context manager.

    Between two kills pass 0 to 2 times ``every`` seconds. ``restart`` is given the name of the killed one.
    After ``most`` kills it stops and sets ``done``. The same ``seed`` chooses the same pauses and, from the same
    names, the same processes. Leaving the context ends it and raises what ``choose`` or ``restart`` raised.
    """

    def __init__(
        self, choose: Callable[[], Mapping[str, Process]], restart: Callable[[str], object], *,
        every: float, seed: int, most: int,
    ) -> None:  # fmt: skip
        self.kills: list[Kill] = []
        self.done = threading.Event()
        self._choose = choose
        self._restart = restart
        self._every = every
        self._most = most
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="Killer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def _run(self) -> None:
        try:
            while len(self.kills) < self._most and not self._stop.wait(self._random.uniform(0, 2 * self._every)):
                self._kill_one()
        except Exception as error:  # noqa: BLE001 - raised again where the context is left
            self._error = error
        finally:
            self.done.set()

    def _kill_one(self) -> None:
        running = {name: process for name, process in self._choose().items() if process.poll() is None}
        if not running:
            return
        name = self._random.choice(sorted(running))
        moment = monotonic()
        kill(running[name])
        self.kills.append(Kill(moment, running[name].pid, name))
        self._restart(name)
