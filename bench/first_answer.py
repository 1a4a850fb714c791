"""How soon an installation answers that was not running: python bench/first_answer.py

- from nothing: an empty folder, and no process. Receiver and worker (and the embedded Redis, by whoever comes first)
  are started, and in the same moment a person writes; the platform finds nobody and delivers again every 0.2 s, until
  the message is accepted. Measured until the answer is seen whole. The model answers at once; the listening pause of
  0.8 s is as shipped.
- after a crash: so many people have written while there was no worker, then receiver and Redis die by kill -9.
  Everything is started again. Measured until a message is accepted again, until the first answer and until the last.

Installing is not in it: that is mostly the network's time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from time import monotonic

from _installation import Installation
from _plots import Bar, Bars
from _report import SHORT, Figure, run, spread

from simulator.ledger.records import marks_of
from simulator.models import ModelServer
from simulator.people import People

ROUNDS, RESTARTS, WAITING = (1, 1, 100) if SHORT else (5, 3, 1000)
SECONDS, LOOK_SECONDS = 180, 0.2
SLOTS = {"LLM_PARALLEL": "64", "WORKER_CONCURRENCY": "64"}


def measure() -> Iterator[Figure | Bars]:
    first = [from_nothing() for _ in range(ROUNDS)]
    yield spread("from nothing running to the first answer seen", first, "s", key="first")
    restarts = [after_a_crash() for _ in range(RESTARTS)]
    accepted, answered, everybody = (list(values) for values in zip(*restarts, strict=True))
    about = f"after a crash with {WAITING:,} people waiting"
    yield spread(f"{about}: to a message accepted", accepted, "s", key="accepted")
    yield spread("  to the first answer", answered, "s", key="answered")
    yield spread("  to the last of them answered", everybody, "s", key="everybody")
    rows = [
        ("first start: first answer", first),
        ("restart: accepts again", accepted),
        ("restart: first answer", answered),
    ]
    axis = "seconds from the start of the processes (less is better)"
    yield Bars("first_answer", "From the start to the first answer", axis, [bar(name, took) for name, took in rows])


def bar(name: str, took: list[float]) -> Bar:
    return Bar(name, sorted(took)[len(took) // 2], min(took), max(took), ours=True)


def from_nothing() -> float:
    """Seconds until somebody who wrote as everything was started has the answer."""
    with Installation(ModelServer()) as installation:
        began = monotonic()
        installation.start("worker")
        installation.processes.start("receiver", "bot", "serve")
        People(installation.telegram, 1, rate=1).everybody()
        (took,) = seen(installation, 1)
        installation.prove()
    return took - began


def after_a_crash() -> tuple[float, float, float]:
    """Seconds until a new message is accepted, somebody who waited has the answer, and everybody has."""
    with Installation(ModelServer(), **SLOTS) as installation:
        installation.start("receiver")
        telegram, people = installation.telegram, People(installation.telegram, WAITING, rate=1)
        people.everybody()
        reached(installation, lambda: sum(said.accepted is not None for said in list(telegram.said)) >= WAITING)
        installation.kill("receiver")
        installation.kill_redis()
        began = monotonic()
        installation.start("worker")
        installation.processes.start("receiver", "bot", "serve")
        newcomer = People(telegram, 1, rate=1, first=WAITING)
        newcomer.everybody()
        reached(installation, lambda: telegram.said[-1].accepted is not None)
        accepted = telegram.said[-1].accepted or monotonic()
        chats = {person.chat_id for person in people.persons}
        answers = seen(installation, WAITING + 1)
        installation.prove()
    return accepted - began, answers[0] - began, answers[len(chats) - 1] - began


def seen(installation: Installation, people: int) -> list[float]:
    """When each of so many people was first shown a whole answer, the earliest first."""
    reached(installation, lambda: len(answers(installation)) >= people)
    return sorted(answers(installation).values())


def answers(installation: Installation) -> dict[str, float]:
    with installation.telegram.changed:
        calls = [call for call in installation.telegram.calls if call.taken]
    return {call.chat_id: call.time for call in reversed(calls) if marks_of(str(call.params.get("text")))}


def reached(installation: Installation, goal: Callable[[], bool]) -> None:
    """Wait for it, without taking the processes' time by looking. Raises SystemExit when it does not come."""
    until, never = monotonic() + SECONDS, Event()
    while not goal():
        if monotonic() > until:
            raise SystemExit(f"it took more than {SECONDS} s\n{installation.processes.log_tails()}")
        never.wait(LOOK_SECONDS)


if __name__ == "__main__":
    run("from the start to the first answer", measure)
