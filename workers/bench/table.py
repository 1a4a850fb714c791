"""The rows as a person reads them."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence

from rich.console import Console as Terminal
from rich.table import Table
from rich.text import Text

from workers.bench.rows import Row

UNKNOWN = "n/a"
WIDEST = 500
UNSTEADY = 1.5
"""Rounds so many times apart in tokens/s are remarked on."""
_NUMBERS = {
    "first": ("first\ntoken\ns", 2),
    "rate": ("speed\nin all\ntokens/s", 1),
    "reply": ("reply\ntime\ns", 2),
    "tokens": ("reply\nlength\ntokens", 0),
}
_RAM = {"before": ("RAM\nbefore\nMiB", 0), "peak": ("RAM\npeak\nMiB", 0), "after": ("RAM\nafter\nMiB", 0)}
_GPU = {"gpu_before": ("GPU\nbefore\nMiB", 0), "gpu_peak": ("GPU\npeak\nMiB", 0), "gpu_after": ("GPU\nafter\nMiB", 0)}


def show(rows: Sequence[Row], terminal: Terminal, *, repeat: int, tokens: int) -> None:
    """Print the table, who answered, why the rest did not, and a last line on what was measured where.

    A narrow terminal wraps its lines; no number is cut.
    """
    table = _table(rows)
    needed = terminal.measure(table, options=terminal.options.update(width=WIDEST)).maximum
    terminal.width = max(terminal.width, needed)
    terminal.print(table)
    for line in (*_answers(rows), *_below(rows), last_line(rows, repeat, tokens)):
        terminal.print(Text(line), soft_wrap=True)


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    columns = _NUMBERS | _RAM | (_GPU if any(row.gpu_peak for row in rows) else {})
    table.add_column("configuration", no_wrap=True, vertical="bottom")
    for head in ("\nat\nonce", *(head for head, _ in columns.values())):
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        cells = [_number(getattr(row, name), digits) for name, (_, digits) in columns.items()]
        name = f"{row.configuration} *" if any(_remarks(row)) else row.configuration
        table.add_row(name, str(row.concurrency), *cells)
    return table


def _number(value: float | None, digits: int) -> str:
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def _answers(rows: Sequence[Row]) -> Iterator[str]:
    for row in {row.configuration: row for row in rows if row.measured}.values():
        yield f"{row.configuration}: {row.answers}"


def _below(rows: Sequence[Row]) -> Iterator[str]:
    """Each remark once, with the rows that it is about."""
    levels: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for words in _remarks(row):
            levels.setdefault((row.configuration, words), []).append(str(row.concurrency))
    for (name, words), at_once in levels.items():
        yield f"* {name} ({', '.join(at_once)} at once) {words}"


def _remarks(row: Row) -> Iterator[str]:
    """What its figures do not say."""
    if not row.measured:
        yield f"not measured: {row.reason}"
    if row.note:
        yield f"without what is refused: {row.note}"
    rates = [one.rate for one in row.rounds]
    if rates and max(rates) > UNSTEADY * min(rates):
        yield "one round was much faster than another: measure again while nothing else runs, or with a higher --repeat"


def last_line(rows: Sequence[Row], repeat: int, tokens: int) -> str:
    """What was measured, how, and on which device."""
    devices = dict.fromkeys(row.device for row in rows if row.measured)
    if not devices:
        return "Nothing could be measured."
    rounds = "one round" if repeat == 1 else f"medians of {repeat} rounds"
    return (
        f"Measured on {' and '.join(devices)} ({platform.system()}, {os.cpu_count()} cores): {rounds} after a warm-up,"
        f" replies of at most {tokens} tokens, which the backend's own count_tokens counts in their text;"
        " memory of a process with its model, before it is opened, at most and at the end."
    )
