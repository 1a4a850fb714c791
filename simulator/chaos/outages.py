"""kill -9 of Redis under load, and its return."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Final

from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import World
from simulator.people import People
from simulator.processes import wait_until

WORKERS: Final = ("w0 worker", "w1 worker")
PEOPLE: Final = 60
MESSAGES_PER_SECOND: Final = 10
BEFORE: Final = (1.0, 3.0)
"""Seconds of load before Redis dies, at random."""
AWAY: Final = (0.3, 3.0)
BACK_SECONDS: Final = 5.0
PROBE_CHAT: Final = 34_500_000_000


def kills(trials: int, seed: int, channel: str) -> Row:
    """Redis dies under load and comes back; meanwhile nothing may be called accepted."""
    with World("redis-kills", channel, seed, WHATSAPP_STATUS_SECONDS="10") as world:
        for name in WORKERS:
            world.start_worker(name)
            world.await_worker(name)
        with _load(world, world.people(PEOPLE)):
            for _ in range(trials):
                sleep(world.random.uniform(*BEFORE))
                _outage(world)
                world.row.trials += 1
        return world.judge(books=trials > 1)  # a single outage is a test's, which has no time for RQ's books


@contextmanager
def _load(world: World, people: People) -> Iterator[None]:
    """People write all the time."""
    over = threading.Event()

    def write() -> None:
        while not over.wait(1 / MESSAGES_PER_SECOND):
            people.write_one(world.random.choice(people.persons))

    writing = threading.Thread(target=write, name="load", daemon=True)
    writing.start()
    try:
        yield
    finally:
        over.set()
        writing.join()


def _outage(world: World) -> None:
    """Redis away for a while, and what a probe is told meanwhile and afterwards."""
    world.kill("redis")
    back_at = monotonic() + world.random.uniform(*AWAY)
    while monotonic() < back_at:
        status = world.probe(PROBE_CHAT)
        world.row.count(f"answered_{status}_meanwhile")
        if status != 503:
            world.row.broken.append(f"while Redis was away, a webhook was answered {status}")
        sleep(0.05)
    world.start("redis")
    _await_answer(world, monotonic())


def _await_answer(world: World, back: float) -> None:
    """A newcomer is answered, and how long after Redis came back that is."""
    chat = PROBE_CHAT + 1 + world.row.trials
    wait_until(lambda: world.probe(chat) == 200, 60)
    answered = world.platform.wait_until(lambda: bool(world.platform.answers(chat)), 60)
    took = monotonic() - back
    world.row.count("back_ms_most", round(took * 1000))
    if not answered:
        world.row.broken.append("nobody was answered within 60 s after Redis had come back")
    elif took > BACK_SECONDS:
        world.row.slow.append(f"more than {BACK_SECONDS:.0f} s until somebody was answered again")


KILLS = Scenario("redis-kills", "kill -9 of Redis under load, and its return", Trials(1, 4, 20), kills)
