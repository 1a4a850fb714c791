"""The command ``python -m simulator chaos``: which scenarios run, how often, and the table."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from time import monotonic
from typing import Annotated, Final, Literal, NamedTuple

import typer
from rich.console import Console

from simulator.chaos import cuts, outages, points, receiver, stops, workers
from simulator.chaos.more import MORE
from simulator.chaos.row import Row, commit_of_this_code, kept, remarks, table
from simulator.chaos.scenario import CHANNELS, Scenario
from simulator.chaos.world import abandon_all
from simulator.processes import NotReady

SCENARIOS: Final = (
    workers.KILLS,
    workers.RARE_KILLS,
    points.KILLS,
    receiver.KILLS,
    outages.KILLS,
    cuts.CUTS,
    stops.STOPS,
    *MORE,
)
"""Every scenario, in the order of the table."""

NAMES: Final = {scenario.name: scenario for scenario in SCENARIOS}
COMMIT: Final = commit_of_this_code()
"""As the scenarios began: what is committed meanwhile is not what they run."""
END_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.5
console = Console(width=max(Console().width, 150))


def chaos(
    *,
    only: Annotated[list[str] | None, typer.Option(help="A scenario's name; may be repeated.")] = None,
    trials: Annotated[int, typer.Option(help="So many faults for each; 0: as many as the form has.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="What decides all chances; 0: any.", min=0)] = 0,
    channel: Annotated[str, typer.Option(help="telegram or whatsapp; empty: both.")] = "",
    form: Annotated[Literal["short", "quick", "full"], typer.Option(help="How many faults.")] = "quick",
    total: Annotated[bool, typer.Option("--sum", help="Show what all runs found until now, and run nothing.")] = False,
    commit: Annotated[str, typer.Option(help="With --sum: only what was found at this commit.")] = "",
) -> None:
    """Break the product in every way we know, and show what became of each message."""
    rows = kept(of=commit) if total else run(only or list(NAMES), trials, seed, channel, form)
    console.print(table(rows))
    for name in dict.fromkeys(row.scenario for row in rows):
        console.print(f"{name}: {NAMES[name].fault if name in NAMES else 'no longer run'}", highlight=False)
    console.print("", *remarks(rows), sep="\n", highlight=False, markup=False)
    raise typer.Exit(0 if rows and all(row.ok for row in rows) else 1)


def run(names: Sequence[str], trials: int, seed: int, channel: str, form: str) -> list[Row]:
    """Run these scenarios; each row is kept as soon as it is there. The channels run side by side, and so do the
    scenarios that mostly wait; the second channel goes through them backwards, so that the heaviest do not meet.

    Raises typer.BadParameter for a name or a channel that there is not.
    """
    lanes: dict[tuple[bool, str], list[Task]] = {(waits, each): [] for waits in (False, True) for each in CHANNELS}
    for scenario, each in _asked(names, channel):
        task = Task(scenario, each, trials or getattr(scenario.trials, form), seed or _any())
        lanes[scenario.waits, each].insert(len(lanes[scenario.waits, each]) if each == CHANNELS[0] else 0, task)
    found: dict[tuple[str, str], Row] = {}
    running = [Lane(tasks, found) for tasks in lanes.values() if tasks]
    try:
        for lane in running:
            lane.start()
        for lane in running:
            lane.finish()
    except BaseException:
        _end(running)
        raise
    return [found[one.name, each] for one, each in _asked(names, channel)]


def _asked(names: Sequence[str], channel: str) -> list[tuple[Scenario, str]]:
    """Each scenario on each of its channels, in the order of the table."""
    if channel not in {"", *CHANNELS}:
        raise typer.BadParameter(f"There is no channel {channel!r}; there are {', '.join(CHANNELS)}.")
    for name in names:
        if name not in NAMES:
            raise typer.BadParameter(f"There is no scenario {name!r}; there are {', '.join(NAMES)}.")
    chosen = [NAMES[name] for name in dict.fromkeys(names)]
    pairs = [(one, each) for one in chosen for each in one.channels if channel in {"", each}]
    if not pairs:
        raise typer.BadParameter(f"None of {', '.join(names)} is tried on {channel}.")
    return pairs


class Task(NamedTuple):
    """One scenario on one channel, so often."""

    scenario: Scenario
    channel: str
    trials: int
    seed: int


class Lane(threading.Thread):
    """Does its tasks one after the other, beside other lanes; ``found`` gets their rows."""

    def __init__(self, tasks: Sequence[Task], found: dict[tuple[str, str], Row]) -> None:
        super().__init__(name="lane", daemon=True)
        self._tasks, self._found = tasks, found
        self._over = threading.Event()
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            for task in self._tasks:
                if self._over.is_set():
                    return
                self._found[task.scenario.name, task.channel] = _run(task, self._over)
        except BaseException as error:  # noqa: BLE001 - the border of a thread: whoever waits for it is told
            self._error = error

    def finish(self) -> None:
        """Wait for its end. Raises what it failed with.

        It wakes now and then: a signal that the system hands to another thread is heard by this one only then.
        """
        while self.is_alive():
            self.join(LOOK_SECONDS)
        if self._error:
            raise self._error

    def leave(self) -> None:
        """Begin nothing any more; no row of what is being ended is kept."""
        self._over.set()


def _end(lanes: Sequence[Lane]) -> None:
    """End every process that was started. A lane that sleeps finds nothing to go on with."""
    for lane in lanes:
        lane.leave()
    until = monotonic() + END_SECONDS
    abandon_all(for_good=True)
    for lane in lanes:
        lane.join(max(until - monotonic(), 0))
    abandon_all(for_good=True)


def _run(task: Task, over: threading.Event) -> Row:
    scenario, channel, seed = task.scenario, task.channel, task.seed
    console.print(f"{scenario.name} on {channel}: {task.trials} trials, seed {seed} …", highlight=False)
    try:
        row = scenario.run(task.trials, seed, channel)
    except NotReady as error:
        row = Row(scenario.name, channel, [seed], broken=[f"the product did not come up: {error}"])
    row.commits = [COMMIT]
    if not over.is_set():
        row.keep()
    return row


def _any() -> int:
    return random.SystemRandom().randrange(1, 1_000_000)
