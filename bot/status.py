"""What is going on: the whole installation at one moment, as Redis knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from bot.logs import redact
from bot.money import Account, Accounts
from bot.settings import Settings
from bot.stores.bell import QUEUE_KEY
from bot.stores.connection import PREFIX, Store, translated
from bot.stores.glance import glance
from bot.stores.line import MODELS, SUSPECTS
from bot.stores.mailbox import COUNTS, DEAD, QUARANTINE
from bot.stores.poller import polled
from bot.stores.roster import Card, Roster

_LINE = PREFIX + "line:"

COUNTED: Final = (
    "unknown",
    "failed",
    "stray",
    "parked",
    "heard",
    "stopped",
    "dead",
    "deaths",
    "lost_leases",
    "frequent_hit",
    "frequent_miss",
    "frequent_stored",
)
"""What Redis counts since the installation began, by its name there."""

OPEN_AT: Final = 5
"""So many failures in a row open a server's breaker (line.lua)."""

GONE_MS: Final = 1_800_000
"""A server with an open breaker that nobody has probed for so long is none of ours any more, or nobody needs it: who
waits has it probed again and again, and no probe takes longer (LLM_FIRST_TOKEN_TIMEOUT, as shipped)."""


@dataclass(frozen=True, slots=True)
class Server:
    """A model server's circuit breaker: failures in a row, and for how many seconds it is left alone."""

    name: str
    failures: int
    rest: float

    @property
    def open(self) -> bool:
        """Whether it is left alone but for a probe now and then."""
        return self.failures >= OPEN_AT


@dataclass(frozen=True, slots=True)
class Status:
    """The installation at one moment. ``oldest_due`` is how many seconds the most overdue conversation is late,
    ``oldest_waiting`` how old the oldest message is that is neither answered nor heard, whatever it waits for.

    ``unanswered`` conversations have such a message; ``listening`` are those of them whose burst is not over.
    """

    conversations: int
    overdue: int
    oldest_due: float
    rings: int
    dead: int
    quarantined: int
    waiting_for_model: int
    suspects: int
    servers: tuple[Server, ...]
    counts: Mapping[str, int]
    today: Mapping[str, int] = field(default_factory=dict)
    """What was answered on this day by the workers' calendar: answers, messages, tokens."""
    accounts: tuple[Account, ...] = ()
    paused: int = 0
    """Conversations in which a person of the business goes on."""
    unanswered: int = 0
    listening: int = 0
    oldest_waiting: float = 0
    cards: tuple[Card, ...] = ()
    """The workers that live."""
    polled: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """How many messages were fetched, new and again, by channel."""

    @property
    def workers(self) -> int:
        """How many live."""
        return len(self.cards)

    @property
    def turns(self) -> Mapping[str, int]:
        """What becomes of turns now. What waits, is listened to and is thought is all that is unanswered."""
        thinking, speaking = (sum(getattr(card, name) for card in self.cards) for name in ("thinking", "speaking"))
        waiting = max(0, self.unanswered - self.listening - thinking)
        return {"waiting": waiting, "listening": self.listening, "thinking": thinking, "speaking": speaking}


class Looks:
    """Looks at Redis, again and again; none takes longer when more conversations wait, or were ever held."""

    def __init__(self, store: Store, settings: Settings | None = None) -> None:
        """With the ``settings`` they show each number, too. Raises SettingsError."""
        self._store, self._roster = store, Roster(store)
        self._accounts = Accounts(store, settings) if settings else None

    def look(self) -> Status:
        """One look. Raises StoreUnavailable."""
        cards = tuple(self._roster.all())
        seen = glance(self._store)
        accounts = tuple(self._accounts.read()) if self._accounts else ()
        with translated():
            pipe = self._store.client.pipeline(transaction=False)
            pipe.llen(QUEUE_KEY)
            pipe.zcard(DEAD)
            pipe.llen(QUARANTINE)
            pipe.zcard(f"{_LINE}{MODELS}")
            pipe.zcard(f"{_LINE}{SUSPECTS}")
            pipe.hgetall(f"{_LINE}{MODELS}:state")
            pipe.hgetall(COUNTS)
            pipe.hgetall(f"{PREFIX}day:{datetime.now().astimezone().date().isoformat()}")
            rings, dead, quarantined, line, suspects, book, counts, day = pipe.execute()
        counted = {name.decode(): int(count) for name, count in counts.items()}
        return Status(
            conversations=seen.due, overdue=seen.overdue, oldest_due=seen.age(seen.first_due), rings=rings, dead=dead,
            quarantined=quarantined, waiting_for_model=line, suspects=suspects, servers=_servers(book, seen.now),
            counts={name: counted.get(name, 0) for name in COUNTED},
            today={name.decode(): int(count) for name, count in day.items()}, accounts=accounts, paused=seen.paused,
            unanswered=seen.waiting, listening=seen.listening, oldest_waiting=seen.age(seen.first_waiting),
            cards=cards, polled=polled(counted),
        )  # fmt: skip


def read(store: Store, settings: Settings | None = None) -> Status:
    """One look at Redis; with the ``settings`` at each number, too. Raises StoreUnavailable, SettingsError."""
    return Looks(store, settings).look()


def as_json(now: Status) -> dict[str, Any]:
    """A status for machines: the names are part of the outside surface."""
    accounts = [_account(one) for one in now.accounts]
    told = {name: value for name, value in asdict(now).items() if name not in {"cards", "accounts", "servers"}}
    servers = [asdict(one) | {"open": one.open} for one in now.servers]
    workers = [asdict(card) for card in now.cards]
    return told | {"turns": dict(now.turns), "servers": servers, "workers": workers, "accounts": accounts}


def _account(one: Account) -> dict[str, Any]:
    held, month = one.hold, one.month
    return {
        "name": one.name, "bubbles": one.stages, "cost": month.cost, "budget": one.budget, "billed": dict(month.billed),
        "free": dict(month.free),
        "hold": {"reason": held.reason, "since": held.since, "waiting": held.waiting} if held else None,
    }  # fmt: skip


def _servers(book: Mapping[bytes, bytes], now: int) -> tuple[Server, ...]:
    """The breakers as ``failures:<place>`` and ``rest:<place>`` (ms, until when) tell; a server that never failed has
    none, and one that is no longer asked is not shown as broken for ever."""
    known = {name.decode(): float(value) for name, value in book.items()}
    places = sorted(
        {place for name in known for kind, _, place in [name.partition(":")] if kind in {"failures", "rest"}}
    )
    return tuple(
        Server(
            redact(place),
            int(known.get(f"failures:{place}", 0)),
            max(0.0, (known.get(f"rest:{place}", now) - now) / 1000),
        )
        for place in places
        if known.get(f"failures:{place}", 0) < OPEN_AT or now - known.get(f"rest:{place}", now) < GONE_MS
    )
