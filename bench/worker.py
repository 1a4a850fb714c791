"""How many people one worker serves at once, and how long a newcomer waits behind a flood: python bench/worker.py

64 people write at once on Telegram, and the model takes 1 s a reply, from 64 at once (LLM_PARALLEL); one worker of 64
answers them, with everything but the platform's limits as shipped (the listening pause of 0.8 s too). Measured from
the first message written to the last answer seen whole. Beside it, RQ's own workers run jobs that do nothing but ask
the same model once, measured from the first job's question to the last one's answer, so that their start costs them
nothing.

Then a worker of 1 answers a person who had 300 messages accepted before it started, while newcomers write once each,
one after the other. Counted are the flood's turns that end between a newcomer's 200 and the answer, the one that was
running included. DEBOUNCE_SECONDS=0 there: a newcomer's own listening pause holds no slot, and would only
let more of the short turns go by.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import monotonic

import rq
from _installation import SHORT, Figure, Installation, run, started
from _stock import JOB

from simulator.ledger.records import marks_of
from simulator.models import Asked, ModelServer
from simulator.people import People
from simulator.processes import wait_until
from simulator.telegram import TelegramServer

PEOPLE = 64
ROUNDS, STOCK_JOBS, NEWCOMERS = (1, 8, 2) if SHORT else (5, 64, 4)
THINKING, FLOOD_THINKING = 1.0, 0.2
FLOOD = 300
BOUND_SECONDS, BOUND_TURNS = 3.5, 2


def measure() -> Iterator[Figure]:
    with Installation(ModelServer(THINKING), LLM_PARALLEL=str(PEOPLE)) as installation:
        installation.start("receiver")
        installation.start_worker(WORKER_CONCURRENCY=str(PEOPLE))
        took = [everybody_at_once(installation, number) for number in range(ROUNDS)]
        yield Figure(
            f"one worker of {PEOPLE}: {PEOPLE} people at once, all answered",
            f"median {median(took):.2f} s ({listed(took)})",
            f"<= {BOUND_SECONDS} s", median(took) <= BOUND_SECONDS,
        )  # fmt: skip
        yield Figure("  most requests at the model at one time", str(installation.model.peak))
        yield from stock(installation)
        installation.prove()
    with Installation(ModelServer(FLOOD_THINKING)) as installation:
        yield from behind_a_flood(installation)
        installation.prove()


def everybody_at_once(installation: Installation, number: int) -> float:
    """Seconds from the first message to the last answer."""
    telegram = installation.telegram
    people = People(telegram, PEOPLE, rate=PEOPLE, first=1000 * number)
    people.everybody()
    chats = {person.chat_id for person in people.persons}
    if not telegram.wait_until(lambda: chats <= set(answered(telegram)), 60):
        raise SystemExit(f"not everybody was answered\n{installation.processes.log_tails()}")
    began: float = min(said.time for said in telegram.said if said.chat_id in chats)
    ended: float = max(at for chat, at in answered(telegram).items() if chat in chats)
    return ended - began


def answered(telegram: TelegramServer) -> dict[str, float]:
    """When each chat was first shown a whole answer."""
    with telegram.changed:
        calls = [call for call in reversed(telegram.calls) if call.taken and marks_of(str(call.params.get("text")))]
    return {call.chat_id: call.time for call in calls}


def stock(installation: Installation) -> Iterator[Figure]:
    """RQ's own workers, both at once, each with a queue of its own: nearly all the time they wait for the model."""
    client, model = installation.redis, installation.model
    kinds = ("Worker", "SimpleWorker")
    for kind in kinds:
        queue = rq.Queue(kind, connection=client)
        for _ in range(STOCK_JOBS):
            queue.enqueue(JOB, model.url, kind)
    script = [sys.executable, str(Path(__file__).with_name("_stock.py")), f"unix://{installation.socket}"]
    with ExitStack() as stack:
        running = [stack.enter_context(started([*script, kind])) for kind in kinds]
        for process in running:
            process.wait(30 + 3 * STOCK_JOBS)
    for kind in kinds:
        jobs = [one for one in model.requests if words_of(one) == kind]
        if len(jobs) != STOCK_JOBS:
            raise SystemExit(f"the stock {kind} ran {len(jobs)} of {STOCK_JOBS} jobs")
        seconds = max(one.ended or monotonic() for one in jobs) - jobs[0].time
        measured = f"{len(jobs)} jobs in {seconds:.1f} s = {seconds / len(jobs):.2f} s each"
        yield Figure(f"  stock RQ {kind}: jobs that only ask the model", measured)


def behind_a_flood(installation: Installation) -> Iterator[Figure]:
    """The worst of several newcomers, one after the other, while the flood goes on."""
    telegram, model = installation.telegram, installation.model
    installation.start("receiver")
    flooder = People(telegram, 1, rate=1)
    flooder.everybody(each=FLOOD)
    if not telegram.wait_until(lambda: not telegram.delivery.pending, 60):
        raise SystemExit("the flood was not accepted")
    installation.start_worker(WORKER_CONCURRENCY="1", DEBOUNCE_SECONDS="0")
    model.wait_until(lambda: model.running > 0, 30)
    newcomers = People(telegram, NEWCOMERS, rate=1, first=1)
    waited = [newcomer(installation, newcomers, number) for number in range(NEWCOMERS)]
    wait_until(lambda: not installation.due(), 60)
    floods = [one for one in model.requests if words_of(one).startswith("c0 ")]
    if floods[-1].time < waited[-1][1]:
        raise SystemExit("the flood was over before the last newcomer was answered: nothing was measured")
    turns = [sum(begin < (one.ended or 0) < end for one in floods) for begin, end in waited]
    yield Figure(
        f"one worker of 1: turns of {FLOOD_THINKING} s that newcomers wait",
        f"most {max(turns)} ({', '.join(map(str, turns))})", f"<= {BOUND_TURNS}", max(turns) <= BOUND_TURNS,
    )  # fmt: skip
    yield Figure("  from a newcomer's 200 to the answer", f"{listed([end - begin for begin, end in waited])} s")
    yield Figure(f"  turns for the person with {FLOOD} messages waiting", str(len(floods)))


def newcomer(installation: Installation, newcomers: People, number: int) -> tuple[float, float]:
    """When a newcomer's message was accepted, and when it was answered."""
    telegram, chat = installation.telegram, newcomers.persons[number].chat_id
    newcomers.write_one(newcomers.persons[number])
    if not telegram.wait_until(lambda: chat in answered(telegram), 60):
        raise SystemExit(f"a newcomer was not answered\n{installation.processes.log_tails()}")
    accepted = next(said.accepted for said in telegram.said if said.chat_id == chat)
    return accepted or monotonic(), answered(telegram)[chat]


def listed(seconds: Iterable[float]) -> str:
    return ", ".join(f"{one:.2f}" for one in seconds)


def words_of(one: Asked) -> str:
    """What the person said last."""
    return one.said[-1][1]


if __name__ == "__main__":
    run("one worker, many people", measure)
