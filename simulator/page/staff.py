"""The demo's workers: who they are, one that is killed, and the successor whom a supervisor would start."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final, NamedTuple

from simulator.processes import NotReady, Processes

FIRST, SECOND = "worker", "worker-2"
QUIET_SECONDS, CAP_SECONDS = 0.8, 4.0
"""A burst is over when it has been quiet for so long, or has lasted so long: as shipped."""
SETTINGS: Final = {
    "LOG_FORMAT": "json",
    "DEBOUNCE_SECONDS": f"{QUIET_SECONDS:g}",
    "DEBOUNCE_MAX_SECONDS": f"{CAP_SECONDS:g}",
    "LEASE_SECONDS": "5",
    "WHATSAPP_STATUS_SECONDS": "5",
}
"""Logs that the page can read, times that it knows, and a shorter wait for a worker that is dead."""
SUCCESSOR_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.1


class Killed(NamedTuple):
    """A worker that was killed: which, its pid then, when (monotonic), and the conversations that it had in hand."""

    name: str
    pid: int
    at: float
    held: tuple[str, ...] = ()


class Staff:
    """Two workers of the demo's own. Whoever is killed has a successor a second later; who ends by itself has none.

    ``holds`` is asked what the worker with a pid has in hand, just before it is killed.
    """

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self.killed: list[Killed] = []
        self.holds: Callable[[int], tuple[str, ...]] = lambda _: ()
        self._noting = threading.RLock()
        self._open = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def open(self) -> None:
        """From now on there are two, and somebody looks after them. Raises NotReady once all is being ended."""
        self._processes.start(SECOND, "workers", "run")
        self._open.set()
        self._thread.start()

    def close(self) -> None:
        """Nobody is succeeded any more."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join()

    def ended(self) -> list[str]:
        """Which of all processes have ended, and not because somebody killed a worker who is looked after."""
        return [name for name in self._processes.ended() if not (self._open.is_set() and self._was_killed(name))]

    def pids(self) -> dict[str, int]:
        """The workers that run, by name."""
        running = self._processes.running
        return {name: running[name].pid for name in (FIRST, SECOND) if name in running and running[name].poll() is None}

    def kill(self, name: str) -> Killed | None:
        """kill -9, by pid, of a worker that the demo started; None when that one does not run now."""
        with self._noting:  # whoever looks after them must not note the death before us
            if not self._open.is_set() or name not in self.pids():
                return None
            process = self._processes.running[name]
            held = self.holds(process.pid)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
            return self._note(name, process.pid, held)

    def _was_killed(self, name: str) -> bool:
        code = self._processes.running[name].returncode
        return name in (FIRST, SECOND) and code is not None and code < 0

    def _note(self, name: str, pid: int, held: tuple[str, ...] = ()) -> Killed:
        """A worker is dead; written down once, whoever killed it."""
        with self._noting:
            known = next((one for one in self.killed if one.pid == pid), None)
            if known is None:
                known = Killed(name, pid, monotonic(), held)
                self.killed.append(known)
            return known

    def _supervise(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            for name in (FIRST, SECOND):
                if self._processes.running[name].poll() is not None and self._was_killed(name):
                    self._succeed(name)

    def _succeed(self, name: str) -> None:
        """Start a successor of a dead worker when a second has passed."""
        killed = self._note(name, self._processes.running[name].pid)
        if monotonic() - killed.at >= SUCCESSOR_SECONDS:
            with suppress(NotReady):  # all is being ended
                self._processes.start(name, "workers", "run")
