"""A worker's world for every test that asks for one, alone or with its background running."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bot.stores.connection import Store
from tests.unit.backgrounds import Worker
from tests.unit.webhooks import platform, telegram, webhook, whatsapp  # noqa: F401 - fixtures
from tests.unit.worlds import World
from workers import background


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "RENEW_SECONDS", 0.05)


@pytest.fixture
def started(store: Store) -> Iterator[Callable[..., Worker]]:
    """Opens workers and stops them with the test."""
    workers: list[Worker] = []

    def start(**options: float) -> Worker:
        workers.append(Worker(store, **options).start())
        return workers[-1]

    yield start
    for one in workers:
        one.stop()
