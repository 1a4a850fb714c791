"""The only module of the light side that chooses concrete classes."""

from __future__ import annotations

from bot import plugins
from bot.channels import Channel
from bot.channels.web import Web
from bot.commands import Command
from bot.settings import Settings
from bot.stores.access import Access
from bot.stores.connection import Store, connect
from bot.stores.mailbox import Mailbox
from bot.stores.page import Page

RECEIVER_TIMEOUT = 2.0
WORKER_TIMEOUT = 5.0
"""Seconds that Redis may take to answer: a platform that waits is told to come back, a worker is patient."""

NO_CHANNEL = (
    "No platform is on, so only the chat page (`python -m workers ui`) is answered. Set TELEGRAM_BOT_TOKEN or "
    "WHATSAPP_TOKEN in .env, or try `make demo`."
)

OURS = ("console", "web")
"""The channels that no platform delivers to: inside ``python -m workers chat``, and on the chat page."""


def open_channels(settings: Settings) -> dict[str, Channel]:
    """Every platform's channel that is configured, by name. Raises SettingsError."""
    found = (
        plugins.load("bot.channels", name, Channel).from_settings(settings)  # type: ignore[type-abstract]
        for name in plugins.names("bot.channels")
        if name not in OURS
    )
    return {channel.name: channel for channel in found if channel}


def open_page(settings: Settings, store: Store) -> tuple[Web, Page]:
    """The chat page as a channel, and what stands on it."""
    channel, page = Web.from_settings(settings), Page(store, settings.history_days)
    channel.board = page
    return channel, page


def open_commands() -> dict[str, Command]:
    """Every command, by name."""
    return {
        name: plugins.load("bot.commands", name, Command)()  # type: ignore[type-abstract]
        for name in plugins.names("bot.commands")
    }


def open_store(settings: Settings, timeout: float, process: str = "") -> Store:
    """The installation's Redis, or the embedded one, which knows us as this ``process``. Raises SettingsError."""
    return connect(settings.redis_url, settings.data_dir, timeout, process)


def open_loaded(settings: Settings) -> Store:
    """The same for an operator's command, which waits until Redis has read its data.

    Raises SettingsError, StoreUnavailable.
    """
    store = open_store(settings, WORKER_TIMEOUT)
    store.await_data()
    return store


def open_mailbox(settings: Settings, store: Store, *, silent: bool = False) -> Mailbox:
    """The mailbox with the installation's times; a ``silent`` one rings no worker and never listens."""
    return Mailbox(
        store,
        lease=settings.lease_seconds,
        quiet=0 if silent else settings.debounce_seconds,
        cap=settings.debounce_max_seconds,
        days=settings.history_days,
        silent=silent,
        admits=Access(store, settings).admits,
        handover=settings.handover_hours * 3600,
    )
