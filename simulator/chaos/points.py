"""kill -9 of the only worker before and after each Redis command and each platform call of a turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from threading import Lock
from typing import Final, NamedTuple

from simulator.chaos.row import Row
from simulator.chaos.scenario import BESIDE, Scenario, Trials, beside, everywhere, rehearsals
from simulator.chaos.world import REST_SECONDS, World
from simulator.faults import CallPoints, Passed, Point, RedisProxy
from simulator.faults.plan import Plan, When
from simulator.people import People
from simulator.processes import NotReady, wait_until

NAME: Final = "points"
EACH: Final = 25
"""Asked for so often, that each is reached 20 times: some turns are over before the place."""
PEOPLE: Final = 5
REHEARSALS: Final = 5
SIDE_BY_SIDE: Final = 2 * BESIDE
"""A trial waits longer here than elsewhere: for the model, for a lease, for a new worker."""
LATE: Final = 3.0
"""Seconds until a delivery status: longer than the lease, so that who takes over does not have it yet."""
SETTINGS: Final = {"LEASE_SECONDS": "1", "WHATSAPP_STATUS_SECONDS": "4"}
NO_TURN: Final = frozenset(("client", "hello", "select", "auth", "subscribe", "unsubscribe", "script"))
"""Commands of a process that starts or reconnects."""
SETTLING_SECONDS: Final = 0.5
TRIES: Final = 4
"""No two turns are quite alike: one may be over before a place that most of them reach."""
JUDGED: Final = 4
"""A place that was asked for so often must be reached every second time."""
_counting = Lock()


class Place(NamedTuple):
    """Where the worker dies: at a command to Redis, or at a call to the platform."""

    stream: str
    point: Point

    def __str__(self) -> str:
        return f"{self.point.when} {self.point.name} number {self.point.occurrence} to {self.stream}"


def kills(trials: int, seed: int, channel: str) -> Row:
    """A message for each kill; a new worker takes over."""
    row, reached = Row(NAME, channel, [seed]), Counter[Place]()
    asked = everywhere(row, _places(seed, channel, rehearsals(trials, REHEARSALS)), trials, EACH)
    beside(row, asked, partial(_kills, reached), SIDE_BY_SIDE)
    row.broken += seldom(Counter(asked), reached)
    row.count("reached_at_each_least", min((reached[place] for place in asked), default=0))
    return row


def seldom(asked: Counter[Place], reached: Counter[Place]) -> list[str]:
    """In words, the places that were not reached half as often as asked, and whether all together were not.

    A single place that was asked for only a few times may have been missed by chance.
    """
    words = [f"reached only {reached[place]} of {number} times: {place}" for place, number in asked.items()
             if number >= JUDGED and 2 * reached[place] < number]  # fmt: skip
    if 2 * reached.total() < asked.total():
        words.append(f"reached only {reached.total()} of {asked.total()} places")
    return words


def _kills(reached: Counter[Place], places: Sequence[Place], seed: int, channel: str) -> Row:
    with World(NAME, channel, seed, **SETTINGS) as world, world.proxy() as proxy:
        calls = CallPoints(world.platform)
        people = _start(world, proxy, seed)
        for place in places:
            if any(_kill(world, proxy, calls, people, place) for _ in range(TRIES)):
                with _counting:
                    reached[place] += 1
        return world.judge()


def _places(seed: int, channel: str, times: int) -> list[Place]:
    """The commands and calls between accept and release, by name and occurrence, that most rehearsals show.

    The last ones of a turn that happened to take longer than others are the same commands once more.
    """
    found: Counter[tuple[str, str, int]] = Counter()
    with World(NAME, channel, seed, **SETTINGS) as world, world.proxy() as proxy:
        people = _start(world, proxy, seed)
        for _ in range(times):
            proxy.restart_count()
            calls = len(world.platform.calls)
            world.exchange(people)
            found.update(("redis", *one) for one in _executed(proxy.trace))
            methods = (call.method.lower() for call in world.platform.calls[calls:])
            found.update(("platform", *one) for one in _numbered(methods))
    sides: tuple[When, ...] = ("before", "after")
    usual = sorted(place for place, shown in found.items() if 2 * shown > times)
    return [Place(stream, Point(name, number, when)) for stream, name, number in usual for when in sides]


def _executed(trace: Iterable[Passed]) -> Iterator[tuple[str, int]]:
    """The commands at which something happens: what stands between MULTI and EXEC is only taken note of."""
    queueing: set[int] = set()
    for one, numbered in zip(trace, _numbered(one.name for one in trace), strict=True):
        if one.name == "exec":
            queueing.discard(one.connection)
        if one.connection not in queueing and one.name not in NO_TURN:
            yield numbered
        if one.name == "multi":
            queueing.add(one.connection)


def _numbered(names: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Each name with the number of its occurrence."""
    counts: Counter[str] = Counter()
    for name in names:
        counts[name] += 1
        yield name, counts[name]


def _start(world: World, proxy: RedisProxy, seed: int) -> People:
    world.slow_down()
    world.tell_late(LATE)
    world.start_worker("worker", REDIS_URL=proxy.url)
    people = world.people(PEOPLE, first=PEOPLE * seed)
    world.greet(people)
    return people


def _kill(world: World, proxy: RedisProxy, calls: CallPoints, people: People, place: Place) -> bool:
    """Write once, with the worker to die at this place; whether it was reached."""
    for plan in (proxy, calls):
        plan.forget()
        plan.restart_count()
    stream: Plan = proxy if place.stream == "redis" else calls
    fired = stream.at(place.point, lambda: world.kill("worker"))
    world.write(people)
    wait_until(lambda: fired.is_set() or world.rests(), 60)
    if reached := fired.wait(SETTLING_SECONDS):  # after the last command of a turn, everything rests already
        world.row.trials += 1
    else:
        stream.forget()
        world.row.count("not_reached")
        fired.wait(SETTLING_SECONDS)  # it may have been reached just now, with the turn behind it
    _await_rest(world, proxy)
    return reached


def _await_rest(world: World, proxy: RedisProxy) -> None:
    """Raises NotReady. A worker that was killed is started again, however late the kill came."""

    def rests() -> bool:
        if world.processes.ended():
            world.start_worker("worker", REDIS_URL=proxy.url)
        return world.rests()

    if not wait_until(rests, REST_SECONDS):
        world.keep_evidence("")
        raise NotReady(f"Still {world.due()} conversations due after {REST_SECONDS:.0f} s.")


KILLS = Scenario(
    NAME, "kill -9 before and after each Redis command and platform call of a turn", Trials(4, 32, 0), kills
)
