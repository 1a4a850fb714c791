"""What a scenario is, and how its trials are shared out among installations that stand side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Final, NamedTuple, TypeVar

from simulator.chaos.row import Row
from simulator.chaos.world import abandon_all
from simulator.processes import NotReady

CHANNELS: Final = ("telegram", "whatsapp")
BESIDE: Final = 2 * (os.cpu_count() or 2)
"""So many small installations keep a machine busy, for most of a trial is waiting."""
WORTH_A_START: Final = 4
"""For fewer trials no further installation is started."""

Task = TypeVar("Task")


class Trials(NamedTuple):
    """How many faults: for a test, for ten minutes in all, and for the evidence.

    0: every place at which the fault can happen, as often as the scenario says.
    """

    short: int
    quick: int
    full: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault: ``run`` does so many trials by this seed on this channel, and says what became of the messages."""

    name: str
    fault: str
    trials: Trials
    run: Callable[[int, int, str], Row]
    channels: tuple[str, ...] = CHANNELS
    waits: bool = False
    """Whether it is mostly waiting, so that it can run beside another one."""


def beside(row: Row, tasks: Sequence[Task], one: Callable[[Sequence[Task], int, str], Row], most: int = BESIDE) -> Row:
    """Share the trials out among up to ``most`` installations, each with a seed of its own from the row's on.

    What they found is added to the row; one that does not come up breaks it, and the others go on.
    """
    started, seed = monotonic(), row.seeds[0]
    parts = min(most, -(-len(tasks) // WORTH_A_START))

    def part(share: Sequence[Task], seed: int) -> Row:
        try:
            return one(share, seed, row.channel)
        except NotReady as error:
            return Row(row.scenario, row.channel, [seed], broken=[f"with seed {seed}: {error}"])

    with ThreadPoolExecutor(parts) as pool:
        try:
            for found in pool.map(part, (tasks[number::parts] for number in range(parts)), range(seed, seed + parts)):
                row.add(found)
        except BaseException:
            abandon_all()
            raise
    row.seeds, row.seconds = [seed], monotonic() - started
    return row


def rehearsals(trials: int, most: int) -> int:
    """How often to look what there is to break; a few trials need no complete list."""
    return min(most, trials // 10 + 1) if trials else most


def everywhere(row: Row, places: Sequence[Task], trials: int, each: int) -> list[Task]:
    """So many trials, as evenly as can be over all places; 0 trials: ``each`` at every place."""
    trials = trials or each * len(places)
    row.count("places", len(places))
    row.count("trials_at_each_least", trials // len(places))
    return [places[number * len(places) // trials if trials < len(places) else number % len(places)]
            for number in range(trials)]  # fmt: skip
