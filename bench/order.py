"""Who keeps the order while workers are killed, and who loses or repeats something: python bench/order.py

20 people write 25 numbered messages each, five in a row, each when the one before is accepted; an answer takes 20 to
120 ms. Meanwhile one of four workers is killed with -9 each second, together with its children, and its successor is
started at once. Recado is whole, the platform's limits apart: receiver, mailbox, model, delivery; its ledger judges it.

Stock RQ, and with PEERS=all four other libraries, get a job a message, in the same order at the same times, which
sleeps so long and then writes the number down. They run with what their documentation has for jobs that must not
be lost; where a dead worker's jobs come back after a time that one can choose, it is 10 s (RQ's is not to be chosen and
90 s). Workers that can have several jobs at once have 16, as Recado's.

Counted are messages that were answered after a later one of the same person, not at all, and more than once. What is
not answered is waited for until RQ, too, must have tried again; a short run, with less of everything, leaves at once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic, sleep
from typing import Any, NamedTuple

import redis
from _crowd import Crowd
from _installation import SHORT, Figure, run
from _plots import Bar, Bars
from _queues import FORK, Library, Workers, others, versions
from _race import redis_at

from simulator.models import echo
from simulator.processes import NotReady, wait_until

CONVERSATIONS, MESSAGES, ROW = (8, 10, 5) if SHORT else (20, 25, 5)
WORKERS, SLOTS, KILL_SECONDS = 2 if SHORT else 4, 16, 1.0
BETWEEN = 0.17
"""Seconds from a person's five messages to the next person's."""

SHORTEST, LONGEST = 0.02, 0.12
SETTLE_SECONDS, RETURN_SECONDS, MAINTENANCE = (1, 10, 3) if SHORT else (150, 10, 3)
READY_SECONDS, ANSWERED_SECONDS, LOOK_SECONDS, SEED = 60, 120, 0.2, 7
_chance = random.Random(SEED)


class Wrong(NamedTuple):
    """What became of a run's messages, and how many workers were killed in it."""

    reordered: int
    missing: int
    doubled: int
    kills: int


LABELS = ("out of order", "not yet answered" if SHORT else "missing", "doubled")


def measure() -> Iterator[Figure | Bars]:
    found = {"Recado": recado()} | {library.name: queue(library) for library in (FORK, *others())}
    says = {library.name: library.says for library in (FORK, *others())}
    messages = CONVERSATIONS * MESSAGES
    for name, wrong in found.items():
        held, bound = (lambda count: not count, "0") if name == "Recado" else (lambda _: None, "")
        note = f" ({says[name]})" if name in says else ""
        yield Figure(f"{name}{note}", f"{messages} messages, {wrong.kills} kills")
        for what, count in zip(LABELS, wrong, strict=False):
            yield Figure(f"  {what}", str(count), bound, held(count), f"{what}, {name}", count)
    bars = [Bar(name, wrong.reordered, ours=name == "Recado") for name, wrong in found.items()]
    title = "Messages answered after a later one of the same person"
    yield Bars("order", title, f"of {messages} messages, a worker killed each second", bars)


def schedule(write: Callable[[int, int], object], kill: Callable[[int], object]) -> int:
    """Let everybody write what they have to, and kill a worker each second meanwhile; how many were killed."""
    rows = [person for person in range(CONVERSATIONS) for _ in range(MESSAGES // ROW)]
    random.Random(SEED).shuffle(rows)
    written: Counter[int] = Counter()
    start, kills, never = monotonic(), 0, Event()
    for number, person in enumerate(rows):
        never.wait(max(start + number * BETWEEN - monotonic(), 0))
        if monotonic() - start > (kills + 1) * KILL_SECONDS:
            kill(kills % WORKERS)
            kills += 1
        for _ in range(ROW):
            written[person] += 1
            write(person, written[person])
    return kills


def recado() -> Wrong:
    """The whole product, by its ledger."""
    with Crowd(0, SLOTS, in_flight=WORKERS * SLOTS, LEASE_SECONDS="2" if SHORT else "15") as crowd:
        crowd.model.reply = slowly
        crowd.grow(WORKERS, warm=False)
        installation, said = crowd.installation, crowd.telegram.said
        people = crowd.people(CONVERSATIONS)

        def write(person: int, _: int) -> None:
            people.write_one(people.persons[person])
            if not wait_until(lambda: said[-1].accepted is not None, READY_SECONDS):
                raise NotReady(f"A message was not accepted.\n{installation.processes.log_tails()}")

        def kill(number: int) -> None:
            installation.kill(crowd.workers[number])
            installation.start(crowd.workers[number])

        kills = schedule(write, kill)
        report = installation.settle(CONVERSATIONS * MESSAGES, ANSWERED_SECONDS)
        wrong = Wrong(len(report.reordered), report.accepted - report.answered, len(report.duplicated), kills)
        if not any(wrong[:3]):
            installation.prove()  # nothing else was broken, either
        return wrong


def slowly(body: dict[str, Any]) -> str:
    sleep(_chance.uniform(SHORTEST, LONGEST))
    return echo(body)


def queue(library: Library) -> Wrong:
    """A library with a job a message."""
    with ExitStack() as opened:
        url = opened.enter_context(redis_at(Path(opened.enter_context(TemporaryDirectory(prefix="recado-bench-")))))
        more = {"RETURN_SECONDS": str(RETURN_SECONDS), "MAINTENANCE": str(MAINTENANCE)}
        workers = opened.enter_context(Workers(library, url, WORKERS, SLOTS, **more))
        client = opened.enter_context(redis.Redis.from_url(url))

        def answered(person: int) -> list[int]:
            return [int(number) for number in client.lrange(f"{workers.queue}:answered:{person}", 0, -1)]

        workers.put("note", CONVERSATIONS, 1, 0.0)
        if not wait_until(lambda: bool(answered(CONVERSATIONS)), READY_SECONDS):
            raise NotReady(f"{library.name} does not come up.")
        kills = schedule(
            lambda person, number: workers.put("note", person, number, _chance.uniform(SHORTEST, LONGEST)), workers.kill
        )
        until, never, everybody = monotonic() + SETTLE_SECONDS, Event(), range(CONVERSATIONS)
        while any(missing(answered(person)) for person in everybody) and monotonic() < until:
            never.wait(LOOK_SECONDS)
        never.wait(0 if SHORT else RETURN_SECONDS + MAINTENANCE)  # what comes back comes now
        each = [answered(person) for person in everybody]
    wrong = [sum(map(count, each)) for count in (reordered, missing, doubled)]
    return Wrong(wrong[0], wrong[1], wrong[2], kills)


def reordered(numbers: Sequence[int]) -> int:
    """How many were first answered after a later one."""
    highest, late = 0, 0
    for number in dict.fromkeys(numbers):
        late += number < highest
        highest = max(highest, number)
    return late


def missing(numbers: Sequence[int]) -> int:
    return MESSAGES - len(set(numbers))


def doubled(numbers: Sequence[int]) -> int:
    return sum(times > 1 for times in Counter(numbers).values())


if __name__ == "__main__":
    run("order, while workers are killed", measure, peers=versions())
