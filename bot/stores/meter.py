"""The meter: how many bubbles came how far, and what they cost, for each account and month.

Counted in the step that settles a bubble (meter.lua), from what the platform tells of it. Nobody's name is in it: a
bubble is known by a hash of its id.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final, NamedTuple, cast
from zoneinfo import ZoneInfo

from redis.client import Pipeline

from bot.business import load_business
from bot.errors import SettingsError
from bot.message import Conversation
from bot.numbers import numbers, settings_of
from bot.received import Status
from bot.settings import Settings
from bot.stores.connection import PREFIX, Store, translated

BUBBLE: Final = PREFIX + "bubble:"
METER: Final = PREFIX + "meter:"
BILL: Final = PREFIX + "bill:"

FREE_MONTHLY: Final = 1000
"""So many of a number's replies cost nothing each month
(https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing)."""

SERVICE: Final = "service"
"""The category of a reply to somebody who wrote within the last 24 hours."""

AHEAD_SECONDS: Final = 86_400
"""A status whose time lies further ahead has no time that could be believed."""

_RANKS: Final[Mapping[str, int]] = {"sent": 1, "delivered": 2, "read": 3, "played": 3}
_STAGES: Final = ("sent", "delivered", "read", "failed")
_NOTHING: Final[tuple[str | int, ...]] = ("", "", "", 0, 0, "0", "", "")


Stages = Mapping[str, int]
"""How many bubbles of a number were sent, delivered, read, and failed."""


class Month(NamedTuple):
    """What one number's bubbles of a month were: ``billed`` and ``free`` ones by category, and the ``cost``."""

    billed: Mapping[str, int]
    free: Mapping[str, int]
    cost: float

    @property
    def services(self) -> int:
        """How many of the free replies are used."""
        return self.free.get(SERVICE, 0)


class Calendar:
    """When a month begins: by the clock of each number's business, else by this machine's."""

    def __init__(self, settings: Settings) -> None:
        self._zones = {account: _zone(settings_of(settings, account)) for account in numbers(settings)}

    def month(self, account: str, at: float) -> str:
        """The month of a time in seconds since 1970, as 2026-10; of now for a time that is none."""
        now = time.time()
        there = at if 0 < at < now + AHEAD_SECONDS else now
        return f"{datetime.fromtimestamp(there).astimezone(self._zones.get(account)):%Y-%m}"


def record_of(account: str, bubble: str) -> str:
    """Where it is kept what the platform tells of a bubble: how far it came (0 to 3: sent, delivered, read), whether it
    failed, and its bill."""
    name = f"{account}\n{bubble}".encode("utf-8", "replace")
    return BUBBLE + hashlib.blake2b(name, digest_size=12).hexdigest()


def counted(status: Status, calendar: Calendar | None) -> tuple[str | int, ...]:
    """What meter.lua is told of a status: nothing, where the platform says no more than that it settles."""
    if not status.stage or calendar is None:
        return _NOTHING
    account = Conversation.parse(status.conversation).account
    price = status.price
    what = f"{'billed' if price.billable else 'free'}:{price.category or 'other'}" if price else ""
    record = record_of(account, status.bubble or status.reference)
    totals, bills = f"{METER}{account}", f"{BILL}{account}:"
    rank, failed = _RANKS.get(status.stage, 0), int(status.stage == "failed")
    return record, totals, bills, rank, failed, f"{status.at:.3f}", calendar.month(account, status.at), what


class Meter:
    """Reads what was counted. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings, self._calendar = store, settings, Calendar(settings)

    def month(self, account: str, at: float = 0) -> Month:
        """A number's month; this one, or that of the time ``at``."""
        with translated():
            name = f"{BILL}{account}:{self._calendar.month(account, at)}"
            return self._month(account, cast("dict[bytes, bytes]", self._store.client.hgetall(name)))

    def ask(self, pipe: Pipeline, account: str) -> None:
        """Have what ``told`` reads asked in a pipeline: two answers."""
        pipe.hgetall(f"{BILL}{account}:{self._calendar.month(account, 0)}")
        pipe.hmget(f"{METER}{account}", _STAGES)

    def told(self, account: str, bill: Mapping[bytes, bytes], stages: Sequence[bytes | None]) -> tuple[Month, Stages]:
        """A number's month, and what became of its bubbles since the beginning, of the answers to ``ask``."""
        return self._month(account, bill), _stages(stages)

    def _month(self, account: str, known: Mapping[bytes, bytes]) -> Month:
        found = {what.decode(): int(number) for what, number in known.items() if int(number)}
        billed, free = _part(found, "billed:"), _part(found, "free:")
        return Month(billed, free, sum(billed.values()) * settings_of(self._settings, account).whatsapp_price)

    def name(self, account: str) -> str:
        """This month of a number, as 2026-10."""
        return self._calendar.month(account, 0)

    def stages(self, account: str) -> Stages:
        """How many bubbles of a number were sent, delivered, read, and failed, since the beginning."""
        with translated():
            return _stages(cast("list[bytes | None]", self._store.client.hmget(f"{METER}{account}", _STAGES)))


def _stages(known: Sequence[bytes | None]) -> Stages:
    return {stage: int(number or 0) for stage, number in zip(_STAGES, known, strict=True)}


def _part(found: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {what.removeprefix(prefix): number for what, number in found.items() if what.startswith(prefix)}


def _zone(settings: Settings) -> tzinfo | None:
    """The business' time zone, where its file names one."""
    try:
        opening = load_business(settings.business_file).opening
    except SettingsError:  # whoever needs the file says so
        return None
    return ZoneInfo(opening.timezone) if opening else None
