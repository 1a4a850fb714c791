"""Redis-compatible servers of one test alone, set up as the test wants them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.stores import embedded
from tests.unit.mailboxes import until


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """A server with its files in ``folder``; the address of its socket. A later option overrules an earlier one."""
    folder.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [*embedded.command(folder, 0), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: embedded.is_running(folder), 20)
        yield f"unix://{embedded.socket_path(folder)}"
    finally:
        process.kill()
        process.wait()
