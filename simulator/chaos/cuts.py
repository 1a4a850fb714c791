"""The connection to Redis is cut at the k-th command, for every k, in the receiver and in a worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials, beside, everywhere, rehearsals
from simulator.chaos.world import World
from simulator.faults import CUT, Point, RedisProxy
from simulator.faults.plan import When
from simulator.people import People

NAME: Final = "cuts"
EACH: Final = 5
PEOPLE: Final = 5
REHEARSALS: Final = 3
MORE: Final = 5
"""So many commands beyond what the longest rehearsal took: no two turns are quite alike."""
SETTINGS: Final = {"LEASE_SECONDS": "5", "WHATSAPP_STATUS_SECONDS": "10"}


class Place(NamedTuple):
    """Before or after the ``k``-th command of a message's way through one of the processes."""

    process: str
    k: int
    when: When


class Proxies(NamedTuple):
    receiver: RedisProxy
    worker: RedisProxy


def cuts(trials: int, seed: int, channel: str) -> Row:
    """A message for each cut; no process dies, so nothing may be done twice."""
    row = Row(NAME, channel, [seed])
    return beside(row, everywhere(row, _places(seed, channel, rehearsals(trials, REHEARSALS)), trials, EACH), _cuts)


def _cuts(places: Sequence[Place], seed: int, channel: str) -> Row:
    with World(NAME, channel, seed, **SETTINGS) as world, world.proxy() as front, world.proxy() as back:
        proxies = Proxies(front, back)
        people = _start(world, proxies, seed)
        for place in places:
            _cut(world, proxies, people, place)
        row = world.judge()
        if twice := world.model.asked_twice():
            row.broken.append(f"{len(twice)} answers were thought twice")
        if row.stray:
            row.broken.append(f"{row.stray} bubbles were sent twice")
        return row


def _places(seed: int, channel: str, times: int) -> list[Place]:
    """Every command that a message takes, as a rehearsal shows them."""
    most = dict.fromkeys(Proxies._fields, 0)
    with World(NAME, channel, seed, **SETTINGS) as world, world.proxy() as front, world.proxy() as back:
        proxies = Proxies(front, back)
        people = _start(world, proxies, seed)
        for _ in range(times):
            for proxy in proxies:
                proxy.restart_count()
            world.exchange(people)
            for name, proxy in proxies._asdict().items():
                most[name] = max(most[name], len(proxy.trace))
    most["worker"] += MORE
    sides: tuple[When, ...] = ("before", "after")
    return [Place(name, k, when) for name, last in most.items() for k in range(1, last + 1) for when in sides]


def _start(world: World, proxies: Proxies, seed: int) -> People:
    world.kill("receiver")
    world.start("receiver", REDIS_URL=proxies.receiver.url)
    world.start_worker("worker", REDIS_URL=proxies.worker.url)
    people = world.people(PEOPLE, first=PEOPLE * seed)
    world.greet(people)
    return people


def _cut(world: World, proxies: Proxies, people: People, place: Place) -> None:
    proxy = getattr(proxies, place.process)
    proxy.forget()
    proxy.restart_count()
    fired = proxy.at(Point.nth(place.k, place.when), CUT)
    world.exchange(people)
    if fired.is_set():
        world.row.trials += 1
    else:
        world.row.count("not_reached")


CUTS = Scenario(NAME, "the connection to Redis cut at the k-th command, for every k", Trials(6, 40, 0), cuts)
