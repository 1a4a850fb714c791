"""The coefficients, measured: real processes at two sizes, of which the first foretells the second."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, NamedTuple

from simulator.capacity import kept
from simulator.capacity.coefficients import Check, Coefficients, Measured
from simulator.capacity.meters import Used, fsync_ms, machine, used
from simulator.chaos.measure import resident_mib
from simulator.installation import FREE_OF_LIMITS, READY_SECONDS, Installation
from simulator.models import ModelServer, echo
from simulator.people import People
from simulator.processes import NotReady, wait_until

SETTINGS: Final = FREE_OF_LIMITS | {"LLM_PARALLEL": "256", "WORKER_CONCURRENCY": "64"}
DELAY: Final = 0.3
PACE: Final = 0.02
"""An answer of some fifty words takes the model a little more than a second, and its bubble grows meanwhile."""
CROWD_A_SECOND: Final = 24
"""So many at least reach the model before the first of them is answered."""
FIRST_ONES: Final = 6


class Form(NamedTuple):
    """How long and how much: ``rate`` messages a second with one worker, and twice as many with two."""

    seconds: float = 20.0
    rate: float = 8.0
    turns: int = 10
    copies: int = 2000
    crowd: int = 48


SHORT: Final = Form(3.0, 3.0, 3, 200, 24)


class Load(NamedTuple):
    """What so many messages took in so many seconds, and what ``workers`` take in one second without any."""

    workers: int
    messages: int
    seconds: float
    used: Used
    idle: Used
    memory: float

    def each(self, name: str) -> float:
        """What one message took, without what would have been used anyway."""
        return float(getattr(self.used, name) - self.seconds * getattr(self.idle, name)) / self.messages


def measure(form: Form) -> Measured:
    """Everything, in some minutes. Raises NotReady when the product does not do what it should."""
    small, large = run(1, form.rate, form.seconds), run(2, 2 * form.rate, form.seconds)
    of = coefficients(small, memory(form))
    return Measured(of, machine(), checks(of, small, large))


def coefficients(of: Load, sizes: Mapping[str, float]) -> Coefficients:
    """What one of everything takes, as a load with one worker showed it."""
    return Coefficients(
        receiver_ms=of.each("receiver"),
        worker_ms=of.each("workers"),
        redis_ms=of.each("redis"),
        worker_idle_ms=of.idle.workers,
        redis_idle_ms=of.idle.redis,
        trips=of.each("trips"),
        appended=of.each("appended"),
        fsync_ms=fsync_ms(),
        **sizes,
    )


def checks(of: Coefficients, small: Load, large: Load) -> list[Check]:
    """The larger load, foretold from the smaller one."""
    n, seconds, workers = large.messages, large.seconds, large.workers
    background = workers * seconds
    return [
        Check("receiver, ms of CPU", n * of.receiver_ms + seconds * small.idle.receiver, large.used.receiver),
        Check("workers, ms of CPU", n * of.worker_ms + background * of.worker_idle_ms, large.used.workers),
        Check("Redis, ms of CPU", n * of.redis_ms + background * of.redis_idle_ms, large.used.redis),
        Check("Redis, requests", n * of.trips + background * small.idle.trips, large.used.trips),
        Check("Redis, KiB appended", (n * of.appended + background * small.idle.appended) / 1024,
              large.used.appended / 1024),
        Check("workers, MiB", workers * small.memory, large.memory),
    ]  # fmt: skip


@contextmanager
def _installation(workers: int, model: ModelServer, **settings: str) -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="recado-capacity-") as folder:
        ours: dict[str, Any] = SETTINGS | settings
        with Installation(Path(folder), model, hasty=False, **ours) as installation:
            installation.start("receiver", *_names(workers))
            if not wait_until(lambda: installation.redis.scard("rq:workers:recado") >= workers, READY_SECONDS):
                raise NotReady(f"A worker does not come up.\n{installation.processes.log_tails()}")
            yield installation


def _names(workers: int) -> list[str]:
    return [f"{number} worker" for number in range(workers)]


def run(workers: int, rate: float, seconds: float, pace: float = PACE) -> Load:
    """So many messages a second for so long, to so many workers. Raises NotReady."""
    model = ModelServer(DELAY, lambda body: f"{echo(body)} {kept.length(kept.ANSWER)}", pace=pace, threads=256)
    with _installation(workers, model) as installation:
        _everybody(installation, round(rate), rate, 0)  # what a first turn loads is not of every turn
        idle = _idle(installation, workers, seconds / 3)
        began, at = used(installation, _names(workers)), monotonic()
        messages = round(rate * seconds)
        _everybody(installation, messages, rate, 100_000)
        took = monotonic() - at
        taken = used(installation, _names(workers)) - began
        if not (report := installation.report()).ok:
            raise NotReady(f"The promises did not hold:\n{report}")
        held = sum(resident_mib(installation.pid(name)) for name in _names(workers))
        return Load(workers, messages, took, taken, idle, held)


def _idle(installation: Installation, workers: int, seconds: float) -> Used:
    """What is used in a second in which nobody writes."""
    began = used(installation, _names(workers))
    sleep(seconds)
    return Used(*(value / seconds for value in used(installation, _names(workers)) - began))


def _everybody(installation: Installation, messages: int, rate: float, first: int) -> None:
    """So many people write once each, on both platforms in turn, at an even rate; wait for all answers."""
    answered = installation.report().answered + messages
    each = messages // 2 + 1
    crowds = (
        People(installation.telegram, each, rate=rate, first=first),
        People(installation.whatsapp, each, rate=rate, first=first + 50_000),
    )
    start = monotonic()
    for number in range(messages):
        sleep(max(start + number / rate - monotonic(), 0))
        crowd = crowds[number % 2]
        crowd.write_one(crowd.persons[number // 2])

    def rests() -> bool:
        return not installation.due() and installation.report().answered >= answered

    if not wait_until(lambda: _slowly(rests), 60):
        raise NotReady(f"Not everybody was answered.\n{installation.processes.log_tails()}")


def _slowly(check: Any) -> bool:
    """Ask seldom: the one who asks is measured beside."""
    sleep(0.1)
    return bool(check())


def memory(form: Form) -> dict[str, float]:
    """Of processes, alone and with a crowd in flight; of Redis, with messages that wait and with idle conversations."""
    with _installation(1, kept.model(), DEBOUNCE_SECONDS="0") as installation:
        worker = installation.pid(_names(1)[0])
        kept.talk(installation, FIRST_ONES, form.turns)
        receiver, alone = resident_mib(installation.pid("receiver")), resident_mib(worker)
        turn, waiting = _crowd(installation, worker, form.crowd)
        found = kept.weigh(installation.redis, form.turns, form.copies)
    return {
        "receiver_mib": receiver, "worker_mib": alone, "turn_mib": max((turn - alone) / form.crowd, 0),
        "message_bytes": found.message, "rest_bytes": found.rest, "seen_bytes": found.seen, "raw_bytes": found.raw,
        "spoken_bytes": found.spoken, "waiting_bytes": waiting,
    }  # fmt: skip


def _crowd(installation: Installation, worker: int, crowd: int) -> tuple[float, float]:
    """The worker's memory with a crowd in flight, and Redis' bytes for each of them."""
    redis, model = installation.redis, installation.model
    before, asked = _keys(redis), len(model.requests)
    model.delay = crowd / CROWD_A_SECOND
    people = People(installation.telegram, crowd, rate=crowd, first=900_000)
    people.everybody()
    if not model.wait_until(lambda: len(model.requests) >= asked + crowd, 30):
        raise NotReady(f"Not everybody reached the model.\n{installation.processes.log_tails()}")
    turn, waiting = resident_mib(worker), (_keys(redis) - before) / crowd
    if not wait_until(lambda: not installation.due(), 30):
        raise NotReady(f"Not everybody was answered.\n{installation.processes.log_tails()}")
    for key in redis.scan_iter("recado:{telegram:*}:history", count=10_000):
        if redis.llen(key) == 2:
            redis.delete(key)  # only those with all their turns are weighed
    return turn, waiting


def _keys(client: Any) -> int:
    """The bytes of all keys: what so few more conversations take is lost in the rest of used_memory."""
    return sum(client.memory_usage(key) or 0 for key in client.scan_iter(count=10_000))
