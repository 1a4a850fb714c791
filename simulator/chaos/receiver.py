"""kill -9 of the receiver when Redis has accepted a message and the platform has not heard so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials, beside
from simulator.chaos.world import World
from simulator.faults import Point, RedisProxy
from simulator.people import People
from simulator.processes import NotReady, wait_until

NAME: Final = "receiver-kills"
PEOPLE: Final = 20
AT_ONCE: Final = 3
ACCEPTED: Final = Point("accept", 1, "after")


def kills(trials: int, seed: int, channel: str) -> Row:
    """Three people write at once; the receiver dies at the first that was accepted, and another takes its place."""
    return beside(Row(NAME, channel, [seed]), range(trials), _kills)


def _kills(trials: Sequence[int], seed: int, channel: str) -> Row:
    with World(NAME, channel, seed) as world, world.proxy() as proxy:
        world.kill("receiver")
        world.start("receiver", REDIS_URL=proxy.url)
        world.start_worker("worker")
        people = world.people(PEOPLE, first=PEOPLE * seed)
        world.greet(people)
        for _ in trials:
            _kill(world, proxy, people)
        return world.judge()


def _kill(world: World, proxy: RedisProxy, people: People) -> None:
    proxy.restart_count()
    fired = proxy.at(ACCEPTED, lambda: world.kill("receiver"))
    for person in world.random.sample(people.persons, AT_ONCE):
        people.write_one(person)
    if not wait_until(fired.is_set, 60):
        raise NotReady(f"The receiver accepts nothing.\n{world.processes.log_tails()}")
    world.start("receiver", REDIS_URL=proxy.url)
    world.row.trials += 1


KILLS = Scenario(NAME, "kill -9 of the receiver between Redis's answer and HTTP 200", Trials(4, 24, 500), kills)
