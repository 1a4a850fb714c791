"""A wall clock that steps and a disk that fills, for processes started with the shim's environment."""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

_STATE = struct.Struct("=qq")
_NANOSECONDS = 1_000_000_000
_COMPILE_SECONDS = 60


class Shim:
    """A library that ld.so preloads (LD_PRELOAD), compiled in ``folder`` by the machine's own gcc.

    Start a process with ``environment`` added to its own, and ``step``, ``fill_disk`` and ``free_disk`` act on it
    at once. Only writing to files whose path ends in ``suffix`` finds no room. The monotonic clock is left alone.
    Where this cannot be, ``available`` is False, ``reason`` says why and how to mend it, and the environment is empty.
    """

    def __init__(self, folder: Path, *, suffix: str = ".aof") -> None:
        self.environment: dict[str, str] = {}
        self.offset = 0.0
        """How many seconds the wall clock is ahead of the true one."""
        self._full = False
        self.reason = _obstacle()
        if self.reason:
            return
        library = folder.resolve() / _library_name()
        self.reason = "" if library.exists() else _compile(library)
        if self.reason:
            return
        with tempfile.NamedTemporaryFile(dir=library.parent, suffix=".state", delete=False) as state:
            state.write(_STATE.pack(0, 0))
            state.flush()
            self._state = mmap.mmap(state.fileno(), _STATE.size)
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAULT_SHIM_STATE": state.name,
            "FAULT_SHIM_SUFFIX": suffix,
        }

    @property
    def available(self) -> bool:
        """Whether this machine can do it."""
        return not self.reason

    def step(self, seconds: float) -> None:
        """Let the wall clock jump by ``seconds``, back if negative; jumps add up."""
        self.offset += seconds
        self._tell()

    def fill_disk(self) -> None:
        """From now on there is no room."""
        self._full = True
        self._tell()

    def free_disk(self) -> None:
        """There is room again."""
        self._full = False
        self._tell()

    def _tell(self) -> None:
        if self.reason:
            raise RuntimeError(f"There is no shim on this machine: {self.reason}")
        self._state[:] = _STATE.pack(round(self.offset * _NANOSECONDS), int(self._full))


def _source() -> bytes:
    return resources.files("simulator.faults").joinpath("shim.c").read_bytes()


def _library_name() -> str:
    return f"shim-{hashlib.sha256(_source()).hexdigest()[:12]}.so"


def _obstacle() -> str:
    if sys.platform != "linux":
        return "only Linux can preload it; run this on Linux."
    if shutil.which("gcc") is None:
        return "gcc is missing; install it (on Debian and Ubuntu: sudo apt install gcc libc6-dev)."
    return ""


def _compile(library: Path) -> str:
    """Compile it; returns what went wrong. Whoever else compiles it at the same time gets the same file."""
    library.parent.mkdir(parents=True, exist_ok=True)
    unfinished = library.with_suffix(f".{os.getpid()}")
    command = ["gcc", "-shared", "-fPIC", "-O2", "-std=gnu11", "-o", str(unfinished), "-x", "c", "-", "-ldl"]
    done = subprocess.run(command, input=_source(), capture_output=True, check=False, timeout=_COMPILE_SECONDS)
    if done.returncode:
        return f"gcc fails: {done.stderr.decode(errors='replace').strip()[-300:]}"
    unfinished.replace(library)
    return ""
