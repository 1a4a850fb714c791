"""Every code with which WhatsApp refuses one person's message or all of a number's, under a load of other people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Final, NamedTuple

from simulator.calls import Call
from simulator.chaos.fates import TABLE, Injected, fault_of
from simulator.chaos.halts import halt_all
from simulator.chaos.load import accepted, answered, marks_in, p95, start_workers, writing
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import World
from simulator.graph import Statuses
from simulator.ledger.records import marks_of
from simulator.people import People, Person
from simulator.processes import NotReady

OTHERS: Final = 40
MORE_OTHERS: Final = 50_000
"""The number of the first conversation of those who are as many as will be refused."""
OTHERS_PER_SECOND: Final = 6.0
STRUCK_PER_SECOND: Final = 12.0
QUIET_SECONDS: Final = 4.0
"""For so long everybody writes as much, before anybody is refused."""
SMALL: Final = 10
"""Fewer trials than this are a test's, or a quick look's: half of these times do for them."""
LATE: Final = (0.0, 0.5)
MET_SECONDS: Final = 60.0
TURN_SECONDS: Final = 1.0
"""What other people may wait longer at p95: a turn."""
HOLD_SECONDS: Final = 1.0
SETTINGS: Final = {
    "WHATSAPP_STATUS_SECONDS": "1.5",
    "LLM_PARALLEL": "32",
}


class Struck(NamedTuple):
    """Somebody whose next answer is refused: what was injected, and the mark of what they had written."""

    person: Person
    injected: Injected
    mark: str


def codes(trials: int, seed: int, channel: str) -> Row:
    """Each code so often, each time with somebody else, who writes once more when it was met; then whole numbers."""
    hold = HOLD_SECONDS * _share(trials)
    with World("codes", channel, seed, WHATSAPP_HOLD_SECONDS=f"{hold:g}", **SETTINGS) as world:
        world.whatsapp.statuses = Statuses(seed, late=LATE, doubled=0.1, shuffled=True)
        world.model.pace = 0.0
        start_workers(world)
        others = world.people(OTHERS)
        world.greet(others)
        quiet, loud, struck = _strike_all(world, others, trials, seed)
        world.await_rest()
        _judge_fates(world, struck)
        _compare(world, quiet, loud)
        halt_all(world, trials, seed, hold)
        return world.judge()


def _share(trials: int) -> float:
    return 0.5 if trials < SMALL else 1.0


def _strike_all(world: World, others: People, trials: int, seed: int) -> tuple[list[float], list[float], list[Struck]]:
    """How long the others waited under the same load without and with refusals, and who was refused."""
    plan = [injected for injected in TABLE for _ in range(trials)]
    world.random.shuffle(plan)
    people, as_many = world.people(len(plan), first=OTHERS), world.people(OTHERS, first=MORE_OTHERS)
    load = writing(as_many, STRUCK_PER_SECOND, seed)
    with load, writing(others, OTHERS_PER_SECOND, seed), _measured(world, others) as quiet:
        sleep(QUIET_SECONDS * _share(trials))
    with writing(others, OTHERS_PER_SECOND, seed + 1), _measured(world, others) as loud:
        struck = [_strike(world, people, *each) for each in zip(people.persons, plan, strict=True)]
        _await_met(world, struck)
        for one in struck:
            _pace()
            people.write_one(one.person)
    return quiet, loud, struck


def _strike(world: World, people: People, person: Person, injected: Injected) -> Struck:
    _pace()
    world.whatsapp.refuse_person(person.chat_id, injected.code, later=injected.later, retry_after=injected.pause)
    mark = people.write_one(person)
    world.row.trials += 1
    return Struck(person, injected, mark)


def _pace() -> None:
    sleep(1 / STRUCK_PER_SECOND)


def _await_met(world: World, struck: Iterable[Struck]) -> None:
    """Until everybody's answer was refused. Raises NotReady."""
    waiting = {one.mark for one in struck}

    def all_met() -> bool:
        return waiting <= {mark for call in list(world.platform.calls) if not call.taken for mark in marks_in(call)}

    if not world.platform.wait_until(all_met, MET_SECONDS):
        raise NotReady(f"Not every code was met.\n{world.processes.log_tails()}")


@contextmanager
def _measured(world: World, people: People) -> Iterator[list[float]]:
    """How long these people waited for answers to what they wrote meanwhile; filled in when all are there."""
    found: list[float] = []
    began = monotonic()
    yield found
    ended, chats = monotonic(), {person.chat_id for person in people.persons}
    said = [one for one in list(world.platform.said) if began <= one.time <= ended and one.chat_id in chats]
    mine = {mark for one in said for mark in marks_of(one.text)}
    world.platform.wait_until(lambda: mine <= answered(world).keys(), MET_SECONDS)
    came, seen = accepted(world), answered(world)
    found += [seen[mark] - came[mark] for mark in mine if mark in seen and mark in came]
    if len(found) < len(mine) or not mine:
        world.row.broken.append(f"{len(mine) - len(found)} of {len(mine)} other messages were not answered in time")


def _judge_fates(world: World, struck: Sequence[Struck]) -> None:
    tries: dict[str, list[Call]] = {one.mark: [] for one in struck}
    for call in world.platform.calls:
        for mark in marks_in(call):
            if mark in tries:
                tries[mark].append(call)
    wrote = {}
    for said in world.platform.said:
        wrote[said.chat_id] = said.time
    faults = [
        f"{one.injected}: {fault}"
        for one in struck
        if (fault := fault_of(one.injected, tries[one.mark], wrote[one.person.chat_id]))
    ]
    for one in struck:
        world.row.count(one.injected.fate)
    world.row.broken += faults


def _compare(world: World, quiet: Sequence[float], loud: Sequence[float]) -> None:
    row = world.row
    for name, seconds in (("p95_quiet", p95(quiet)), ("p95_beside_the_codes", p95(loud))):
        row.count(f"{name}_ms_most", round(seconds * 1000))
    row.count("others", len(loud))
    if p95(loud) > p95(quiet) + TURN_SECONDS:
        row.slow.append(f"the others' p95 {p95(quiet):.2f} s without, {p95(loud):.2f} s beside the codes")


CODES: Final = Scenario(
    "codes",
    "each of WhatsApp's codes for one person so many times, in the answer and by status, beside a steady load; then "
    "each of those for a whole number, a tenth as often",
    Trials(1, 2, 50),
    codes,
    channels=("whatsapp",),
    waits=True,
)
