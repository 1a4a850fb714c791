"""How Telegram's messages reach this installation: which way is in use, what is well, and what to do about the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

from bot.bot_api import BotApi
from bot.errors import ApiError, SettingsError, StoreUnavailable
from bot.settings import Settings
from bot.stores.connection import Store
from bot.stores.poller import Seat
from bot.webhook import PATH, Info, address, open_api

Way = Literal["off", "polling", "webhook"]
Found = tuple[str, bool | None, str]
"""What was looked at, whether it is well (None: worth a look), and the words for it."""

SKEW_SECONDS = 30
RECENT_MINUTES = 15
"""An error older than this, with nothing waiting, is over."""

GROWING_SECONDS = 2.0


def way_of(settings: Settings) -> Way:
    """Which way the settings choose."""
    if not settings.telegram_bot_token.get_secret_value().strip():
        return "off"
    return "webhook" if settings.public_url else "polling"


def examine(settings: Settings, store: Store, growing_seconds: float = GROWING_SECONDS) -> Iterator[Found]:
    """Look at everything between Telegram and us; a failure hides only what needs the same answer.

    What waits at Telegram is counted twice, ``growing_seconds`` apart. Raises SettingsError for a token that is none.
    """
    if (way := way_of(settings)) == "off":
        return
    bot, api = open_api(settings)
    with api:
        try:
            me, info = api.call("getMe"), Info.ask(api)
        except ApiError as error:
            yield "telegram", False, str(error)
            return
        yield from _clock(api)
        seat = Seat(store, bot.account, settings.lease_seconds)
        yield from _polling(info, seat) if way == "polling" else _webhook(settings, info, seat)
        yield from _pending(api, info, growing_seconds)
    yield "groups", True, _groups(me)


def _clock(api: BotApi) -> Iterator[Found]:
    if api.skew is not None and abs(api.skew) > SKEW_SECONDS:
        where = "ahead of" if api.skew > 0 else "behind"
        words = f"this machine's clock is {abs(api.skew):.0f} s {where} Telegram's: let it keep time (NTP)"
        yield "clock", None, words


def _polling(info: Info, seat: Seat) -> Iterator[Found]:
    words = "PUBLIC_URL is empty, so Telegram is polled"
    if info.url:
        way_out = "start the poller, which takes it away (`make run`), or write its address into PUBLIC_URL"
        yield (
            "way in",
            False,
            f"{words}; but a webhook is set, to {info.url}, and such a bot cannot be polled: {way_out}",
        )
        return
    try:
        running, trouble = seat.is_taken(), seat.trouble()
    except StoreUnavailable as error:
        yield "way in", False, str(error)
        return
    if trouble:
        yield "way in", False, f"{words}, in vain: {trouble}"
    elif running:
        yield "way in", True, f"{words}; a poller is running"
    else:
        yield "way in", None, f"{words}; no poller is running: `make run`, or `python -m bot poll`"


def _webhook(settings: Settings, info: Info, seat: Seat) -> Iterator[Found]:
    try:
        url, polled = address(settings), seat.is_taken()
    except (SettingsError, StoreUnavailable) as error:
        yield "way in", False, str(error)
        return
    if polled:
        words = (
            "PUBLIC_URL is set, but a poller is running too, which takes the webhook away: stop it, or empty PUBLIC_URL"
        )
        yield "two ways in", False, words
    register = "`python -m bot webhook set` registers it, as does the start of the receiver"
    if not info.url:
        yield "way in", False, f"webhook, to {url}; but Telegram knows of none: {register}"
    elif info.url != url:
        yield "way in", False, f"webhook, to {url}; but Telegram delivers to {info.url}: {register}"
    elif info.error and (info.pending or info.minutes_since_error() < RECENT_MINUTES):
        yield "way in", False, f"webhook, to {url}; Telegram complains: {info.complaint()}"
    else:
        past = f"; the last error was {info.minutes_since_error():.0f} min ago" if info.error else ""
        yield "way in", True, f"webhook, to {url}{past}"


def _pending(api: BotApi, info: Info, seconds: float) -> Iterator[Found]:
    if not info.pending:
        return
    time.sleep(seconds)
    try:
        now = Info.ask(api).pending
    except ApiError as error:
        yield "waiting at Telegram", None, str(error)
        return
    if now < info.pending:
        yield "waiting at Telegram", True, f"{now}, and fewer by the second"
    else:
        yield "waiting at Telegram", None, f"{now}, and not fewer: nobody takes them; nothing is lost for 24 hours"


def _groups(me: dict[str, object]) -> str:
    if me.get("can_join_groups") is False:
        return "the bot may not be added to groups (@BotFather, /setjoingroups)"
    if me.get("can_read_all_group_messages"):
        return "in groups the bot is given all that is written"
    return (
        "privacy mode is on: in groups the bot is given only commands, mentions and replies to it, and answers those. "
        "To let it know what else is said: @BotFather, /setprivacy, Disable; then remove it there and add it anew"
    )


def say(settings: Settings) -> str:
    """One line: how Telegram's messages reach us."""
    way = way_of(settings)
    if way == "webhook":
        return f"Telegram: webhook, {settings.public_url}{PATH}; the receiver registers it."
    if way == "polling":
        return "Telegram: polled, for PUBLIC_URL is empty."
    return "Telegram: off (TELEGRAM_BOT_TOKEN is empty)."
