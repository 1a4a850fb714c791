"""The command ``python -m simulator chaos``: which scenarios run, how often, and the table."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal

import typer
from rich.console import Console

from simulator.chaos import cuts, outages, points, receiver, stops, workers
from simulator.chaos.more import MORE
from simulator.chaos.row import Row, kept, remarks, table
from simulator.chaos.scenario import Scenario
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
console = Console(width=max(Console().width, 150))


def chaos(
    *,
    only: Annotated[list[str] | None, typer.Option(help="A scenario's name; may be repeated.")] = None,
    trials: Annotated[int, typer.Option(help="So many faults for each; 0: as many as the form has.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="What decides all chances; 0: any.", min=0)] = 0,
    channel: Annotated[str, typer.Option(help="telegram or whatsapp; empty: both.")] = "",
    form: Annotated[Literal["short", "quick", "full"], typer.Option(help="How many faults.")] = "quick",
    total: Annotated[bool, typer.Option("--sum", help="Show what all runs found until now, and run nothing.")] = False,
) -> None:
    """Break the product in every way we know, and show what became of each message."""
    rows = kept() if total else list(run(only or list(NAMES), trials, seed, channel, form))
    console.print(table(rows))
    for name in dict.fromkeys(row.scenario for row in rows):
        console.print(f"{name}: {NAMES[name].fault if name in NAMES else 'no longer run'}", highlight=False)
    console.print("", *remarks(rows), sep="\n", highlight=False, markup=False)
    raise typer.Exit(0 if rows and all(row.ok for row in rows) else 1)


def run(names: Sequence[str], trials: int, seed: int, channel: str, form: str) -> Iterator[Row]:
    """Run these scenarios one after the other; each row is kept as soon as it is there."""
    for name in names:
        if name not in NAMES:
            raise typer.BadParameter(f"There is no scenario {name!r}; there are {', '.join(NAMES)}.")
    for name in names:
        scenario = NAMES[name]
        for each in scenario.channels:
            if channel in {"", each}:
                yield _run(scenario, trials or getattr(scenario.trials, form), seed or _any(), each)


def _run(scenario: Scenario, trials: int, seed: int, channel: str) -> Row:
    console.print(f"{scenario.name} on {channel}: {trials} trials, seed {seed} …", highlight=False)
    try:
        row = scenario.run(trials, seed, channel)
    except NotReady as error:
        row = Row(scenario.name, channel, [seed], broken=[f"the product did not come up: {error}"])
    row.keep()
    return row


def _any() -> int:
    return random.SystemRandom().randrange(1, 1_000_000)
