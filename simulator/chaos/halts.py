"""A number from which WhatsApp takes nothing for a while: what is sent meanwhile, and how the backlog drains."""

from __future__ import annotations

from random import Random
from time import monotonic, sleep
from typing import Final

from simulator.chaos.load import APART_SECONDS, accepted, answered, overtaken
from simulator.chaos.world import World
from simulator.graph import BUSY
from simulator.people import People
from simulator.processes import NotReady, wait_until

CODES: Final = (190, 131031, 368, 133010, 130429)
PEOPLE: Final = 6
APART: Final = 0.1
"""Seconds between two people's messages, while nothing goes."""
HALTED: Final = (0.2, 1.2)
"""For so many holds, at random, nothing goes."""
MENDED_HOLDS: Final = 16.0
MENDED_SECONDS: Final = 30.0
FIRST: Final = 100_000
"""The number of the first conversation here."""


def halt_all(world: World, trials: int, seed: int, hold: float) -> None:
    """Every code a tenth as often as the others, one at a time; one alone in the shortest form."""
    chance, people = Random(seed), world.people(PEOPLE, first=FIRST)
    codes = list(CODES) if trials > 1 else [chance.choice(CODES)]
    for code in codes * max(trials // 10, 1):
        _halt(world, people, code, hold, chance.uniform(*HALTED) * hold)
        world.row.trials += 1
        world.row.count("whole_numbers")


def _halt(world: World, people: People, code: int, hold: float, seconds: float) -> None:
    """Everybody writes while nothing goes; when it goes again, everybody is answered in their order."""
    before = len(world.platform.calls)
    if code in BUSY:
        world.whatsapp.refuse_next(code, retry_after=seconds + PEOPLE * APART)
    else:
        world.whatsapp.halt(code, hold_seconds=hold)
    marks = []
    for person in people.persons:
        marks.append(people.write_one(person))
        sleep(APART)
    if not wait_until(lambda: _refused(world, before), MENDED_SECONDS):
        raise NotReady(f"Nothing was refused with {code}.\n{world.processes.log_tails()}")
    sleep(seconds)
    world.whatsapp.mend()
    mended = monotonic()
    if not wait_until(lambda: set(marks) <= answered(world).keys(), MENDED_SECONDS + MENDED_HOLDS * hold):
        world.row.broken.append(f"{code}: not everybody was answered when it was over")
        return
    seen, came = answered(world), accepted(world)
    world.row.count("back_ms_most", round((max(seen[mark] for mark in marks) - mended) * 1000))
    late = overtaken((came[mark], seen[mark]) for mark in marks)
    if any(each > APART_SECONDS for each in late):
        world.row.broken.append(f"{code}: somebody overtook one who had come up to {max(late):.1f} s before")
    world.await_rest()


def _refused(world: World, since: int) -> bool:
    calls = list(world.platform.calls)[since:]
    return any(not call.taken and call.method in world.platform.messages for call in calls)
