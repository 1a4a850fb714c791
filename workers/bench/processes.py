"""A fresh process for each configuration: what one leaves in memory or breaks does not touch the next."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from signal import Signals
from typing import IO, Final

from workers.bench.configurations import Job
from workers.bench.rows import Row

MODULE: Final = "workers.bench.row"
QUOTED: Final = 2000
"""Bytes of a dead process' last words that are read."""


def measured(job: Job, tell: Callable[[str], None]) -> Iterator[Row]:
    """The rows of a configuration as they come; those that its process does not live to say, say how it ended."""
    left = list(job.concurrency)
    command = [sys.executable, "-m", MODULE, json.dumps(asdict(job))]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        try:
            for line in process.stdout or ():
                said = json.loads(line)
                if isinstance(said, str):
                    tell(said)
                    continue
                row = Row.read(said)
                left.remove(row.concurrency)
                yield row
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
        reason = _end(code, errors)
    yield from (Row(job.configuration, level, reason) for level in left)


def _end(code: int, errors: IO[bytes]) -> str:
    """How a process ended that did not say all its rows."""
    if code < 0:
        hint = "; was there memory enough?" if -code == Signals.SIGKILL else ""
        return f"its process was ended by {Signals(-code).name}{hint}"
    errors.seek(0)
    words = errors.read().decode(errors="replace").strip()[-QUOTED:].splitlines()
    return f"its process ended with exit code {code}: {words[-1].strip() if words else 'without a word'}"
