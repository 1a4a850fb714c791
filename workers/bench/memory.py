"""The memory of this process and of its GPU, and which device it computes on."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 1024 * 1024
STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB at one moment: resident now, the most resident until now, the same two of the GPU; None: not known."""

    resident: float | None = None
    resident_peak: float | None = None
    gpu: float | None = None
    gpu_peak: float | None = None


def now() -> Memory:
    """VmRSS and VmHWM of proc(5), and what torch has allocated on all its GPUs; no GPU counts before torch is used."""
    status = STATUS.read_text() if STATUS.exists() else ""
    cuda = _cuda()
    devices = range(cuda.device_count()) if cuda else ()
    return Memory(
        _field(status, "VmRSS"),
        _field(status, "VmHWM"),
        sum(cuda.memory_allocated(device) for device in devices) / MIB if cuda else None,
        sum(cuda.max_memory_allocated(device) for device in devices) / MIB if cuda else None,
    )


def device() -> str:
    """What this process has computed on."""
    if now().gpu_peak:
        return str(_cuda().get_device_name())
    torch: Any = sys.modules.get("torch")
    if torch and torch.backends.mps.is_available() and torch.mps.current_allocated_memory():
        return "Apple GPU (MPS)"
    return f"CPU, {torch.get_num_threads()} threads" if torch else "CPU"


def _field(status: str, name: str) -> float | None:
    found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else None


def _cuda() -> Any:
    """torch.cuda where this process has loaded torch and torch has found a GPU, else None."""
    torch: Any = sys.modules.get("torch")
    return torch.cuda if torch and torch.cuda.is_available() else None
