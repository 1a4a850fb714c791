"""The command ``python -m simulator capacity``: what so many people need, or what the coefficients are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from simulator.capacity import measure as measuring
from simulator.capacity import table
from simulator.capacity.coefficients import MEASURED, Coefficients, Measured, load
from simulator.capacity.plan import BUSY, WAITING_BUSY, Demand, Plan
from simulator.processes import NotReady

PAGES: Final = Path(__file__).parents[2] / "docs"
_BLOCK: Final = re.compile(r"(?<=<!-- )(capacity|coefficients|checks|memory)( -->\n```text\n).*?(?=\n```\n)", re.DOTALL)


def capacity(
    *,
    people: Annotated[
        list[int] | None, typer.Option(help="Who wrote within HISTORY_DAYS; may be repeated.", min=1)
    ] = None,
    messages_per_day: Annotated[float, typer.Option(help="Of each of them, on average.", min=0.001)] = 2.0,
    peak_factor: Annotated[float, typer.Option(help="The busiest minutes, against the day's mean.", min=1)] = 5.0,
    messages_per_turn: Annotated[float, typer.Option(help="How many of a burst are answered at once.", min=1)] = 1.0,
    answer_tokens: Annotated[int, typer.Option(help="Of an answer.", min=1)] = 200,
    tokens_per_second: Annotated[float, typer.Option(help="Of one answer, while others are given.", min=0.1)] = 40.0,
    model_seconds: Annotated[float, typer.Option(help="For an answer; 0: from its tokens.", min=0)] = 0.0,
    at_once: Annotated[int, typer.Option(help="Answers that one model server gives at once.", min=1)] = 16,
    slots: Annotated[int, typer.Option(help="WORKER_CONCURRENCY.", min=1)] = 16,
    kept_messages: Annotated[int, typer.Option(help="In the history of a conversation.", min=0)] = 20,
    whatsapp: Annotated[float, typer.Option(help="The share that comes by WhatsApp.", min=0, max=1)] = 0.5,
    redis_gib: Annotated[float, typer.Option(help="Memory that Redis may use.", min=0.1)] = 8.0,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure the coefficients here first, in some minutes.")
    ] = False,
    keep: Annotated[
        bool, typer.Option(help="What was measured becomes what is reckoned with, here and in docs.")
    ] = True,
    pages: Annotated[bool, typer.Option("--pages", help="Show docs/scaling*.md the kept measurement anew.")] = False,
    short: Annotated[bool, typer.Option("--short", help="Measure briefly, and keep nothing.")] = False,
) -> None:
    """Say how many receivers, workers, model servers, and how much Redis so many people need."""
    measured = _measured(keep=keep and not short, short=short) if measure or short else load()
    if pages:
        _renew_pages(measured)
    demand = Demand(
        people=0, messages_per_day=messages_per_day, peak_factor=peak_factor, messages_per_turn=messages_per_turn,
        model_seconds=model_seconds or answer_tokens / tokens_per_second, at_once=at_once, slots=slots,
        kept_messages=kept_messages, whatsapp=whatsapp, redis_gib=redis_gib,
    )  # fmt: skip
    typer.echo(shown(demand, people or table.SIZES, measured.coefficients))
    typer.echo(assumed(demand))


def blocks(measured: Measured) -> dict[str, str]:
    """What the documentation shows of a measurement, by the name that stands above it there."""
    demand = Demand(people=0)
    return {
        "capacity": f"{shown(demand, table.SIZES, measured.coefficients)}\n{assumed(demand)}",
        "coefficients": f"{table.coefficients(measured)}\n\n{table.machine(measured)}",
        "checks": table.checks(measured.checks),
        "memory": table.memory(measured.coefficients),
    }


def renewed(page: str, measured: Measured) -> str:
    """A page of the documentation with the blocks of this measurement."""
    found = blocks(measured)
    return _BLOCK.sub(lambda block: block[1] + block[2] + found[block[1]], page)


def shown(demand: Demand, sizes: Sequence[int], of: Coefficients) -> str:
    """The table of what these numbers of people need."""
    return table.plans([Plan(replace(demand, people=one), of) for one in sizes])


def assumed(demand: Demand) -> str:
    """What the table takes for granted, in words."""
    return (
        "\nSo many, and the share of them that the peak takes; above 100% one installation is not enough.\n"
        f"{demand.messages_per_day:g} messages a day each, {demand.peak_factor:g} times the mean at the peak, "
        f"{demand.model_seconds:g} s an answer, {demand.at_once} at once on a model server, {demand.slots} slots a "
        f"worker, {demand.whatsapp:.0%} by WhatsApp, {demand.kept_messages} messages kept of each conversation, "
        f"{demand.redis_gib:g} GiB for Redis. Processes and Redis are planned to be busy {BUSY:.0%} of the peak, slots "
        f"and model servers {WAITING_BUSY:.0%}."
    )


def _measured(*, keep: bool, short: bool) -> Measured:
    try:
        measured = measuring.measure(measuring.SHORT if short else measuring.Form())
    except NotReady as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None
    typer.echo(table.coefficients(measured) + "\n\n" + table.checks(measured.checks) + "\n")
    if keep:
        _keep(measured)
    return measured


def _keep(measured: Measured) -> None:
    try:
        measured.save()
        _renew_pages(load())
    except OSError as error:
        typer.echo(f"Not kept: {error}. With --no-keep nothing is tried.\n", err=True)
    else:
        typer.echo(f"Kept in {MEASURED} and in docs/scaling*.md.\n")


def _renew_pages(measured: Measured) -> None:
    for page in sorted(PAGES.glob("scaling*.md")):
        page.write_text(renewed(page.read_text(encoding="utf-8"), measured), encoding="utf-8")
