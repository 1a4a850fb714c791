"""How much of everything so many people need: arithmetic on measured coefficients."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from simulator.capacity.coefficients import Coefficients

DAY: Final = 86_400.0
MANY: Final = 10_000_000
BUSY: Final = 0.6
"""A process is planned to be busy for this share of the peak's time: one that is always busy makes people wait."""
WAITING_BUSY: Final = 0.8
"""The same of what only waits for answers: a model server's places, and the slots of workers."""
SEEN_DAYS: Final = {"telegram": 27 / 24, "whatsapp": 8.0}
RAW_DAYS: Final = 3.0
WARM_SECONDS: Final = 3600.0
OUTAGE_SECONDS: Final = 600.0
"""The model is away for so long at the peak, and everything waits in Redis."""
AOF_TIMES: Final = 3.0
"""The file's base, as much again before it is written anew, and the new one beside both."""
TELEGRAM_A_SECOND: Final = 30.0
"""Of one bot: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this"""
WHATSAPP_A_SECOND: Final = 80.0
"""Of one number, what comes in and what goes out together:
https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput"""
STATUSES: Final = 3
"""What WhatsApp tells of each answer (sent, delivered, read): a request each, which costs no more than a message."""


@dataclass(frozen=True)
class Demand:
    """Who writes how much, and what answers. ``whatsapp`` is the share of messages that come by WhatsApp.

    ``people`` wrote within HISTORY_DAYS, so that their conversations are kept; ``peak_factor`` is how many times the
    day's mean the busiest minutes bring; ``at_once`` answers of ``model_seconds`` each are given by one engine at the
    same time; ``slots`` is WORKER_CONCURRENCY.
    """

    people: int
    messages_per_day: float = 2.0
    peak_factor: float = 5.0
    messages_per_turn: float = 1.0
    model_seconds: float = 5.0
    at_once: int = 16
    slots: int = 16
    kept_messages: int = 20
    whatsapp: float = 0.5
    redis_gib: float = 8.0

    @property
    def mean(self) -> float:
        """Messages a second over the whole day."""
        return self.people * self.messages_per_day / DAY

    @property
    def peak(self) -> float:
        """Messages a second in the busiest minutes."""
        return self.mean * self.peak_factor

    @property
    def turns(self) -> float:
        """Turns a second in the busiest minutes."""
        return self.peak / self.messages_per_turn

    @property
    def in_flight(self) -> float:
        """Turns that the model answers at the same time, at the peak (Little's law)."""
        return self.turns * self.model_seconds


class Need(NamedTuple):
    """So many of something, of which the peak takes the share ``load``; above ``full`` there is no margin left.

    ``idle`` is the share that would be taken with nobody there. ``fixed``: an installation has so many and no more,
    so that beyond them another installation begins.
    """

    what: str
    amount: str
    load: float
    full: float = 1.0
    idle: float = 0.0
    fixed: bool = False

    @property
    def margin(self) -> float:
        """How many times the load may grow with what there is."""
        grows = self.load - self.idle
        return (self.full - self.idle) / grows if grows > 0 else math.inf


class Plan:
    """What ``demand`` needs, of one installation."""

    def __init__(self, demand: Demand, measured: Coefficients) -> None:
        self.demand, self.of = demand, measured
        self.receivers = _count(self.receiving, BUSY)
        by_cpu = _count(demand.turns * measured.worker_ms / 1000, BUSY - measured.worker_idle_ms / 1000)
        self.workers = max(by_cpu, _count(demand.in_flight / demand.slots, WAITING_BUSY))
        self.engines = _count(demand.in_flight / demand.at_once, WAITING_BUSY)

    @property
    def receiving(self) -> float:
        """The cores that receivers need together."""
        requests = self.demand.peak + STATUSES * self.demand.turns * self.demand.whatsapp
        return requests * self.of.receiver_ms / 1000

    @property
    def worker_mib(self) -> float:
        """A worker's memory with all its slots taken."""
        return self.of.worker_mib + self.demand.slots * self.of.turn_mib

    @property
    def redis_bytes(self) -> float:
        """Everything at the peak of a day, an outage of the model on top of it."""
        it, of = self.demand, self.of
        a_day = it.people * it.messages_per_day
        ids = of.seen_bytes * a_day * (it.whatsapp * SEEN_DAYS["whatsapp"] + (1 - it.whatsapp) * SEEN_DAYS["telegram"])
        raw = of.raw_bytes * a_day * it.whatsapp * RAW_DAYS
        warm = of.spoken_bytes * min(it.people, it.turns * WARM_SECONDS)
        waiting = of.waiting_bytes * it.peak * OUTAGE_SECONDS
        idle = it.people * (of.rest_bytes + it.kept_messages * of.message_bytes)
        return idle + ids + raw + warm + waiting

    @property
    def redis_idle(self) -> float:
        """The share of one core that the workers take of Redis with nothing to do."""
        return self.workers * self.of.redis_idle_ms / 1000

    @property
    def redis_cpu(self) -> float:
        """The share of one core; Redis runs its scripts on one."""
        return self.demand.turns * self.of.redis_ms / 1000 + self.redis_idle

    @property
    def fsync(self) -> float:
        """The share of a second's time that the disk would take if no two writes shared an fsync."""
        return self.demand.turns * self.of.trips * self.of.fsync_ms / 1000

    @property
    def appended_a_day(self) -> float:
        return self.of.appended * self.demand.people * self.demand.messages_per_day / self.demand.messages_per_turn

    @property
    def cores(self) -> float:
        """Of all processes together at the peak, the model's apart."""
        it, of = self.demand, self.of
        working = (it.turns * of.worker_ms + self.workers * of.worker_idle_ms) / 1000
        return self.receiving + working + self.redis_cpu

    def needs(self) -> list[Need]:
        """Every kind of thing, in the order of a message's way."""
        it, of = self.demand, self.of
        idle = of.worker_idle_ms / 1000
        worker = it.turns * of.worker_ms / 1000 / self.workers + idle
        slots = it.in_flight / (self.workers * it.slots)
        engine = it.in_flight / (self.engines * it.at_once)
        gib = self.redis_bytes / 2**30
        whatsapp = (it.peak + it.turns) * it.whatsapp / WHATSAPP_A_SECOND
        numbers = _count(whatsapp, 1)
        return [
            Need("receivers", f"{self.receivers}", self.receiving / self.receivers, BUSY),
            Need("workers", f"{self.workers}", worker, BUSY, idle),
            Need("slots of the workers", f"{self.workers * it.slots}", slots, WAITING_BUSY),
            Need("model servers (GPUs)", f"{self.engines}", engine, WAITING_BUSY),
            Need("Redis, CPU", "1 core", self.redis_cpu, BUSY, self.redis_idle, fixed=True),
            Need("Redis, memory", _gib(gib), gib / it.redis_gib, fixed=True),
            Need("Telegram, one bot", "30/s", it.turns * (1 - it.whatsapp) / TELEGRAM_A_SECOND, fixed=True),
            Need("WhatsApp numbers", f"{numbers}", whatsapp / numbers),
        ]

    def binds(self) -> Need:
        """What is full first when more people come and nothing is added."""
        return min(self.needs(), key=lambda need: need.margin)

    def ends(self) -> tuple[int, Need]:
        """With how many people one installation is full, whatever is added, and of what."""
        many = Plan(replace(self.demand, people=MANY), self.of)  # whole processes no longer show in the shares
        first = max((need for need in many.needs() if need.fixed), key=lambda need: need.load / need.full)
        return round(MANY * first.full / first.load) if first.load else MANY, first

    @property
    def installations(self) -> int:
        """So many, each with its own numbers and bots, its own Redis and its own share of the people."""
        return max(1, math.ceil(self.demand.people / max(self.ends()[0], 1)))


def _count(needed: float, full: float) -> int:
    return max(1, math.ceil(needed / full))


def _gib(gib: float) -> str:
    return f"{gib * 1024:,.0f} MiB" if gib < 1 else f"{gib:.1f} GiB"
