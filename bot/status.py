"""What is going on: the queues as numbers, for /metrics and for `python -m bot status`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from rich.table import Table

from bot.errors import StoreUnavailable
from bot.stores.bell import QUEUE_KEY, WORKERS_KEY
from bot.stores.connection import DUE, Store, translated
from bot.stores.mailbox import COUNTS, DEAD, QUARANTINE


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
    unknown: int
    failed: int


def read(store: Store) -> Status:
    """One look at Redis. Raises StoreUnavailable."""
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
        pipe.hmget(COUNTS, "unknown", "failed")
        waiting, overdue, first, rings, names, dead, quarantined, counts = pipe.execute()
        workers = store.client.exists(*names) if names else 0  # one that was killed only stops renewing its key
    late = max(0.0, (now - first[0][1]) / 1000) if first else 0.0
    unknown, failed = (int(count or 0) for count in counts)
    return Status(waiting, overdue, late, rings, workers, dead, quarantined, unknown, failed)


class QueueCollector(Collector):
    """The queues for Prometheus, read when somebody asks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        try:
            now = read(self._store)
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
        yield CounterMetricFamily("recado_bubbles_unknown", "Bubbles with an unknown outcome", value=now.unknown)
        yield CounterMetricFamily("recado_bubbles_failed", "Bubbles that a platform refused", value=now.failed)


def table(now: Status) -> Table:
    """The status for a terminal."""
    rows = Table(title="Recado", show_header=False)
    rows.add_row("conversations with work", str(now.conversations))
    rows.add_row("… overdue", f"{now.overdue} (the oldest by {now.oldest_due:.1f} s)")
    rows.add_row("wake-ups waiting for a worker", str(now.rings))
    rows.add_row("workers", str(now.workers) if now.workers else "none: start one with `python -m workers run`")
    rows.add_row("conversations with dead letters", str(now.dead))
    rows.add_row("bodies in quarantine", str(now.quarantined))
    rows.add_row("bubbles with an unknown outcome", str(now.unknown))
    rows.add_row("bubbles that a platform refused", str(now.failed))
    return rows
