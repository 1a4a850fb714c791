"""A steady load for a while, and whether anything grows: memory, descriptors, keys, logs."""

from __future__ import annotations

import csv
from collections import Counter
from time import monotonic, sleep
from typing import Final, NamedTuple

from simulator.chaos.load import WORKERS, start_workers, writing
from simulator.chaos.measure import descriptors, resident_mib, slope
from simulator.chaos.row import RESULTS, Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import World
from simulator.people import People

NAMES: Final = ("receiver", *WORKERS, "redis")
PEOPLE: Final = 50
CALIBRATION: Final = 2
"""So many messages of everybody, as fast as can be, show what the machine can do."""
LOAD: Final = 0.7
MOST_PER_SECOND: Final = 20.0
SPAN: Final = 10.0
"""Seconds; a trial is a span of load with a look at its end."""
WARM_UP: Final = 1 / 3
"""This share of all spans is not looked at: caches and histories fill."""
LONG: Final = 60
"""So many spans, ten minutes, show a slope; fewer only show noise, which is told and not judged."""
SLOPE_MIB: Final = 2.0
"""So much a process may grow in an hour."""
PASSING: Final = frozenset({"seen", "limit"})
"""Keys that go by themselves: hashed ids after a day or a week, the platforms' limits after some seconds."""
FILES: Final = 48
"""Connections come and go by so many: a platform holds up to 40."""
SETTINGS: Final = {"HISTORY_DAYS": "1", "CONTEXT_TOKENS": "1024"}
"""A context that is full before the warm-up is over: prompts that still get longer would look like a leak."""
FEW: Final = 3
"""So many keys come with the first event of their kind, such as the counts."""


class Look(NamedTuple):
    """What there was at rest: open files of each process, and keys of each kind for each conversation."""

    files: dict[str, int]
    keys: Counter[str]
    fields: int


def soak(trials: int, seed: int, channel: str) -> Row:
    """As many spans as there are trials, at a share of what the machine can do."""
    with World("soak", channel, seed, **SETTINGS) as world:
        start_workers(world)
        people = world.people(PEOPLE)
        rate = _rate(world, people)
        warm = round(trials * WARM_UP)
        _load(world, people, rate, warm, seed)
        world.await_rest()
        before = _look(world)
        memory = _load(world, people, rate, trials - warm, seed + 1)
        world.await_rest()
        world.row.trials = trials
        _keep(memory, channel, seed)
        _judge_slopes(world, memory)
        _judge_looks(world, before, _look(world))
        return world.judge()


def _rate(world: World, people: People) -> float:
    """Messages a second at 70 % of what was answered a second when everybody wrote at once."""
    world.greet(people)
    began = monotonic()
    for _ in range(CALIBRATION):
        people.everybody()
        world.await_rest()
    rate = min(LOAD * CALIBRATION * PEOPLE / (monotonic() - began), MOST_PER_SECOND)
    world.row.count("messages_per_minute", round(rate * 60))
    return rate


def _load(world: World, people: People, rate: float, spans: int, seed: int) -> dict[str, list[tuple[float, float]]]:
    """MiB by seconds of each process, at the end of each span of load."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
    began = monotonic()
    with writing(people, rate, seed):
        for number in range(1, spans + 1):
            sleep(max(began + number * SPAN - monotonic(), 0))
            for name in NAMES:
                found[name].append((monotonic(), resident_mib(world.pid(name))))
    return found


def _keep(memory: dict[str, list[tuple[float, float]]], channel: str, seed: int) -> None:
    """The MiB of each process at the end of each span stay under .chaos, for whoever asks how it grew."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with (RESULTS.parent / f"soak-{channel}-{seed}.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("seconds", *memory))
        for looks in zip(*memory.values(), strict=True):
            rows.writerow([f"{looks[0][0] - memory[NAMES[0]][0][0]:.0f}", *(f"{mib:.2f}" for _, mib in looks)])


def _judge_slopes(world: World, memory: dict[str, list[tuple[float, float]]]) -> None:
    """Redis grows by design: it remembers the id of each message for a day or a week."""
    for name, points in memory.items():
        mib = slope(points) * 3600
        world.row.count(f"{name.replace(' ', '_')}_kib_an_hour_most", round(mib * 1024))
        world.row.count(f"{name.replace(' ', '_')}_mib_most", round(points[-1][1]) if points else 0)
        if name != "redis" and len(points) >= LONG and mib > SLOPE_MIB:
            world.row.broken.append(f"the {name} grows by {mib:.1f} MiB an hour")


def _look(world: World) -> Look:
    files = {name: descriptors(world.pid(name)) for name in NAMES}
    keys: Counter[str] = Counter()
    fields = 0
    for key in world.redis.scan_iter(count=1000):
        name = key.decode()
        kind = name.rpartition(":")[2] if name.startswith("recado:{") else name.split(":")[1]
        keys[kind] += kind not in PASSING
        fields += world.redis.hlen(name) if kind == "state" else 0
    return Look(files, keys, fields)


def _judge_looks(world: World, before: Look, after: Look) -> None:
    row = world.row
    for name in NAMES:
        row.count(f"{name.replace(' ', '_')}_files_most", after.files[name])
        if after.files[name] > before.files[name] + FILES:
            row.broken.append(f"the {name} had {before.files[name]} files open and has {after.files[name]}")
    row.count("keys_of_conversations", after.keys.total())
    row.count("fields_of_states", after.fields)
    grown = {kind: number - before.keys[kind] for kind, number in after.keys.items()}
    for kind, number in grown.items():
        if number > FEW:
            row.broken.append(f"there are {number} more keys of the kind {kind}")
    if after.fields > before.fields + PEOPLE:
        row.broken.append(f"the states of {PEOPLE} conversations had {before.fields} fields and have {after.fields}")


SOAK = Scenario("soak", "a steady load at 70 % of what this machine can do", Trials(1, 3, 180), soak, ("telegram",))
