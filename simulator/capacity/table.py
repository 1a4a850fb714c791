"""Plans, measurements and checks as tables, in the form that the documentation shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.capacity.coefficients import Check, Coefficients, Measured
from simulator.capacity.plan import AOF_TIMES, Plan

SIZES: Final = (100, 10_000, 1_000_000)
"""What is shown when nobody asks for a number of people, and in the documentation."""


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows, the first of them the head, in columns that stay in line."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def plans(plans: Sequence[Plan]) -> str:
    """A column for each plan."""
    columns = [_column(plan) for plan in plans]
    rows = zip(*columns, strict=True)
    names = [name for name, _ in columns[0]]
    head = ["people", *(f"{plan.demand.people:,}" for plan in plans)]
    return markdown([head, *([name, *(cell for _, cell in row)] for name, row in zip(names, rows, strict=True))])


def _column(plan: Plan) -> list[tuple[str, str]]:
    it, first, (people, end) = plan.demand, plan.binds(), plan.ends()
    memory = plan.receivers * plan.of.receiver_mib + plan.workers * plan.worker_mib
    return [
        ("messages a second: mean, at the peak", f"{_short(it.mean)}, {_short(it.peak)}"),
        ("answers given at once at the peak", _short(it.in_flight)),
        *((need.what, f"{need.amount}, {_share(need.load)}") for need in plan.needs()),
        ("Redis, disk; appended a day", f"{_bytes(plan.redis_bytes * AOF_TIMES)}; {_bytes(plan.appended_a_day)}"),
        ("Redis, fsyncs if none were shared", _share(plan.fsync)),
        ("cores in all, without the model", _short(plan.cores)),
        ("memory of receivers and workers", _bytes(memory * 2**20)),
        ("full first, at so many times this load", f"{first.what}, {_short(first.margin)}"),
        ("one installation ends with", f"{_round(people):,} people: {end.what}"),
        ("installations", f"{plan.installations}"),
    ]


def _share(load: float) -> str:
    return f"{load:.0%}" if load >= 0.01 else "<1%"


def _short(value: float) -> str:
    """Two digits of it, or all before the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _round(people: int) -> int:
    size = int("1".ljust(len(str(people)) - 1, "0"))
    return people // size * size


def _bytes(size: float) -> str:
    return f"{size / 2**20:,.0f} MiB" if size < 2**30 else f"{size / 2**30:,.1f} GiB"


def checks(found: Sequence[Check]) -> str:
    """What the model said of the larger load, and what was measured."""
    head = ["at the larger load", "predicted", "measured", "off by"]
    rows = [[one.what, f"{one.predicted:.4g}", f"{one.measured:.4g}", f"{one.error:+.0%}"] for one in found]
    return markdown([head, *rows])


def coefficients(measured: Measured) -> str:
    """What was measured, each with its unit."""
    of = measured.coefficients
    rows = [
        ["a message accepted, receiver", f"{of.receiver_ms:.2f} ms of CPU"],
        ["a turn, worker", f"{of.worker_ms:.1f} ms of CPU"],
        [
            "a turn, Redis",
            f"{of.redis_ms:.2f} ms of CPU, {of.trips:.0f} requests, {of.appended / 1024:.1f} KiB appended",
        ],
        ["a worker with nothing to do", f"{of.worker_idle_ms:.1f} ms of CPU a second, {of.redis_idle_ms:.1f} in Redis"],
        ["an fsync of the disk", f"{of.fsync_ms:.2f} ms"],
        ["a receiver", f"{of.receiver_mib:.0f} MiB"],
        ["a worker", f"{of.worker_mib:.0f} MiB, and {of.turn_mib:.2f} for each turn in flight"],
        ["an idle conversation, Redis", f"{of.rest_bytes:.0f} bytes, and {of.message_bytes:.0f} for each message"],
        ["an accepted message's id, Redis", f"{of.seen_bytes:.0f} bytes (Telegram 27 h, WhatsApp 8 days)"],
        ["WhatsApp's own words, Redis", f"{of.raw_bytes:.0f} bytes a message (72 h)"],
        ["a message that waits, Redis", f"{of.waiting_bytes:.0f} bytes"],
    ]
    return markdown([["one of", "takes"], *rows])


def memory(of: Coefficients) -> str:
    """What Redis keeps of conversations in which nobody writes, and what an expiry makes of it."""
    idle = of.rest_bytes + 20 * of.message_bytes
    rows = [
        ["an idle conversation of 20 messages", f"{idle:,.0f} bytes"],
        ["a million of them", _bytes(idle * 1e6)],
        ["10,000 new people a day, each kept for 30 days", _bytes(idle * 10_000 * 30)],
        ["the same with no expiry, after a year", _bytes(idle * 10_000 * 365)],
        ["2,000 turns, the most that is kept of anybody", f"{2000 * of.message_bytes / 1024:,.0f} KiB"],
    ]
    return markdown([["kept in Redis", "takes"], *rows])


def machine(measured: Measured) -> str:
    """On what, when and of which commit it was measured."""
    it = measured.machine
    return f"{it['cpu']}, {it['cores']} cores, Python {it['python']}, commit {it['commit']}, {it['date']}"
