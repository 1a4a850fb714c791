"""A poller in this process, on a real Redis and a Bot API that remembers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.bot_api import BotApi
from bot.channels.telegram import Telegram
from bot.poll import Pauses, Poller
from bot.safety import Guard
from bot.settings import Settings, load_settings
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from bot.stores.poller import Seat
from simulator.telegram import TelegramServer

TOKEN = "7123456:abcdefghijklmnopqrstuvwxyz123456789"
ACCOUNT = TOKEN.partition(":")[0]
HASTY = Pauses(poll=2, first=0.05, most=0.2, conflict=0.1, store=0.05)


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    """A Bot API whose bot has no webhook."""
    with TelegramServer(TOKEN, retry_seconds=0.2) as server:
        yield server


def settings_of(telegram: TelegramServer, **more: Any) -> Settings:
    return load_settings(telegram_bot_token=telegram.token, telegram_api_url=telegram.url, **more)


def poller_of(telegram: TelegramServer, store: Store, *, token: str = "", lease: float = 5) -> Poller:
    settings = settings_of(telegram)
    bot = Telegram.from_settings(settings)
    assert bot
    mailbox = Mailbox(store, lease=15, quiet=0, cap=0, days=30)
    guard, seat = Guard(settings, store), Seat(store, bot.account, lease)
    return Poller(bot, BotApi(token or telegram.token, telegram.url), mailbox, guard, seat, pauses=HASTY)


def run(poller: Poller) -> None:
    """Poll until told to stop."""
    with poller._api:
        poller.run()


@contextmanager
def polling(telegram: TelegramServer, store: Store, **more: Any) -> Iterator[Poller]:
    """A poller in a thread, ended with the context."""
    poller = poller_of(telegram, store, **more)
    thread = threading.Thread(target=run, args=[poller])
    thread.start()
    try:
        yield poller
    finally:
        poller.stop()
        with telegram.changed:  # a poll that waits for news must not be waited for
            telegram._poll += 1
            telegram.changed.notify_all()
        thread.join(20)
        assert not thread.is_alive()


def asked(telegram: TelegramServer, method: str) -> list[dict[str, Any]]:
    """The parameters of each call of a method, oldest first."""
    return [call.params for call in telegram.calls if call.method.lower() == method.lower()]


def kept(store: Store, chat: int) -> list[str]:
    """What waits in a chat's mailbox, oldest first."""
    entries = store.client.lrange(key(f"telegram:{ACCOUNT}:{chat}", "in"), 0, -1)
    return [json.loads(entry.split(b"|", 4)[4].split(b"\n")[0])["text"] for entry in entries]
