"""Every figure, one bench after the other, then those with bounds in one table: python bench [NAME …] [--short]

What it measures is kept in bench/results. A full run also writes docs/figures and the READMEs' table of figures.
Exit code 1 when a bound was missed or a bench did not end well.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import readme_figures
from _report import RESULTS, SHORT, leave, load
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
FIRST = ("receiver", "receiver_whatsapp", "worker", "order", "recovery", "scaling", "latency", "context", "memory")
"""In this order; then the others."""

TOOLS = {"environments", "readme_figures"}
FOUND = {file.stem for file in HERE.glob("[a-z]*.py")} - TOOLS
BENCHES = [*(name for name in FIRST if name in FOUND), *sorted(FOUND.difference(FIRST))]
NEEDS = {"local": "torch"}
"""What is in an extra, and left out with its bench where it is not installed."""


class Ended(NamedTuple):
    """How a bench ended: its exit code, its time in seconds, and where its result is, if it left one."""

    name: str
    code: int
    seconds: float
    result: Path | None


def main(words: list[str]) -> int:
    names = [word for word in words if not word.startswith("-")]
    if unknown := set(names) - set(BENCHES):
        print(
            f"There is no bench called {', '.join(sorted(unknown))}. There are: {', '.join(BENCHES)}.", file=sys.stderr
        )
        return 2
    left_out = [name for name, package in NEEDS.items() if not find_spec(package)]
    wanted = names or [name for name in BENCHES if name not in left_out]
    ended = [measure(name) for name in wanted]
    summarise(ended)
    if not SHORT:
        readme_figures.write()
    return int(any(one.code for one in ended))


def measure(name: str) -> Ended:
    """Run one bench; whoever ends us ends it."""
    script, kept = HERE / f"{name}.py", RESULTS / f"{name}{'.short' if SHORT else ''}.json"
    print(f"\n== bench/{script.name}", flush=True)
    before = kept.stat().st_mtime_ns if kept.exists() else 0
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, str(script), *(["--short"] if SHORT else [])])
    try:
        code = process.wait()
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt):  # Ctrl-C has told it, too
            process.terminate()
        process.wait()
        raise
    anew = kept.exists() and kept.stat().st_mtime_ns != before
    return Ended(name, code, time.monotonic() - began, kept if anew else None)


def summarise(ended: list[Ended]) -> None:
    """All figures with bounds, and whatever did not end well."""
    form = "short form" if SHORT else "full form"
    table = Table("bench", "what", "measured", "bound", "", title=f"the figures with bounds, {form}")
    for one in ended:
        figures = load(one.result)["figures"] if one.result else []
        for figure in figures:
            if figure.held is not None:
                verdict = "[green]ok[/green]" if figure.held else "[red]missed[/red]"
                table.add_row(one.name, figure.what.strip(), figure.measured, figure.bound, verdict)
        if one.code and not any(figure.held is False for figure in figures):
            table.add_row(one.name, "did not end well", f"exit code {one.code}", "", "[red]failed[/red]")
    print()
    Console(width=140).print(table, highlight=False)
    times = ", ".join(f"{one.name} {one.seconds:.0f} s" for one in ended)
    print(f"{times}: {sum(one.seconds for one in ended):.0f} s in all")


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    sys.exit(main(sys.argv[1:]))
