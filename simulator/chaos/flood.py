"""One person writes without end, and how long the others wait meanwhile."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final

from simulator.chaos.load import accepted, answered, newest, p95, start_workers, writing
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import World
from simulator.ledger import Ledger
from simulator.ledger.records import marks_of
from simulator.people import People

OTHERS: Final = 30
PER_SECOND: Final = 2.0
MESSAGES: Final = 1000
ALONE_MESSAGES: Final = 200
"""So many are a flood too; for the only one of a short form."""
SPAN: Final = 12.0
ALONE_SPAN: Final = 4.0
"""Seconds that each of the two loads is measured."""
THINKING: Final = 0.4
TURNS: Final = 2
"""The flood's turn that runs when somebody's message is accepted, and one that was taken up just before."""
ANSWERED_SECONDS: Final = 60.0
SETTINGS: Final = {"WORKER_CONCURRENCY": "2", "LLM_PARALLEL": "4"}


def floods(trials: int, seed: int, channel: str) -> Row:
    """The same load first without and then beside a flood, in turn."""
    messages, seconds = (MESSAGES, SPAN) if trials > 1 else (ALONE_MESSAGES, ALONE_SPAN)
    with World("flood", channel, seed, **SETTINGS) as world:
        world.model.delay, world.model.pace = THINKING, 0.0
        start_workers(world)
        others, flooder = world.people(OTHERS, first=1), world.people(1)
        world.greet(others)
        for number in range(trials):
            quiet = _span(world, others, seconds, seed + number)
            flooder.everybody(each=messages)
            loud = _span(world, others, seconds, seed + number)
            _compare(world, quiet, loud)
            world.await_rest()
            world.row.trials += 1
        row = world.judge()
        _judge_turns(world)
        return row


def _span(world: World, others: People, seconds: float, seed: int) -> list[float]:
    """How long everybody but the flooder waited who wrote in so many seconds of load."""
    began = monotonic()
    with writing(others, PER_SECOND, seed):
        sleep(seconds)
    ended = monotonic()
    said = [one.text for one in list(world.platform.said) if began <= one.time <= ended]
    mine = {mark for text in said for mark in marks_of(text) if not _floods(mark)}
    world.platform.wait_until(lambda: mine <= answered(world).keys(), ANSWERED_SECONDS)
    came, seen = accepted(world), answered(world)
    if not mine:
        world.row.broken.append("nobody wrote whose wait could be measured")
    if missing := mine - seen.keys():
        words = f"{len(missing)} of {len(mine)} others were not answered within {ANSWERED_SECONDS:.0f} s"
        world.row.broken.append(words)
    return [seen[mark] - came[mark] for mark in mine if mark in seen]


def _floods(mark: str) -> bool:
    return mark.startswith("c0 ")


def _compare(world: World, quiet: list[float], loud: list[float]) -> None:
    """One turn is the time for which the model had one of the flood's."""
    spent = [(one.ended or one.time) - one.time for one in world.model.requests if any(map(_floods, newest(one)))]
    turn = p95(spent)
    for name, seconds in (("p95_quiet", p95(quiet)), ("p95_beside_the_flood", p95(loud)), ("turn", turn)):
        world.row.count(f"{name}_ms_most", round(seconds * 1000))
    world.row.count("others", len(loud))
    if p95(loud) > p95(quiet) + turn:
        world.row.slow.append(f"p95 {p95(quiet):.2f} s, beside the flood {p95(loud):.2f} s, one turn {turn:.2f} s")


def _judge_turns(world: World) -> None:
    """Whatever the machine's speed: nobody waits for turn after turn of one other person."""
    ledger = Ledger()
    ledger.read(world.platform)
    if late := ledger.check(turns=TURNS).delayed:
        world.row.broken.append(f"{len(late)} messages waited for more than {TURNS} turns of one other person")


FLOODS = Scenario("flood", "one person sends 1,000 messages beside a steady load", Trials(1, 1, 5), floods)
