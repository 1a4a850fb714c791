"""People who write while something breaks, and how long they waited for their answers."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from time import monotonic, sleep
from typing import Final

from simulator.asked import Asked
from simulator.calls import Call
from simulator.chaos.world import World
from simulator.ledger.records import is_partial, marks_of
from simulator.people import People

FOUR: Final = tuple(f"w{number} worker" for number in range(4))
WORKERS: Final = FOUR[:2]
EDIT: Final = "editmessagetext"
PROBE_SECONDS: Final = 0.05
APART_SECONDS: Final = 1.0
"""Whoever comes so much later than somebody else comes later beyond doubt; a burst is listened to, and threads race."""
TOGETHER_SECONDS: Final = 0.5
"""Several who are woken at once reach a server that takes them all within so long, in any order."""


def start_workers(world: World, names: Sequence[str] = WORKERS, **settings: str) -> None:
    """Start these workers and wait until all are ready. Raises NotReady."""
    for name in names:
        world.start_worker(name, **settings)
    for name in names:
        world.await_worker(name)


@contextmanager
def writing(people: People, per_second: float, seed: int) -> Iterator[None]:
    """So many messages a second, each by somebody at random, until the context is left."""
    over, chance = threading.Event(), Random(seed)

    def write() -> None:
        while not over.wait(1 / per_second):
            people.write_one(chance.choice(people.persons))

    thread = threading.Thread(target=write, name="load", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def refuse_for(world: World, seconds: float, chat: int, why: str) -> None:
    """For so long, nobody may be told that anything was accepted."""
    until = monotonic() + seconds
    while monotonic() < until:
        status = world.probe(chat)
        world.row.count(f"answered_{status}_meanwhile")
        if status != 503:
            world.row.broken.append(f"while {why}, a webhook was answered {status}")
        sleep(PROBE_SECONDS)


def accepted(world: World) -> dict[str, float]:
    """When each message was accepted (monotonic), by its mark, in the order of acceptance."""
    times = [(said.accepted, mark) for said in list(world.platform.said) for mark in marks_of(said.text)]
    return {mark: time for time, mark in sorted((time, mark) for time, mark in times if time is not None)}


def answered(world: World) -> dict[str, float]:
    """When each message's answer was first to be seen whole (monotonic), by its mark."""
    found: dict[str, float] = {}
    for call in list(world.platform.calls):
        if call.taken and call.bubble:
            for mark in marks_in(call):
                found.setdefault(mark, call.time)
    return found


def marks_in(call: Call) -> list[str]:
    """The marks that a bubble repeats, as each platform has its text."""
    text = call.params.get("text")
    return marks_of(str(text.get("body", "") if isinstance(text, dict) else text))


def previews(world: World) -> int:
    """How many times a bubble was changed to what was not its whole text yet."""
    edits = [call for call in list(world.platform.calls) if call.method.lower() == EDIT and call.taken]
    return sum(is_partial(str(call.params.get("text"))) for call in edits)


def newest(asked: Asked) -> list[str]:
    """The marks of what a model was asked, without what had been said before."""
    return marks_of(asked.said[-1][1]) if asked.said else []


def judge_order(world: World, marks: Collection[str], since: float) -> None:
    """Whether the model was asked for these messages in the order in which they were accepted.

    Of two that came well apart, the one that came first must have been asked first, or at the same time: a server
    takes LLM_PARALLEL at once. What happens between two that came at almost the same time is only counted.
    """
    came = accepted(world)
    asked: dict[str, float] = {}
    for one in list(world.model.requests):
        if one.time >= since and one.outcome == "done":
            for mark in newest(one):
                asked.setdefault(mark, one.time)
    line = [(came[mark], asked[mark]) for mark in marks if mark in came and mark in asked]
    found = overtaken(line)
    world.row.count("pairs", len(line) * (len(line) - 1) // 2)
    world.row.count("pairs_in_the_other_order", len(overtaken(line, together=0)))
    if late := [seconds for seconds in found if seconds > APART_SECONDS]:
        world.row.broken.append(f"{len(late)} times somebody overtook one who had come up to {max(late):.1f} s before")


def overtaken(line: Iterable[tuple[float, float]], together: float = TOGETHER_SECONDS) -> list[float]:
    """For each two of which the one that came later was asked first: so many seconds later it came.

    ``line`` says of each when it came and when it was asked; within ``together`` seconds they are asked at once.
    """
    ordered = sorted(line)
    pairs = ((one, other) for number, one in enumerate(ordered) for other in ordered[number + 1 :])
    return [other[0] - one[0] for one, other in pairs if other[1] < one[1] - together]


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed; 0 where there is none."""
    ordered = sorted(values)
    return ordered[max(-(-95 * len(ordered) // 100) - 1, 0)] if ordered else 0.0
