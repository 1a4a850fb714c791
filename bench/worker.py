"""One worker against stock RQ, many people at once, and a newcomer behind a flood: python bench/worker.py

64 calls of 100 ms wait, and in a full run 64 of 1 s, and one worker process makes them, with 64 slots where it has
any: our worker class, RQ's own two, and with PEERS=all four other libraries; each makes the same call to the same
model, from the same Redis, in turns. So does the whole product in its own way, from 64 people's messages that were
just accepted to their last answer: mailbox, context, stream, delivery and history included. Measured is from the first
question that the model hears to the last answer, so that nobody's start counts.

With a model of 1 s the 64 people are also timed from the first message written to the last answer seen whole, with
everything but the platform's limits as shipped (the listening pause of 0.8 s too).

Then a worker of 1 answers a person who had 300 messages accepted before it started, while newcomers write once each,
one after the other. Counted are the flood's turns that end between a newcomer's 200 and the answer, the one that was
running included. DEBOUNCE_SECONDS=0 there: a newcomer's own listening pause holds no slot, and would only
let more of the short turns go by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median
from time import monotonic

from _installation import SHORT, Figure, Installation, run
from _plots import Bars
from _queues import versions
from _race import CALLS, ROUNDS, Race, compared

from simulator.ledger.records import marks_of
from simulator.models import Asked, ModelServer
from simulator.people import People
from simulator.processes import wait_until
from simulator.telegram import TelegramServer

PEOPLE = CALLS
NEWCOMERS = 2 if SHORT else 4
THINKING, FLOOD_THINKING = 1.0, 0.2
CALLS_OF_ONE = {0.1: 8} if SHORT else {0.1: 64, 1.0: 8}
"""By what a call takes, so many calls are given to who makes one at a time; a short run compares short calls only."""

FLOOD = 200 if SHORT else 300
BOUND_SECONDS, BOUND_TURNS = 7.0 if SHORT else 3.5, 2


def measure() -> Iterator[Figure | Bars]:
    model = ModelServer(threads=4 * PEOPLE)  # which answers at once until all have warmed up
    with Installation(model, LLM_PARALLEL=str(PEOPLE)) as installation, Race(model) as race:
        installation.start("receiver")
        installation.start_worker(WORKER_CONCURRENCY=str(PEOPLE))
        crowds = Crowds(installation)
        crowds.write()  # the worker loads the platforms' clients for its first turn
        for model.delay, calls in CALLS_OF_ONE.items():
            yield from compared(race, model, calls, crowds.write)
        model.delay = THINKING
        took = crowds.take_turns(ROUNDS)
        yield Figure(
            f"one worker of {PEOPLE}: {PEOPLE} people at once, a model of {THINKING:g} s, all answered",
            f"median {median(took):.2f} s ({listed(took)})",
            f"<= {BOUND_SECONDS} s", median(took) <= BOUND_SECONDS,
            "people at once", median(took), "s", min(took), max(took),
        )  # fmt: skip
        yield Figure("  most requests at the model at one time", str(installation.model.peak))
        installation.prove()
    with Installation(ModelServer(FLOOD_THINKING)) as installation:
        yield from behind_a_flood(installation)
        installation.prove()


class Crowds:
    """Rounds of people who write once each, all at once."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._first = 0
        self._took: list[float] = []

    def take_turns(self, rounds: int) -> list[float]:
        """So many rounds, and the seconds of each from its first message to its last answer."""
        for _ in range(rounds):
            self.write()
        return self._took[-rounds:]

    def write(self) -> float:
        """One round, and its turns a second from the first question that the model hears to the last answer."""
        telegram, model = self._installation.telegram, self._installation.model
        people = People(telegram, PEOPLE, rate=PEOPLE, first=self._first)
        self._first += 1000
        asked, said, called = len(model.requests), len(telegram.said), len(telegram.calls)
        people.everybody()
        if not wait_until(lambda: len(answered(telegram, called)) == PEOPLE, 60):
            raise SystemExit(f"not everybody was answered\n{self._installation.processes.log_tails()}")
        ended = max(answered(telegram, called).values())
        self._took.append(ended - telegram.said[said].time)
        return PEOPLE / (ended - model.requests[asked].time)


def answered(telegram: TelegramServer, since: int = 0) -> dict[str, float]:
    """When each chat was first shown a whole answer, by the calls from that one on."""
    with telegram.changed:
        calls = telegram.calls[since:]
    whole = [call for call in reversed(calls) if call.taken and marks_of(str(call.params.get("text")))]
    return {call.chat_id: call.time for call in whole}


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
    run("one worker, many people", measure, peers=versions())
