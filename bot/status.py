"""What is going on: the queues as numbers, for /metrics and for `python -m bot status`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from rich.markup import escape
from rich.table import Table

from bot import money
from bot.errors import StoreUnavailable
from bot.logs import redact
from bot.money import Account
from bot.settings import Settings
from bot.stores.bell import QUEUE_KEY, WORKERS_KEY
from bot.stores.connection import DUE, PREFIX, Store, translated
from bot.stores.handovers import Handovers
from bot.stores.line import MODELS, SUSPECTS
from bot.stores.mailbox import COUNTS, DEAD, QUARANTINE

_LINE = PREFIX + "line:"

COUNTED = {
    "unknown": ("recado_bubbles_unknown", "bubbles with an unknown outcome"),
    "failed": ("recado_bubbles_failed", "bubbles that a platform refused"),
    "stray": ("recado_bubbles_stray", "unfinished bubbles left behind"),
    "parked": ("recado_bubbles_parked", "bubbles kept until their person writes again"),
    "heard": ("recado_turns_heard", "turns heard and rightly not answered"),
    "stopped": ("recado_turns_stopped", "turns that their person ended"),
    "dead": ("recado_turns_dead", "turns that became dead letters"),
    "deaths": ("recado_turns_bereft", "turns that lost their worker"),
    "lost_leases": ("recado_leases_lost", "leases that a worker lost"),
}
"""What Redis counts since the installation began: the name there, the metric and the words."""

LOOK = ": see `python -m bot dead list`"


@dataclass(frozen=True, slots=True)
class Server:
    """A model server's circuit breaker: failures in a row, and for how many seconds it is left alone."""

    name: str
    failures: int
    rest: float

    def __str__(self) -> str:
        if self.rest:
            return f"left alone for {self.rest:.0f} s after {self.failures} failures in a row"
        return f"{self.failures} failures in a row" if self.failures else "well"


@dataclass(frozen=True, slots=True)
class Status:
    """The installation at one moment. ``oldest_due`` is how many seconds the most overdue conversation is late."""

    conversations: int
    overdue: int
    oldest_due: float
    rings: int
    workers: int
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


def read(store: Store, settings: Settings | None = None) -> Status:
    """One look at Redis; with the ``settings`` at each number, too. Raises StoreUnavailable."""
    accounts = tuple(money.read(store, settings)) if settings else ()
    paused = len(Handovers(store, settings).paused()) if settings else 0
    with translated():
        seconds, micros = store.client.time()
        now = seconds * 1000 + micros // 1000
        pipe = store.client.pipeline(transaction=False)
        pipe.zcard(DUE)
        pipe.zcount(DUE, "-inf", now)
        pipe.zrange(DUE, 0, 0, withscores=True)
        pipe.llen(QUEUE_KEY)
        pipe.smembers(WORKERS_KEY)
        pipe.zcard(DEAD)
        pipe.llen(QUARANTINE)
        pipe.zcard(f"{_LINE}{MODELS}")
        pipe.zcard(f"{_LINE}{SUSPECTS}")
        pipe.hgetall(f"{_LINE}{MODELS}:state")
        pipe.hmget(COUNTS, *COUNTED)
        pipe.hgetall(f"{PREFIX}day:{datetime.now().astimezone().date().isoformat()}")
        waiting, overdue, first, rings, names, dead, quarantined, line, suspects, book, counts, day = pipe.execute()
        workers = store.client.exists(*names) if names else 0  # one that was killed only stops renewing its key
    late = max(0.0, (now - first[0][1]) / 1000) if first else 0.0
    counted = {name: int(count or 0) for name, count in zip(COUNTED, counts, strict=True)}
    today = {name.decode(): int(count) for name, count in day.items()}
    servers = _servers(book, now)
    return Status(
        waiting,
        overdue,
        late,
        rings,
        workers,
        dead,
        quarantined,
        line,
        suspects,
        servers,
        counted,
        today,
        accounts,
        paused,
    )


def _servers(book: Mapping[bytes, bytes], now: int) -> tuple[Server, ...]:
    """The breakers as ``failures:<place>`` and ``rest:<place>`` (ms, until when) tell; a server that never failed has
    none."""
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
    )


class QueueCollector(Collector):
    """The queues for Prometheus, read when somebody asks."""

    def __init__(self, store: Store, settings: Settings | None = None) -> None:
        """With the ``settings`` it tells of each number, too."""
        self._store, self._settings = store, settings

    def collect(self) -> Iterator[Metric]:
        try:
            now = read(self._store, self._settings)
        except StoreUnavailable:
            yield GaugeMetricFamily("recado_redis_up", "1 when Redis answers", value=0)
            return
        yield GaugeMetricFamily("recado_redis_up", "1 when Redis answers", value=1)
        yield GaugeMetricFamily("recado_conversations_due", "Conversations with work", value=now.conversations)
        yield GaugeMetricFamily("recado_conversations_overdue", "Conversations nobody looked at in time", now.overdue)
        yield GaugeMetricFamily("recado_oldest_due_seconds", "How late the most overdue one is", value=now.oldest_due)
        yield GaugeMetricFamily("recado_rings_waiting", "Wake-ups in RQ's queue", value=now.rings)
        yield GaugeMetricFamily("recado_workers", "Workers that are registered with RQ", value=now.workers)
        yield GaugeMetricFamily("recado_conversations_dead", "Conversations with dead letters", value=now.dead)
        yield GaugeMetricFamily("recado_quarantine", "Bodies that nobody could read", value=now.quarantined)
        yield GaugeMetricFamily("recado_model_line", "Turns that wait for a model server", value=now.waiting_for_model)
        yield GaugeMetricFamily("recado_suspects", "Suspect turns that wait to run alone", value=now.suspects)
        yield _per_server("recado_model_failures", "Failures in a row", {s.name: s.failures for s in now.servers})
        yield _per_server(
            "recado_model_rest_seconds", "How long it is left alone", {s.name: s.rest for s in now.servers}
        )
        for name, (metric, words) in COUNTED.items():
            yield CounterMetricFamily(metric, words[:1].upper() + words[1:], value=now.counts[name])
        yield GaugeMetricFamily("recado_conversations_paused", "Conversations that a person answers", value=now.paused)
        yield from money.families(now.accounts)


def _per_server(metric: str, words: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(metric, words, labels=["server"])
    for name, value in values.items():
        family.add_metric([name], value)
    return family


def table(now: Status) -> Table:
    """The status for a terminal."""
    rows = Table(title="Recado", show_header=False)
    rows.add_row("conversations with work", str(now.conversations))
    rows.add_row("… overdue", f"{now.overdue} (the oldest by {now.oldest_due:.1f} s)")
    rows.add_row("wake-ups waiting for a worker", str(now.rings))
    rows.add_row("workers", str(now.workers) if now.workers else "none: start one with `python -m workers run`")
    rows.add_row("turns waiting for a model server", str(now.waiting_for_model))
    for server in now.servers:
        rows.add_row(f"… {escape(server.name)}", str(server))
    rows.add_row("suspect turns waiting to run alone", str(now.suspects))
    rows.add_row("conversations that a person of the business answers", str(now.paused))
    rows.add_row("conversations with dead letters", f"{now.dead}{LOOK if now.dead else ''}")
    rows.add_row("bodies in quarantine", str(now.quarantined))
    for name, (_, words) in COUNTED.items():
        rows.add_row(words, str(now.counts[name]))
    for words, figures in money.rows(now.accounts):
        rows.add_row(words, escape(figures))
    return rows
