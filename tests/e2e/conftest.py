"""Installations for tests: those of the simulator, and the product's own way into their Redis.

Whatever the product asked of Telegram in any of these tests, and was answered, is judged by aiogram's models.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import pytest
import redis

from bot.stores import embedded
from bot.stores.connection import Store, connect
from simulator import installation as simulated
from simulator.models import ModelServer
from simulator.voices import VoiceServer
from tests import oracle

COMMANDS = {name: simulated.COMMANDS[name] for name in ("receiver", "worker")}
_chats = itertools.count(1000, 1000)


class Installation(simulated.Installation):
    """With the product's own connection to its embedded Redis."""

    @property
    def socket(self) -> Path:
        return embedded.socket_path(self.data)

    @cached_property
    def store(self) -> Store:
        """The installation's Redis, of which this process does not count as a user."""
        return connect(f"unix://{self.socket}", self.folder, 5)

    @cached_property
    def redis(self) -> redis.Redis:
        return self.store.client


def installation(folder: Path, delay: float = 0.0, **extra: str) -> Installation:
    """Both platforms and a model that takes ``delay`` seconds, open; nothing of the product is started yet."""
    return Installation(folder, ModelServer(delay), own_redis=False, **extra).open()


@pytest.fixture(scope="module")
def voices() -> Iterator[VoiceServer]:
    with VoiceServer(otherwise="¿abrís los domingos?") as server:
        yield server


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory, voices: VoiceServer) -> Iterator[Installation]:
    """An installation whose model sees, and that has somebody who listens, the same for both channels."""
    folder = tmp_path_factory.mktemp("seeing") / "installation"
    one = installation(folder, TRANSCRIBER="openai", TRANSCRIBER_BASE_URL=voices.url)
    one.model.host.sees = True
    try:
        one.start("receiver", "worker")
        yield one
    finally:
        one.close()


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
    for one in opened:
        assert oracle.faults_in(one.telegram.calls) == []


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
def running(shared: Installation) -> Iterator[Installation]:
    """The installation that all tests share that kill nothing in it: at rest, with nothing on its records."""
    shared.forget()
    yield shared
    assert oracle.faults_in(shared.telegram.calls) == []


@pytest.fixture
def chat() -> int:
    """The first of a thousand chats in which nobody has written yet."""
    return next(_chats)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder of this module's tests, under which evidence goes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("chaos"))
        yield Path.cwd()
