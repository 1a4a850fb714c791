"""What a unit test may ask for: a worker's world, alone or with its background running, and a turn in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from bot.stores.outbox import Outbox
from tests.unit.backgrounds import Worker
from tests.unit.calendars import Calendar
from tests.unit.fates import EditingChannel
from tests.unit.mailboxes import ANA, said
from tests.unit.prompts import models  # noqa: F401 - fixtures
from tests.unit.proxied import client, server, through  # noqa: F401 - fixtures
from tests.unit.webhooks import platform, telegram, webhook, whatsapp  # noqa: F401 - fixtures
from tests.unit.worlds import World
from workers import background, think


@pytest.fixture
def channel() -> EditingChannel:
    return EditingChannel()


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    calendar = Calendar()
    monkeypatch.setattr(think, "datetime", calendar)
    return calendar


@pytest.fixture
def outbox(store: Store) -> Outbox:
    return Outbox(store)


@pytest.fixture
def thinking(mailbox: Mailbox) -> Mailbox:
    """Ana's turn 1 is in the hands of ``a``."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    return mailbox


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
