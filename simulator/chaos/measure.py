"""What a process takes of this machine, as /proc tells (proc(5)), and how that grows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path


def resident_mib(pid: int) -> float:
    """The memory that a process holds, in MiB. Raises FileNotFoundError when it has ended."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open. Raises FileNotFoundError when it has ended."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How much the second value grows while the first grows by one: the line with the least squares; 0 for less than
    two points."""
    if len(points) < 2:
        return 0.0
    middle = [sum(values) / len(points) for values in zip(*points, strict=True)]
    spread = sum((x - middle[0]) ** 2 for x, _ in points)
    return sum((x - middle[0]) * (y - middle[1]) for x, y in points) / spread if spread else 0.0
