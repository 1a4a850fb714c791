"""What the benches share: an installation that is not in haste."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from _report import SHORT, Figure, percentile, run

from bot.stores import embedded
from bot.stores.bell import QUEUE
from simulator import installation as simulated
from simulator.installation import FREE_OF_LIMITS, READY_SECONDS
from simulator.models import ModelServer
from simulator.processes import NotReady, wait_until
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

__all__ = ["SHORT", "Figure", "Installation", "percentile", "run", "started"]

_SWITCH_SECONDS = 0.0005
"""Threads of the simulator give way to each other so often: it is the ruler here, and must not be the delay."""


class Installation(simulated.Installation):
    """The product as it is shipped, but for the platforms' limits, in a folder of its own that goes with it."""

    def __init__(self, model: ModelServer, **settings: str) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="recado-bench-")
        ours: dict[str, Any] = FREE_OF_LIMITS | settings
        super().__init__(Path(self._temporary.name), model, hasty=False, **ours)
        self.platforms: tuple[TelegramServer | WhatsAppServer, ...] = (self.telegram, self.whatsapp)

    def open(self) -> Self:
        sys.setswitchinterval(_SWITCH_SECONDS)
        return super().open()

    def close(self) -> None:
        super().close()
        self._temporary.cleanup()

    @property
    def socket(self) -> Path:
        return embedded.socket_path(self.data)

    def start_worker(self, **settings: str) -> None:
        """Start a worker, with ``settings`` of its own, and wait until it takes wake-ups. Raises NotReady."""
        self.start("worker", **settings)
        registered = f"rq:workers:{QUEUE}"
        if not wait_until(lambda: bool(self.redis.scard(registered)), READY_SECONDS):
            raise NotReady(f"The worker does not come up.\n{self.processes.log_tails()}")

    def prove(self) -> None:
        """A figure counts only when everybody was answered, once and in order. Raises SystemExit."""
        wait_until(lambda: not self.due(), READY_SECONDS)
        report = self.report()
        if not report.ok or report.answered < report.accepted:
            raise SystemExit(f"the promises did not hold:\n{report}\n{self.processes.log_tails()}")


@contextmanager
def started(command: Sequence[str], *, quiet: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the context; a ``quiet`` one keeps what it prints to itself."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL if quiet else None)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)
