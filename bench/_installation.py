"""A whole installation for a bench: fake platforms and model, and the product's own processes."""

from __future__ import annotations

import math
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import NamedTuple, Self

from rich.console import Console
from rich.table import Table

from bot.stores import embedded
from bot.stores.bell import QUEUE
from bot.stores.connection import Store, connect
from simulator.ledger import Ledger
from simulator.models import ModelServer
from simulator.processes import NotReady, Processes, settings_for, wait_until
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

SHORT = "--short" in sys.argv or bool(os.environ.get("SHORT"))
"""Smaller loads, for a machine that only wants to know whether the bounds still hold."""

FREE_OF_LIMITS = {
    "TELEGRAM_MESSAGES_PER_SECOND": "10000",
    "TELEGRAM_GROUP_MESSAGES_PER_MINUTE": "100000",
    "WHATSAPP_MESSAGES_PER_SECOND": "10000",
}
_NUMBER = "106540352242922"
_READY_SECONDS = 30.0
_SWITCH_SECONDS = 0.0005
"""Threads of the simulator give way to each other so often: it is the ruler here, and must not be the delay."""


class Installation:
    """Everything that ``make run`` would start, in a folder of its own that goes with it.

    ``settings`` come on top of what makes the processes talk to the fakes. As a context manager it starts the
    fakes, and ends exactly what was started.
    """

    def __init__(self, model: ModelServer, **settings: str) -> None:
        self._stack = ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="recado-bench-")))
        self.model = model
        self.telegram = TelegramServer(f"7123456:{secrets.token_hex(20)}", "", secrets.token_hex(32))
        self.whatsapp = WhatsAppServer(secrets.token_hex(20), _NUMBER, secrets.token_hex(16), secrets.token_hex(8))
        self.platforms: tuple[TelegramServer | WhatsAppServer, ...] = (self.telegram, self.whatsapp)
        ours = settings_for(self.telegram, self.whatsapp, self.folder / "data")
        ours |= {"LLM_PROVIDER": "ollama", "LLM_BASE_URL": model.url}
        self.processes = Processes(ours | FREE_OF_LIMITS | settings, self.folder)
        for platform in self.platforms:
            platform.webhook_url = f"{self.processes.url}/webhook/{platform.name}"

    def __enter__(self) -> Self:
        sys.setswitchinterval(_SWITCH_SECONDS)
        for server in (*self.platforms, self.model):
            self._stack.enter_context(server)
        self._stack.enter_context(closing(self.processes))
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def start_receiver(self) -> None:
        """Raises NotReady."""
        self.processes.start("receiver", "bot", "serve")
        self.processes.wait_ready(_READY_SECONDS)

    def start_worker(self, **settings: str) -> None:
        """Start a worker, with ``settings`` of its own, and wait until it takes wake-ups. Raises NotReady."""
        self.processes.environment |= settings
        self.processes.start("worker", "workers", "run")
        registered = f"rq:workers:{QUEUE}"
        if not wait_until(lambda: bool(self.store.client.scard(registered)), _READY_SECONDS):
            raise NotReady(f"The worker does not come up.\n{self.processes.log_tails()}")

    @cached_property
    def store(self) -> Store:
        """The installation's Redis, of which this process does not count as a user."""
        return connect(self.redis_url, self.folder, 5)

    @property
    def redis_url(self) -> str:
        return f"unix://{embedded.socket_path(self.folder / 'data')}"

    def prove(self) -> None:
        """A figure counts only when everybody was answered, once and in order. Raises SystemExit."""
        ledger = Ledger()
        for platform in self.platforms:
            ledger.read(platform)
        report = ledger.check()
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


class Figure(NamedTuple):
    """A line of a bench's table; ``held`` is whether the measured value keeps its bound, None without one."""

    what: str
    measured: str
    bound: str = ""
    held: bool | None = None


def run(title: str, measure: Callable[[], Iterable[Figure]]) -> None:
    """Measure, print the table and leave: with exit code 1 when a bound was missed.

    Being told to end is as good as Ctrl-C: what was started must end too.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        figures = list(measure())
    except NotReady as error:
        raise SystemExit(str(error)) from None
    table = Table("what", "measured", "bound", "", title=title)
    for figure in figures:
        result = "" if figure.held is None else "[green]ok[/green]" if figure.held else "[red]missed[/red]"
        table.add_row(figure.what, figure.measured, figure.bound, result)
    Console(width=120).print(table, highlight=False)
    sys.exit(int(any(figure.held is False for figure in figures)))


def _leave(number: int, _: FrameType | None) -> None:
    """Once is enough: what ends now must not be interrupted."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a ``share`` of the values does not exceed."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]
