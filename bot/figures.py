"""The queues for Prometheus, read when somebody asks; the names are part of the outside surface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot import money
from bot.errors import StoreUnavailable
from bot.settings import Settings
from bot.status import Looks, Status
from bot.stores.connection import Store

COUNTED: Final[Mapping[str, tuple[str, str]]] = {
    "unknown": ("recado_bubbles_unknown", "Bubbles with an unknown outcome"),
    "failed": ("recado_bubbles_failed", "Bubbles that a platform refused"),
    "stray": ("recado_bubbles_stray", "Unfinished bubbles left behind"),
    "parked": ("recado_bubbles_parked", "Bubbles kept until their person writes again"),
    "heard": ("recado_turns_heard", "Turns heard and rightly not answered"),
    "stopped": ("recado_turns_stopped", "Turns that their person ended"),
    "dead": ("recado_turns_dead", "Turns that became dead letters"),
    "deaths": ("recado_turns_bereft", "Turns that lost their worker"),
    "lost_leases": ("recado_leases_lost", "Leases that a worker lost"),
}
"""What Redis counts since the installation began: the name there, the metric and the words."""


class QueueCollector(Collector):
    """The queues, as long as Redis answers."""

    def __init__(self, store: Store, settings: Settings | None = None) -> None:
        """With the ``settings`` it tells of each number, too. Raises SettingsError."""
        self._looks = Looks(store, settings)

    def collect(self) -> Iterator[Metric]:
        try:
            now = self._looks.look()
        except StoreUnavailable:
            yield _gauge("recado_redis_up", "1 when Redis answers", 0)
            return
        yield _gauge("recado_redis_up", "1 when Redis answers", 1)
        yield from _queues(now)
        yield from _servers(now)
        yield from _workers(now)
        for name, (metric, words) in COUNTED.items():
            yield CounterMetricFamily(metric, words, value=now.counts[name])
        yield from _polled(now)
        yield from money.families(now.accounts)


def _queues(now: Status) -> Iterator[Metric]:
    turns = "Turns by state; waiting, listening and thinking are all that is neither answered nor heard"
    yield _labelled("recado_turns", turns, "state", now.turns)
    oldest = "Age of the oldest message that is neither answered nor heard, whatever it waits for"
    yield _gauge("recado_oldest_waiting_seconds", oldest, now.oldest_waiting)
    yield _gauge("recado_conversations_due", "Conversations with work", now.conversations)
    yield _gauge("recado_conversations_overdue", "Conversations nobody looked at in time", now.overdue)
    yield _gauge("recado_oldest_due_seconds", "How late the most overdue one is", now.oldest_due)
    yield _gauge("recado_rings_waiting", "Wake-ups in RQ's queue", now.rings)
    yield _gauge("recado_conversations_dead", "Conversations with dead letters", now.dead)
    yield _gauge("recado_quarantine", "Bodies that nobody could read", now.quarantined)
    yield _gauge("recado_model_line", "Turns that wait for a model server", now.waiting_for_model)
    yield _gauge("recado_suspects", "Suspect turns that wait to run alone", now.suspects)
    yield _gauge("recado_conversations_paused", "Conversations that a person answers", now.paused)


def _servers(now: Status) -> Iterator[Metric]:
    failures = {one.name: one.failures for one in now.servers}
    yield _labelled("recado_model_failures", "Failures in a row", "server", failures)
    rest = {one.name: one.rest for one in now.servers}
    yield _labelled("recado_model_rest_seconds", "How long it is left alone", "server", rest)
    opened = {one.name: int(one.open) for one in now.servers}
    yield _labelled("recado_breaker_open", "1 while a model server is only probed", "server", opened)


def _workers(now: Status) -> Iterator[Metric]:
    yield _gauge("recado_workers", "Workers that live", now.workers)
    memory = {card.label: card.memory for card in now.cards if card.memory}
    yield _labelled("recado_worker_memory_bytes", "Memory of each worker's process", "worker", memory)


def _polled(now: Status) -> Iterator[Metric]:
    for kind, metric, words in (
        ("new", "recado_messages_polled", "Messages fetched and made durable"),
        ("again", "recado_messages_polled_duplicate", "Messages fetched again"),
    ):
        family = CounterMetricFamily(metric, words, labels=["channel"])
        for channel, numbers in now.polled.items():
            family.add_metric([channel], numbers[kind])
        yield family


def _gauge(metric: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(metric, words, value=value)


def _labelled(metric: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(metric, words, labels=[label])
    for name, value in values.items():
        family.add_metric([name], value)
    return family
