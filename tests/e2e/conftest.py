"""A whole installation on this machine: fake platforms and model, and the product's own processes."""

from __future__ import annotations

import itertools
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from bot.stores import embedded
from bot.stores.connection import DUE, Store, connect
from simulator.ledger import Ledger, Report
from simulator.models import ModelServer
from simulator.processes import Processes, settings_for, wait_until
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

NUMBER = "106540352242922"
COMMANDS = {"receiver": ("bot", "serve"), "worker": ("workers", "run")}
_chats = itertools.count(1000, 1000)


@dataclass
class Installation:
    """Everything that ``make run`` would start, beside a world that can be asked what it saw."""

    folder: Path
    telegram: TelegramServer
    whatsapp: WhatsAppServer
    model: ModelServer
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def __post_init__(self) -> None:
        settings = settings_for(self.telegram, self.whatsapp, self.data) | {
            "LLM_PROVIDER": "ollama",
            "LLM_BASE_URL": self.model.url,
            "LEASE_SECONDS": "2",
            "DEBOUNCE_SECONDS": "0.1",
            "WHATSAPP_STATUS_SECONDS": "1",
        }
        self.processes = Processes(settings | self.extra, self.folder)
        for platform in (self.telegram, self.whatsapp):
            platform.webhook_url = f"{self.processes.url}/webhook/{platform.name}"

    def open(self) -> None:
        """Both platforms and the model, of which the processes are told at their start."""
        for server in (self.telegram, self.whatsapp, self.model):
            server.start()

    def close(self) -> None:
        self.processes.close()
        for server in (self.telegram, self.whatsapp, self.model):
            server.close()

    def start(self, *names: str) -> None:
        """Start these processes; a receiver is awaited. A name's last word says what it is."""
        for name in names:
            self.processes.start(name, *COMMANDS[name.split()[-1]])
        if "receiver" in names:
            self.processes.wait_ready()

    def kill(self, name: str) -> None:
        """kill -9, by pid, of a process that this installation started."""
        process = self.processes.running[name]
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    def kill_redis(self) -> None:
        """kill -9 of the embedded server of this installation's own DATA_DIR."""
        pid = self.store.client.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not embedded.is_running(self.data), 5)

    @cached_property
    def store(self) -> Store:
        """The installation's Redis, of which this process does not count as a user."""
        return connect(f"unix://{embedded.socket_path(self.data)}", self.folder, 5)

    def forget(self) -> None:
        """Wait until nothing is due, then put everything that happened off the records, and every fault and delay."""
        assert wait_until(lambda: not self.store.client.zcard(DUE), 15), self.processes.log_tails()
        assert not self.processes.ended()
        self.model.delay = 0
        for log in (self.telegram.said, self.telegram.calls, self.whatsapp.said, self.whatsapp.calls):
            log.clear()
        self.model.requests.clear()

    def report(self) -> Report:
        ledger = Ledger()
        ledger.read(self.telegram)
        ledger.read(self.whatsapp)
        return ledger.check()

    def settle(self, messages: int, seconds: float = 30) -> Report:
        """Wait until so many messages are accepted and answered, and nothing is due any more."""

        def rested() -> bool:
            report = self.report()
            return report.accepted >= messages and report.answered >= messages and not self.store.client.zcard(DUE)

        if not wait_until(rested, seconds):
            print(self.report(), self.processes.log_tails(40))
        return self.report()


def installation(folder: Path, delay: float = 0.0, **extra: str) -> Installation:
    """Both platforms and a model that takes ``delay`` seconds, open; nothing of the product is started yet."""
    folder.mkdir()
    telegram = TelegramServer(f"7123456:{secrets.token_hex(20)}", "", secrets.token_hex(32), retry_seconds=0.2)
    whatsapp = WhatsAppServer(
        secrets.token_hex(20), NUMBER, secrets.token_hex(16), secrets.token_hex(8), retry_seconds=0.2
    )
    one = Installation(folder, telegram, whatsapp, ModelServer(delay), extra)
    one.open()
    return one


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Callable[..., Installation]]:
    """Makes installations; whatever they started is ended with the test."""
    opened: list[Installation] = []

    def make(*, delay: float = 0.0, **extra: str) -> Installation:
        opened.append(installation(tmp_path / f"installation{len(opened)}", delay, **extra))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def fresh(install: Callable[..., Installation]) -> Installation:
    """An installation with one receiver and one worker, ready, for a test that kills or ends something."""
    one = install()
    one.start("receiver", "worker")
    return one


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    one = installation(tmp_path_factory.mktemp("shared") / "installation")
    try:
        one.start("receiver", "worker")
        yield one
    finally:
        one.close()


@pytest.fixture
def running(shared: Installation) -> Installation:
    """The installation that all tests share that kill nothing in it: at rest, with nothing on its records."""
    shared.forget()
    return shared


@pytest.fixture
def chat() -> int:
    """The first of a thousand chats in which nobody has written yet."""
    return next(_chats)
