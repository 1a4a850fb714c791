"""Nobody waits for somebody else's flood."""

from __future__ import annotations

from collections.abc import Callable

from simulator.people import People
from tests.e2e.conftest import Installation

TURNS = 2
"""The flood's turn that runs when a newcomer's message is accepted, and one more."""


def test_newcomers_wait_no_longer_than_two_turns_of_a_flood(install: Callable[..., Installation]) -> None:
    """A worker of 1, turns of 1.5 s, 200 messages of one person waiting, and the listening pause as shipped."""
    one = install(delay=1.5, WORKER_CONCURRENCY="1", DEBOUNCE_SECONDS="0.8")
    one.start("receiver")
    People(one.telegram, 1, rate=1).everybody(each=200)
    assert one.telegram.wait_until(lambda: not one.telegram.delivery.pending, 20)
    one.start("worker")
    assert one.model.wait_until(lambda: one.model.running > 0)
    newcomers = People(one.telegram, 3, rate=1, first=1)
    turns = [turns_waited(one, newcomers, number) for number in range(3)]
    one.kill("worker")

    report = one.report()
    assert max(turns) <= TURNS, turns
    assert report.answered < report.accepted, "the flood was over: nothing was measured"


def turns_waited(one: Installation, newcomers: People, number: int) -> int:
    """A newcomer writes and is answered; how many of the flood's turns ended meanwhile."""
    chat = newcomers.persons[number].chat_id
    newcomers.write_one(newcomers.persons[number])
    assert one.telegram.wait_until(lambda: len(one.telegram.answers(chat)) > 0, 20), one.processes.log_tails()
    accepted = next(said.accepted for said in one.telegram.said if said.chat_id == chat) or 0
    answered = one.telegram.answers(chat)[0].time
    floods = [asked for asked in one.model.requests if "c0 n" in str(asked.json["messages"][-1]["content"])]
    return sum(accepted < (asked.ended or 0) < answered for asked in floods)
