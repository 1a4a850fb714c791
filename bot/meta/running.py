"""Each number as it runs here: whether it is on hold, what its month costs, and who hears of trouble."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bot import money
from bot.errors import ApiError, SettingsError
from bot.message import Conversation
from bot.numbers import numbers, settings_of
from bot.settings import Settings
from bot.stores.connection import Store
from bot.stores.hold import holds
from bot.stores.meter import FREE_MONTHLY
from bot.stores.owner import owner_of
from bot.webhook import open_api

Found = tuple[str, bool | None, str]
"""What was looked at, whether it is well (None: worth a look), and the words for it."""


def examine(settings: Settings, store: Store) -> Iterator[Found]:
    """Raises SettingsError for numbers that cannot be read, StoreUnavailable."""
    yield from _holds(store)
    yield from _months(settings, store)
    yield from _owners(settings)


def _holds(store: Store) -> Iterator[Found]:
    for one in holds(store):
        minutes = max(0.0, time.time() - one.since) / 60
        words = f"for {minutes:.0f} min, {one.waiting} conversations wait, nothing is lost: {one.reason}"
        yield f"on hold: {one.account}", False, words


def _months(settings: Settings, store: Store) -> Iterator[Found]:
    """The free replies and the budget of each number, and whether a price is known to count by."""
    for one in money.read(store, settings):
        what = f"cost of {one.name}"
        used, spent = f"{one.month.services} of {FREE_MONTHLY} free replies used", one.month.cost
        if not one.budget:
            yield what, True, f"{used}; this month {spent:.2f}, no budget (WHATSAPP_BUDGET)"
        elif not settings_of(settings, one.name).whatsapp_price:
            yield what, None, f"{used}; WHATSAPP_BUDGET counts nothing while WHATSAPP_PRICE is 0"
        else:
            ok = True if spent < 0.8 * one.budget else None
            yield what, ok, f"{used}; this month {spent:.2f} of {one.budget:.2f}"


def _owners(settings: Settings) -> Iterator[Found]:
    """Whoever is told of trouble, once; without an owner's chat that is the log."""
    known = [settings, *(settings_of(settings, account) for account in numbers(settings))]
    chats = {one.owner_chat: one for one in known}
    if numbers(settings) and "" in chats:
        yield "owner", None, "OWNER_CHAT is empty: hand-overs, a dead token or a spent budget stand in the log alone"
    for chat, one in chats.items():
        if chat:
            yield _owner(one)


def _owner(settings: Settings) -> Found:
    """Telegram says whether it knows the chat; WhatsApp does not."""
    what, chat = "owner", settings.owner_chat
    try:
        owner = Conversation.parse(owner_of(settings))
        if owner.channel == "telegram":
            _, api = open_api(settings)
            with api:
                api.call("getChat", chat_id=owner.chat)
    except ApiError as error:
        return what, False, f"{chat}: {error} Has the owner written to the bot? It may not begin a chat itself."
    except (SettingsError, ValueError) as error:
        return what, False, str(error)
    return what, True, f"{chat} hears of hand-overs, dead tokens and budgets"
