"""The product's own processes, started beside the simulator and ended with it."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Self

from simulator.ports import free_port
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "TZ",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
)
STOP_SECONDS = 25.0
"""How long a process may take to end; a worker gives its turns 20 s."""


class NotReady(Exception):
    """Raised when the product does not come up; the text says what was seen."""


def wait_until(check: Callable[[], bool], seconds: float) -> bool:
    """Whether ``check`` became true in time."""
    until = monotonic() + seconds
    while not check():
        if monotonic() > until:
            return False
        sleep(0.01)
    return True


def redis_socket(data_dir: Path) -> Path:
    """Where the product's embedded Redis listens, unless that path is too long for a socket's."""
    return data_dir.resolve() / "redis.sock"


def settings_for(telegram: TelegramServer, whatsapp: WhatsAppServer, data_dir: Path) -> dict[str, str]:
    """What makes the product talk to these platforms and keep its data in ``data_dir``."""
    return {
        "DATA_DIR": str(data_dir),
        "REDIS_URL": "",
        "TELEGRAM_API_URL": telegram.url,
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_WEBHOOK_SECRET": telegram.webhook_secret,
        "WHATSAPP_API_URL": whatsapp.url,
        "WHATSAPP_TOKEN": whatsapp.token,
        "WHATSAPP_PHONE_NUMBER_ID": whatsapp.phone_number_id,
        "WHATSAPP_APP_SECRET": whatsapp.app_secret,
        "WHATSAPP_VERIFY_TOKEN": whatsapp.verify_token,
    }


class Processes:
    """A receiver on ``port`` and a worker, their logs in ``folder``.

    They see of this process's environment only what every program needs, and ``settings``; they
    read no `.env`. Leaving the context ends exactly these processes.
    """

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.environment |= {"RECADO_ENV_FILE": "", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
        self.environment |= {"HOST": "127.0.0.1", "PORT": str(self.port)} | dict(settings)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._launching = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        try:
            self.start("receiver", "bot", "serve")
            self.start("worker", "workers", "run")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def start(
        self, name: str, package: str, *command: str, settings: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start ``python -m package command``; its output goes to ``<name>.log``. Raises NotReady once closed.

        ``settings`` are for this process alone, on top of everybody's.
        A signal's handler may raise, but only in the main thread: so a process is started and noted in another,
        and never started without being noted.
        """
        with ThreadPoolExecutor(1) as another:
            return another.submit(self._launch, name, [package, *command], settings or {}).result()

    def _launch(self, name: str, command: list[str], settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self._launching, self.log(name).open("ab") as log:
            if self._closed:
                raise NotReady(f"The {name} was not started: everything is being ended.")
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=self.environment | dict(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we tell them in our own time
            )
            return self.running[name]

    def wait_ready(self, seconds: float = 30.0) -> None:
        """Wait until the receiver says that it can accept. Raises NotReady."""
        until = monotonic() + seconds
        while (seen := self._readiness()) != "ready":
            if ended := self.ended():
                raise NotReady(f"The {ended[0]} ended with exit code {self.running[ended[0]].returncode}.")
            if monotonic() > until:
                raise NotReady(f"Not ready after {seconds:g} s: {seen}.")
            sleep(0.1)

    def ended(self) -> list[str]:
        """Which of the processes are no longer running."""
        return [name for name, process in self.running.items() if process.poll() is not None]

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def log_tails(self, lines: int = 20) -> str:
        """The last lines of every log, for whoever has to find out what went wrong."""
        parts = []
        for name in self.running:
            text = self.log(name).read_text(encoding="utf-8", errors="replace") if self.log(name).exists() else ""
            parts.append("\n".join([f"--- {self.log(name)}", *text.splitlines()[-lines:]]))
        return "\n".join(parts)

    def close(self) -> None:
        """SIGTERM, then SIGKILL for who does not listen; one after the other, the receiver first.

        So no message comes while the worker drains, and whoever leaves last can end the embedded Redis.
        """
        self.refuse()
        for process in self.running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):  # a second Ctrl-C is impatience
                process.kill()
                process.wait()

    def refuse(self) -> None:
        """Start nothing any more."""
        with self._launching:
            self._closed = True

    def _readiness(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            reason = answer.read().decode(errors="replace").strip()[:200]
            return "ready" if answer.status == 200 else f"GET /readyz says {answer.status} {reason}"
        except (OSError, http.client.HTTPException) as error:
            return f"nobody answers on {self.url} ({type(error).__name__})"
        finally:
            connection.close()
