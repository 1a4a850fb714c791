"""A whole installation on this machine: fake platforms and model, and the product's own processes."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import pytest

from bot.stores import embedded
from bot.stores.connection import Store, connect
from simulator.ledger import Ledger, Report
from simulator.models import ModelServer
from simulator.processes import Processes
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

NUMBER = "106540352242922"


@dataclass
class Installation:
    """Everything that ``make run`` would start, beside a world that can be asked what it saw."""

    folder: Path
    telegram: TelegramServer
    whatsapp: WhatsAppServer
    model: ModelServer
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = {
            "DATA_DIR": str(self.folder / "data"),
            "TELEGRAM_BOT_TOKEN": self.telegram.token,
            "TELEGRAM_WEBHOOK_SECRET": self.telegram.webhook_secret,
            "TELEGRAM_API_URL": self.telegram.url,
            "WHATSAPP_TOKEN": self.whatsapp.token,
            "WHATSAPP_PHONE_NUMBER_ID": NUMBER,
            "WHATSAPP_APP_SECRET": self.whatsapp.app_secret,
            "WHATSAPP_VERIFY_TOKEN": self.whatsapp.verify_token,
            "WHATSAPP_API_URL": self.whatsapp.url,
            "LLM_PROVIDER": "ollama",
            "LLM_BASE_URL": self.model.url,
            "LEASE_SECONDS": "2",
            "DEBOUNCE_SECONDS": "0.1",
            "WHATSAPP_STATUS_SECONDS": "1",
        }
        self.processes = Processes(settings | self.extra, self.folder)
        for platform in (self.telegram, self.whatsapp):
            platform.webhook_url = f"{self.processes.url}/webhook/{platform.name}"

    def start(self, name: str, package: str, command: str) -> None:
        self.processes.start(name, package, command)

    def kill(self, name: str) -> None:
        """kill -9, by pid, of a process that this installation started."""
        process = self.processes.running[name]
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    def kill_redis(self) -> None:
        """kill -9 of the embedded server of this installation's own DATA_DIR."""
        pid = self.store().client.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not embedded.is_running(self.folder / "data"), 5)

    def store(self) -> Store:
        return connect(f"unix://{embedded.socket_path(self.folder / 'data')}", self.folder, 5)

    def report(self) -> Report:
        ledger = Ledger()
        ledger.read(self.telegram)
        ledger.read(self.whatsapp)
        return ledger.check()

    def settle(self, messages: int, seconds: float = 30) -> Report:
        """Wait until so many messages are accepted and answered, and nothing is due any more."""
        store = self.store()

        def rested() -> bool:
            report = self.report()
            return report.accepted >= messages and report.answered >= messages and not store.client.zcard("recado:due")

        if not wait_until(rested, seconds):
            print(self.report(), self.processes.log_tails(40))
        return self.report()


def wait_until(check: Callable[[], bool], seconds: float) -> bool:
    """Whether ``check`` became true in time."""
    until = monotonic() + seconds
    while not check():
        if monotonic() > until:
            return False
        sleep(0.02)
    return True


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Callable[..., Installation]]:
    """Makes installations; whatever they started is ended with the test."""
    opened: list[Installation] = []

    def make(*, delay: float = 0.0, **extra: str) -> Installation:
        folder = tmp_path / f"installation{len(opened)}"
        folder.mkdir()
        telegram = TelegramServer(f"7123456:{secrets.token_hex(20)}", "", secrets.token_hex(32), retry_seconds=0.2)
        whatsapp = WhatsAppServer(
            secrets.token_hex(20), NUMBER, secrets.token_hex(16), secrets.token_hex(8), retry_seconds=0.2
        )
        model = ModelServer(delay)
        for server in (telegram, whatsapp, model):
            server.start()
        opened.append(Installation(folder, telegram, whatsapp, model, extra))
        return opened[-1]

    yield make
    for one in opened:
        one.processes.close()
        for server in (one.telegram, one.whatsapp, one.model):
            server.close()


@pytest.fixture
def running(install: Callable[..., Installation]) -> Installation:
    """An installation with one receiver and one worker, ready."""
    one = install()
    one.start("receiver", "bot", "serve")
    one.start("worker", "workers", "run")
    one.processes.wait_ready()
    return one
