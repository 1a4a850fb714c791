"""kill -9 of workers at random times, under load."""

from __future__ import annotations

from time import sleep
from typing import Final

from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import World
from simulator.people import People
from simulator.processes import NotReady, wait_until

WORKERS: Final = tuple(f"w{number} worker" for number in range(4))
PEOPLE: Final = 200
MESSAGES_PER_KILL: Final = 10
GAPS: Final = (0.3, 1.7)
"""Seconds between two kills, at random; together with a worker's start they leave three of four alive mostly."""
LATE: Final = 5.0
RARE_LATE: Final = 20.0
"""Seconds until a delivery status: longer than the lease, so that who takes over does not have it yet."""
BACKLOG: Final = 200


def kills(trials: int, seed: int, channel: str) -> Row:
    """A kill a second or so, and ten messages between two."""
    settings = {"LEASE_SECONDS": "2", "WHATSAPP_STATUS_SECONDS": "6"}
    with World("worker-kills", channel, seed, **settings) as world:
        world.tell_late(LATE)
        _storm(world, trials, GAPS)
        return world.judge()


def rare_kills(trials: int, seed: int, channel: str) -> Row:
    """A kill in five seconds, with the lease as shipped: no turn may be taken for poison."""
    settings = {"LEASE_SECONDS": "15", "WHATSAPP_STATUS_SECONDS": "30"}
    with World("rare-worker-kills", channel, seed, **settings) as world:
        world.tell_late(RARE_LATE)
        _storm(world, trials, (4.0, 6.0))
        row = world.judge()
        if dead := row.counts.get("dead"):
            row.broken.append(f"{dead} innocent messages are in the dead letters")
        return row


def _storm(world: World, trials: int, gaps: tuple[float, float]) -> None:
    for name in WORKERS:
        world.start_worker(name)
    for name in WORKERS:
        world.await_worker(name)
    people = world.people(PEOPLE)
    for _ in range(trials):
        _write(world, people, world.random.uniform(*gaps))
        _kill_one(world)
        world.row.trials += 1


def _write(world: World, people: People, seconds: float) -> None:
    """Ten messages, evenly; nobody writes while so much waits that the machine could not bear more."""
    if not wait_until(lambda: world.due() < BACKLOG, 120):
        raise NotReady(f"The backlog does not shrink.\n{world.processes.log_tails()}")
    for _ in range(MESSAGES_PER_KILL):
        sleep(seconds / MESSAGES_PER_KILL)
        people.write_one(world.random.choice(people.persons))


def _kill_one(world: World) -> None:
    """Any worker, once two others are ready; its successor starts at once."""
    ready: list[str] = []

    def enough() -> bool:
        ready[:] = [name for name in WORKERS if world.is_ready(name)]
        return len(ready) > len(WORKERS) // 2

    if not wait_until(enough, 60):
        raise NotReady(f"The workers do not come up.\n{world.processes.log_tails()}")
    victim = world.random.choice(ready)
    world.kill(victim)
    world.start_worker(victim)


KILLS = Scenario("worker-kills", "kill -9 of a random worker of four", Trials(5, 60, 1000), kills)
RARE_KILLS = Scenario(
    "rare-worker-kills", "the same, one kill in 5 s, leases as shipped", Trials(1, 6, 100), rare_kills
)
