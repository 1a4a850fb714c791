"""What processes use, as this machine and Redis account for it, and on what machine that is."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import clock_gettime, perf_counter
from typing import Final, NamedTuple

from simulator.chaos.row import commit_of_this_code
from simulator.installation import Installation

FSYNCS: Final = 100


class Used(NamedTuple):
    """CPU in ms of all processes of a kind, Redis' requests and appended bytes: so far, or between two moments."""

    receiver: float
    workers: float
    redis: float
    trips: float
    appended: float

    def __sub__(self, before: Used) -> Used:
        return Used(*(now - then for now, then in zip(self, before, strict=True)))


def used(installation: Installation, workers: Sequence[str]) -> Used:
    """All that was used so far; ``workers`` are the names of the processes."""
    info = installation.redis.info()
    return Used(
        receiver=_cpu_ms(installation.pid("receiver")),
        workers=sum(_cpu_ms(installation.pid(name)) for name in workers),
        redis=(info["used_cpu_user"] + info["used_cpu_sys"]) * 1000,
        trips=info["total_reads_processed"],
        appended=info["aof_current_size"],
    )


def _cpu_ms(pid: int) -> float:
    """User and system time of a process, ended threads too: its clock, as clock_getcpuclockid(3) makes it on Linux."""
    return clock_gettime((~pid << 3) | 2) * 1000


def fsync_ms() -> float:
    """What it takes the disk of the temporary folder to keep a small write; the median of many."""
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(FSYNCS):
            began = perf_counter()
            file.write(b"x" * 512)
            file.flush()
            os.fdatasync(file.fileno())
            took.append((perf_counter() - began) * 1000)
    return median(took)


def machine() -> dict[str, str]:
    """Where and of what something was measured."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    return {
        "cpu": cpu.partition(":")[2].strip() or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        "commit": commit_of_this_code(),
        "date": datetime.now(UTC).date().isoformat(),
    }
