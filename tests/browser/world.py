"""An installation with the chat page: a model, Redis, a worker and the page, each a process but the model."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from simulator.asked import Asked
from simulator.installation import FREE_OF_LIMITS, Installation
from simulator.models import ModelServer
from simulator.ports import free_port
from simulator.processes import wait_until
from tests.browser.mind import Mind
from tests.browser.surfing import ROOT, guarded

BUSINESS = ROOT / "simulator" / "demo.toml"
NAME = "Panadería La Espiga"
SECONDS = 60.0


class ChatWorld:
    """``mind`` is what the model says; ``url`` where the page is."""

    def __init__(self, folder: Path, outside_log: Path, **settings: str) -> None:
        self.mind, self._workers = Mind(), itertools.count(2)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        ours: dict[str, Any] = FREE_OF_LIMITS | {
            "BUSINESS_FILE": str(BUSINESS),
            "UI_PORT": str(self.port),
            "LOG_FORMAT": "json",
        }
        ours |= {"DATA_DIR": str(folder / "data"), **guarded(outside_log)}
        self.installation = Installation(folder, ModelServer(reply=self.mind), **ours | settings).open()
        self.worker = "worker"

    def start(self) -> None:
        """A worker and the page, ready."""
        self.installation.start(self.worker)
        self.start_page()
        assert wait_until(self.is_up, SECONDS), self.logs()

    def start_page(self, name: str = "page", **settings: str) -> None:
        self.installation.processes.start(name, "workers", "ui", settings=settings)

    def close(self) -> None:
        self.mind.forget()
        self.installation.close()

    def is_up(self, port: int = 0) -> bool:
        """Whether the page answers."""
        with closing(HTTPConnection("127.0.0.1", port or self.port, timeout=5)) as connection:
            try:
                connection.request("GET", "/healthz")
                return connection.getresponse().read() == b"alive\n"
            except (OSError, HTTPException):
                return False

    def logs(self) -> str:
        return self.installation.processes.log_tails(40)

    # the worker

    def replace_worker(self) -> None:
        """kill -9 of the one that there is; then there is another."""
        self.installation.kill(self.worker)
        self.installation.processes.running.pop(self.worker)
        self.worker = f"{next(self._workers)} worker"
        self.installation.start(self.worker)

    def replace_page(self, meanwhile: Callable[[], None]) -> None:
        """kill -9 of the page; then there is another at the same address."""
        self.installation.kill("page")
        self.installation.processes.running.pop("page")
        meanwhile()
        self.start_page()
        self.wait(self.is_up)

    # Redis

    @contextmanager
    def redis_frozen(self) -> Iterator[None]:
        """It is there, and answers nobody."""
        pid = int(self.installation.redis.info("server")["process_id"])
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    # the model

    def dawdles(self, question: str, answer: str) -> None:
        """The next answer is to this question, and after its first word it takes a minute for each."""
        self.mind.says(question, answer)
        self.installation.model.trickle(SECONDS)

    def left(self, question: str) -> None:
        """Wait until nobody listens any more to the model's answer to this."""
        self.wait(lambda: self.asked(question)[-1].outcome == "left")

    def asked(self, question: str) -> list[Asked]:
        """What the model was asked with these words as the newest."""
        return [one for one in self.installation.model.requests if one.said[-1:] == (("user", question),)]

    def was_told(self, question: str) -> Sequence[tuple[str, str]]:
        """What was said up to this question, as the model heard it last."""
        return self.asked(question)[-1].said

    def rest(self) -> None:
        """Wait until nothing is due; then nothing is on the model's records."""
        self.mind.forget()
        self.wait(lambda: not self.installation.due())
        self.installation.model.requests.clear()

    def wait(self, check: Callable[[], bool]) -> None:
        assert wait_until(check, SECONDS), self.logs()
