"""More workers, a thousand people at once, and what one worker adds to a turn: python bench/scaling.py

1, then 2, then 4 workers of few slots answer a crowd with a model of 1 s, so that the model's time binds and not this
machine's processors: messages a second, from the first question that the model hears to the last answer seen whole.

In a full run 1,000 people then write at once, with 256 turns in flight in 1, 2 and 4 workers, and it is counted which
process had the processors; and one worker with 256 slots takes 30 messages a second, each from a person of their
own. What it adds to a turn is the time from the webhook's 200 to the whole answer, without the listening pause and
without what the model had the question for: with a model of 1 s, and with one of 8 s, when some 240 turns
are in flight. Everything but the platform's limits is as shipped, and a ledger proves that everybody was answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from _crowd import Crowd
from _installation import SHORT, Figure, percentile, run
from _plots import Lines, Point
from _report import spread

from simulator.people import People

THINKING = 0.4 if SHORT else 1.0
SLOTS, WAVES, COUNTS, ROUNDS = (4, 3, (1, 2), 1) if SHORT else (8, 6, (1, 2, 4), 3)
LEAST = {2: 1.3} if SHORT else {2: 1.9, 4: 3.6}
"""A short run on a busy machine only looks for something that has gone badly wrong."""

CROWD, IN_FLIGHT, MOST_SECONDS, MOST_MB = 1000, 256, 20, 200
RATE, RATE_SECONDS, LONG_THINKING, MOST_ADDED_MS = 30, 20, 8.0, 30
PAUSE = 0.8
"""DEBOUNCE_SECONDS as shipped."""


def measure() -> Iterator[Figure | Lines]:
    yield from throughput()
    if not SHORT:
        for workers in (1, 2, 4):
            yield from thousand(workers)
        for thinking in (THINKING, LONG_THINKING):
            yield from added(thinking)


def throughput() -> Iterator[Figure | Lines]:
    """Messages a second with more and more workers, as ratios within a round."""
    rounds = [growing() for _ in range(ROUNDS)]
    rates = {count: [one[count] for one in rounds] for count in COUNTS}
    for count in COUNTS:
        what = f"{count} x {SLOTS} slots, a model of {THINKING:g} s"
        yield spread(what, rates[count], "/s", key=f"{count} workers", digits=1)
    for count, least in LEAST.items():
        ratios = [one[count] / one[1] for one in rounds]
        yield spread(f"  {count} workers against 1", ratios, key=f"{count} against 1", least=least)
    points = [Point(count, median(rates[count]), min(rates[count]), max(rates[count])) for count in COUNTS]
    ideal = [Point(count, count * SLOTS / THINKING) for count in COUNTS]
    title = f"More workers: {SLOTS} slots each, a model of {THINKING:g} s"
    yield Lines("scaling", title, "workers", "messages a second", {"Recado": points, "the model's own time": ideal})


def growing() -> dict[int, float]:
    """The rate with each number of workers, in one installation to which workers are added."""
    rates = dict[int, float]()
    with Crowd(THINKING, SLOTS, in_flight=SLOTS * COUNTS[-1]) as crowd:
        for count in COUNTS:
            crowd.grow(count)
            people, asked = crowd.people(SLOTS * WAVES * count), len(crowd.model.requests)
            people.everybody()
            ended = max(crowd.answered(people).values())
            rates[count] = len(people.persons) / (ended - crowd.model.requests[asked].time)
        crowd.installation.prove()
    return rates


def thousand(workers: int) -> Iterator[Figure]:
    """1,000 people at once: the last answer, and who had the processors meanwhile."""
    with Crowd(THINKING, IN_FLIGHT // workers, in_flight=IN_FLIGHT) as crowd:
        crowd.grow(workers)
        people, before, memory = crowd.people(CROWD), crowd.cpu(), [crowd.memory_mb()]
        first = len(crowd.telegram.said)
        people.everybody()
        seen = crowd.answered(people, lambda: memory.append(crowd.memory_mb()))
        used = {name: took - before[name] for name, took in crowd.cpu().items()}
        began = crowd.telegram.said[first].time
        accepted = max(one.accepted or began for one in crowd.telegram.said[first:]) - began
        crowd.installation.prove()
    times = sorted(at - began for at in seen.values())
    slots = f"{workers} x {IN_FLIGHT // workers}"
    most, most_mb = (MOST_SECONDS if workers == 4 else None), (MOST_MB if workers == 1 else None)
    key = f"{CROWD} at once, {slots}"
    yield spread(f"{CROWD:,} people at once, {slots} slots: all answered", times[-1:], "s", key=key, most=most)
    ideal = f"{CROWD * THINKING / IN_FLIGHT:.1f} s for all if only the model took time"
    yield Figure("  half of them; all accepted", f"{median(times):.1f} s; {accepted:.1f} s ({ideal})")
    yield Figure("  most questions at the model at one time", str(crowd.model.peak))
    yield Figure("  seconds of processors", ", ".join(f"{who} {took:.1f}" for who, took in used.items()))
    what = "  memory of a worker, at most (PSS)"
    yield spread(what, [max(memory)], "MB", key=f"PSS, {slots}", most=most_mb, digits=0)


def added(thinking: float) -> Iterator[Figure]:
    """What a worker adds to a turn at an even rate."""
    with Crowd(thinking, IN_FLIGHT, in_flight=IN_FLIGHT) as crowd:
        crowd.grow(1)
        people, memory = crowd.people(int(RATE * (RATE_SECONDS + thinking))), list[float]()
        crowd.write(people, RATE)
        memory.append(crowd.memory_mb())
        seen = crowd.answered(people)
        ways = ways_of(crowd, people, seen)[int(RATE * thinking) :]
        crowd.installation.prove()
    extra = [before + after for before, after in ways]
    middle, late = percentile(extra, 0.5), percentile(extra, 0.99)
    name = f"{RATE}/s, a model of {thinking:g} s, {crowd.model.peak} turns in flight"
    yield Figure(
        f"added to a turn at {name}", f"p50 {middle:.0f} ms, p99 {late:.0f} ms",
        f"p50 <= {MOST_ADDED_MS} ms", middle <= MOST_ADDED_MS, f"added, {thinking:g} s", middle, "ms",
    )  # fmt: skip
    halves = [percentile(half, 0.5) for half in zip(*ways, strict=True)]
    yield Figure("  before the model hears, after it has answered", f"p50 {halves[0]:.0f} ms, {halves[1]:.0f} ms")
    yield spread("  memory of the worker (PSS)", memory, "MB", key=f"PSS, {thinking:g} s", most=MOST_MB, digits=0)


def ways_of(crowd: Crowd, people: People, seen: dict[str, float]) -> list[tuple[float, float]]:
    """What is added to each turn in ms: from the webhook's 200 until the model hears the question, less the pause, and
    from its last word to the whole answer; in the order of writing."""
    model = {one.said[-1][1]: one for one in crowd.model.requests}
    said = {one.chat_id: one for one in crowd.telegram.said}
    found = []
    for chat in (person.chat_id for person in people.persons):
        accepted, asked = said[chat].accepted, model[said[chat].text]
        assert accepted is not None
        assert asked.ended is not None
        found.append((1000 * (asked.time - accepted - PAUSE), 1000 * (seen[chat] - asked.ended)))
    return found


if __name__ == "__main__":
    run("more workers, many people", measure)
