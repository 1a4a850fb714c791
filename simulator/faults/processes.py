"""What happens to processes: killed, or stopped for a while. Only those they are given."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

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
