"""A whole installation on this machine: fake platforms and model, the product's own processes, and their Redis."""

from __future__ import annotations

import os
import secrets
import signal
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import redis

from simulator.ledger import Ledger, Report
from simulator.models import ModelServer
from simulator.ports import free_port
from simulator.processes import NotReady, Processes, redis_socket, settings_for, wait_until
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

NUMBER: Final = "106540352242922"
DUE: Final = "recado:due"
COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "receiver": ("bot", "serve"),
    "worker": ("workers", "run"),
    "redis": ("bot", "redis"),
}
READY_SECONDS: Final = 60.0
NO_NOTICE: Final = {"AI_NOTICE": "off"}
"""Answers are what the model said, and nothing else."""

HASTE: Final = {"LEASE_SECONDS": "2", "DEBOUNCE_SECONDS": "0.1", "WHATSAPP_STATUS_SECONDS": "1"}
"""The product's times, made short: what they stand for does not change with them."""

FREE_OF_LIMITS: Final = {
    "TELEGRAM_MESSAGES_PER_SECOND": "10000",
    "TELEGRAM_CHAT_MESSAGES_PER_SECOND": "1000",
    "TELEGRAM_GROUP_MESSAGES_PER_MINUTE": "100000",
    "WHATSAPP_MESSAGES_PER_SECOND": "10000",
    "WHATSAPP_PERSON_SECONDS": "0.001",
}
"""For whoever wants to see nothing of the product's own limits on what it sends."""


class Installation:
    """Everything that ``make run`` would start, beside a world that can be asked what it saw.

    ``settings`` are the product's own, by the names in `.env.example`; processes learn them when they start.
    Unless ``hasty`` its times are as shipped.
    With ``own_redis`` Redis is a process of its own, called ``redis``, which can be killed and started again;
    without it the product's embedded server is used. As a context manager it opens the world, and ends it
    together with whatever was started.
    """

    def __init__(
        self,
        folder: Path,
        model: ModelServer | None = None,
        *,
        own_redis: bool = False,
        hasty: bool = True,
        **settings: str,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.data = folder, folder / "data"
        self.model = model or ModelServer()
        self.telegram = TelegramServer(f"7123456:{secrets.token_hex(20)}", "", secrets.token_hex(32), retry_seconds=0.2)
        self.whatsapp = WhatsAppServer(
            secrets.token_hex(20), NUMBER, secrets.token_hex(16), secrets.token_hex(8), retry_seconds=0.2
        )
        self.redis_port = free_port() if own_redis else 0
        ours = settings_for(self.telegram, self.whatsapp, self.data) | (HASTE if hasty else {})
        ours |= NO_NOTICE | {"LLM_PROVIDER": "ollama", "LLM_BASE_URL": self.model.url}
        ours["REDIS_URL"] = f"redis://127.0.0.1:{self.redis_port}/0" if own_redis else ""
        self.processes = Processes(ours | settings, folder)
        for platform in (self.telegram, self.whatsapp):
            platform.webhook_url = f"{self.processes.url}/webhook/{platform.name}"
        self.whatsapp.account.install(self.whatsapp.webhook_url)

    # its life

    def open(self) -> Self:
        """Both platforms and the model, of which the processes are told at their start."""
        for server in (self.telegram, self.whatsapp, self.model):
            server.start()
        return self

    def close(self) -> None:
        """End what was started, Redis last, so that nobody has to wait for it, and close the world."""
        running = self.processes.running
        if "redis" in running:
            running["redis"] = running.pop("redis")
        self.processes.close()
        for server in (self.telegram, self.whatsapp, self.model):
            server.close()

    def abandon(self) -> None:
        """kill -9 of all processes, for good: nothing that they would still do on leaving is wanted."""
        self.processes.refuse()
        for name in list(self.processes.running):
            self.kill(name)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *exc: object) -> None:
        self.close()

    # its processes

    def start(self, *names: str, **settings: str) -> None:
        """Start these processes, with ``settings`` of their own on top; a receiver and Redis are awaited.

        A name's last word says what it is: receiver, worker or redis. Raises NotReady.
        """
        for name in names:
            command = COMMANDS[name.split()[-1]]
            if name == "redis":
                command += ("--port", str(self.redis_port))
            self.processes.start(name, *command, settings=settings)
            if name == "redis" and not wait_until(self.redis_answers, READY_SECONDS):
                raise NotReady(f"Redis does not come up.\n{self.processes.log_tails()}")
        if "receiver" in names:
            self.processes.wait_ready(READY_SECONDS)

    def kill(self, name: str) -> None:
        """kill -9, by pid, of a process that this installation started; one that is stopped ends too."""
        process = self.processes.running[name]
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    def pid(self, name: str) -> int:
        return self.processes.running[name].pid

    # its Redis

    @property
    def socket(self) -> Path:
        """Where the embedded server listens."""
        return redis_socket(self.data)

    @cached_property
    def redis(self) -> redis.Redis:
        """A client of this installation's Redis."""
        if self.redis_port:
            return redis.Redis(port=self.redis_port, socket_timeout=5)
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5)

    def redis_answers(self) -> bool:
        """Whether Redis takes commands now."""
        try:
            return bool(self.redis.ping())
        except redis.RedisError:
            return False

    def kill_redis(self) -> None:
        """kill -9 of this installation's Redis, the embedded one too."""
        if self.redis_port:
            return self.kill("redis")
        pid = int(self.redis.info("server")["process_id"])
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not _lives(pid), 5)
        return None

    def due(self) -> int:
        """How many conversations somebody must still look at."""
        return int(self.redis.zcard(DUE))

    # what became of it all

    def report(self) -> Report:
        """What the ledger says of everything until now."""
        ledger = Ledger()
        ledger.read(self.telegram)
        ledger.read(self.whatsapp)
        return ledger.check()

    def settle(self, messages: int, seconds: float = 30) -> Report:
        """Wait until so many messages are accepted and answered, and nothing is due any more."""

        def rested() -> bool:
            report = self.report()
            return report.accepted >= messages and report.answered >= messages and not self.due()

        if not wait_until(rested, seconds):
            print(self.report(), self.processes.log_tails(40))
        return self.report()

    def forget(self) -> None:
        """Wait until nothing is due, then put everything that happened off the records. Raises NotReady."""
        if not wait_until(lambda: not self.due(), 15) or self.processes.ended():
            raise NotReady(f"The installation does not come to rest.\n{self.processes.log_tails()}")
        self.model.delay = 0
        for log in (self.telegram.said, self.telegram.calls, self.whatsapp.said, self.whatsapp.calls):
            log.clear()
        self.model.requests.clear()
        self.telegram.forget_errors()


def _lives(pid: int) -> bool:
    """Whether a process that need not be our own child still runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
