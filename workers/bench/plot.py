"""The rows as a picture."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bot.errors import SettingsError
from workers.bench.rows import Row

PANELS: Final = {
    "first": "Time to first token (s)",
    "rate": "All conversations together (tokens/s)",
    "reply": "Time of a reply (s)",
    "memory": "Peak memory (MiB)",
}


def check() -> None:
    """Whether a picture can be made here. Raises SettingsError."""
    if importlib.util.find_spec("matplotlib") is None:
        raise SettingsError("--plot needs matplotlib: make install EXTRAS=local")


def draw(rows: Sequence[Row], file: Path) -> None:
    """Write a PNG: for each figure, a group of bars for each configuration, a bar for each concurrency.

    Raises SettingsError without matplotlib.
    """
    check()
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy, and only some installations have it

    measured = [row for row in rows if row.measured]
    figure = Figure(figsize=(12, 8), layout="constrained")
    panels = figure.subplots(2, 2).flat
    for axes, (column, title) in zip(panels, PANELS.items(), strict=True):
        axes.set_title(title)
        _bars(axes, measured, column)
    if measured:
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=8)
    figure.savefig(file, format="png", dpi=120)


def _bars(axes: Any, rows: Sequence[Row], column: str) -> None:
    names = list(dict.fromkeys(row.configuration for row in rows))
    levels = sorted({row.concurrency for row in rows})
    width = 0.8 / max(len(levels), 1)
    for place, level in enumerate(levels):
        at = {row.configuration: _height(row, column) for row in rows if row.concurrency == level}
        middles = [spot + (place - (len(levels) - 1) / 2) * width for spot in range(len(names))]
        axes.bar(middles, [at.get(name, 0.0) for name in names], width, label=f"{level} at once")
    axes.set_xticks(range(len(names)), names)


def _height(row: Row, column: str) -> float:
    """What the bar shows: of memory the GPU's where there is one, nothing for a model that is elsewhere."""
    value = (row.gpu_peak or row.peak) if column == "memory" else getattr(row, column)
    return float(value or 0)
