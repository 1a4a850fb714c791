"""kill -9 of a worker in the middle of its turns, until another has answered them all: python bench/recovery.py

16 people write, one worker takes their turns and the model has heard all of them; a second worker stands by. Then the
first is killed. Measured is from the kill to the last of the 16 answers seen whole. LEASE_SECONDS is as shipped in a
full run (15), and 4 in a short one.

Beside it, in a full run only because it takes minutes, stock RQ: its two workers, of one job each with Retry(3), which
is how a job there is not lost; their successors start at once. They look for dead workers' jobs each 3 s, so that the
time is that of RQ's own heartbeats; as shipped they look each 600 s, and sleep for 405 s when they are given nothing.
A SimpleWorker's heartbeat lasts as long as the job's time limit and a minute: the limit is 30 s here, as shipped 180 s.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from _crowd import Crowd
from _installation import SHORT, Figure, run
from _plots import Bar, Bars
from _queues import FORK, SIMPLE, Library, Workers
from _race import redis_at
from _report import spread

from simulator.models import ModelServer
from simulator.processes import wait_until

PEOPLE, LEASE, ROUNDS = 16, 4 if SHORT else 15, 1 if SHORT else 3
MOST = 1.75 if SHORT else 1.2
"""Leases: fewer than two, so that a lease that lasts twice as long is seen in a short run, too."""

LONG, AGAIN = 600.0, 0.1
"""The model's seconds: longer than anybody waits before the kill, and at once after it."""

STOCK_SECONDS, MAINTENANCE, TIMEOUT = 300, 3, 30


def measure() -> Iterator[Figure | Bars]:
    ours = [killed() for _ in range(ROUNDS)]
    what = f"{PEOPLE} turns of a killed worker answered, leases of {LEASE} s"
    yield spread(what, ours, "s", key="recovery", most=MOST * LEASE, digits=1)
    if SHORT:
        yield Figure("  stock RQ", "not measured: it takes 90 s and more")
        return
    stock = stock_killed((FORK, SIMPLE))
    for name, took in stock.items():
        yield spread(f"  stock {name}: its job", [took], "s", key=name, digits=1)
        yield spread("    against ours", [took / one for one in ours], key=f"{name} against ours", digits=1)
    bars = [Bar(name, took) for name, took in stock.items()]
    middle = sorted(ours)[len(ours) // 2]
    bars.insert(0, Bar("Recado", middle, min(ours), max(ours), ours=True))
    yield Bars("recovery", "kill -9 of a worker in mid-turn", "seconds until the turn is answered", bars)


def killed() -> float:
    """Seconds from the kill to the last answer."""
    with Crowd(LONG, PEOPLE, in_flight=2 * PEOPLE, LEASE_SECONDS=str(LEASE)) as crowd:
        model = crowd.model
        crowd.grow(1, warm=False)
        people = crowd.people(PEOPLE)
        people.everybody()
        if not wait_until(lambda: model.running == PEOPLE, 60):
            raise SystemExit(f"only {model.running} of {PEOPLE} turns are under way")
        crowd.grow(2, warm=False)
        model.delay = AGAIN
        at = monotonic()
        crowd.installation.kill(crowd.workers[0])
        took = max(crowd.answered(people).values()) - at
        crowd.installation.prove()
    return took


def stock_killed(libraries: tuple[Library, ...]) -> dict[str, float]:
    """For each library seconds from the kill to the job's end by another; all at once, for they only wait."""
    with ExitStack() as opened:
        model = opened.enter_context(ModelServer(LONG))
        url = opened.enter_context(redis_at(Path(opened.enter_context(TemporaryDirectory(prefix="recado-bench-")))))
        found = {"MODEL_URL": model.url, "MAINTENANCE": str(MAINTENANCE), "TIMEOUT": str(TIMEOUT)}
        each = {library.name: opened.enter_context(Workers(library, url, 1, 1, **found)) for library in libraries}
        for name, workers in each.items():
            workers.put("ask", name)
        if not wait_until(lambda: model.running == len(each), 60):
            raise SystemExit(f"only {model.running} of {len(each)} jobs are under way")
        model.delay = AGAIN
        killed_at = {}
        for name, workers in each.items():
            killed_at[name] = monotonic()
            workers.kill(0)

        def ended() -> dict[str, float]:
            return {one.said[-1][1]: one.ended or 0 for one in model.requests if one.outcome == "done"}

        if not wait_until(lambda: ended().keys() == each.keys(), STOCK_SECONDS):
            raise SystemExit(f"after {STOCK_SECONDS} s only these are done: {', '.join(ended()) or 'none'}")
        return {name: ended()[name] - at for name, at in killed_at.items()}


if __name__ == "__main__":
    run("after kill -9 of a worker", measure)
