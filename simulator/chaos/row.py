"""What a scenario found: one row of the table, which can be kept and added up."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table

RESULTS: Final = Path(".chaos/results.jsonl")
GIT_SECONDS: Final = 10
PROMISES: Final = ("lost", "duplicated", "reordered", "leaked", "unfinished")
COLUMNS: Final = ("trials", "messages", "lost", "duplicated", "reordered", "unfinished", "stray", "explained")


@dataclass(slots=True)
class Row:
    """One scenario on one channel: faults that really happened (``trials``), and what they did to the messages.

    ``explained`` were rightly not answered or are in the dead letters, ``stray`` are opening bubbles without an
    end. ``counts`` is what else is worth knowing, ``broken`` the scenario's own promises that did not hold, in
    words, and ``slow`` its bounds in time that were missed. ``commits`` are those of the code that was run.
    """

    scenario: str
    channel: str
    seeds: list[int] = field(default_factory=list)
    trials: int = 0
    messages: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    leaked: int = 0
    unfinished: int = 0
    stray: int = 0
    explained: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether every promise held, however long it took; a row without a trial has shown nothing."""
        return bool(self.trials) and not self.broken and not any(getattr(self, name) for name in PROMISES)

    @property
    def ok(self) -> bool:
        """Whether every promise held, those in seconds too."""
        return self.kept and not self.slow

    def count(self, name: str, number: int = 1) -> None:
        """Add to what is worth knowing; a name that ends in ``_most`` keeps its largest number."""
        before = self.counts.get(name, 0)
        self.counts[name] = max(before, number) if name.endswith("_most") else before + number

    def add(self, other: Row) -> None:
        """Count the other row's trials as this one's; the seconds too."""
        for name in (*COLUMNS, "leaked", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("broken", "slow"):
            getattr(self, name).extend(getattr(other, name))
        self.seeds.extend(seed for seed in other.seeds if seed not in self.seeds)
        self.commits.extend(commit for commit in other.commits if commit not in self.commits)
        for name, number in other.counts.items():
            self.count(name, number)

    def keep(self, file: Path = RESULTS) -> None:
        """Add this row to the results as a JSON line."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as results:
            results.write(json.dumps(asdict(self), separators=(",", ":")) + "\n")


def commit_of_this_code() -> str:
    """The commit that is checked out where this code lies; empty where that cannot be told."""
    command = ("git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD")
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=GIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.strip() if not told.returncode else ""


def kept(file: Path = RESULTS, of: str = "") -> list[Row]:
    """All results so far, or those ``of`` one commit, added up by scenario and channel."""
    found: dict[tuple[str, str], Row] = {}
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    for row in (Row(**json.loads(line)) for line in lines):
        if of and of not in row.commits:
            continue
        if (before := found.get((row.scenario, row.channel))) is not None:
            before.add(row)
        else:
            found[row.scenario, row.channel] = row
    return list(found.values())


def table(rows: Iterable[Row]) -> Table:
    """The rows as people read them."""
    shown = Table(title="faults and promises", box=SIMPLE_HEAD)
    for name in ("fault", "channel", *COLUMNS, "seconds", "seed", ""):
        shown.add_column(name, justify="right" if name in {*COLUMNS, "seconds"} else "left", no_wrap=True)
    for row in rows:
        numbers = [f"{getattr(row, name):,}" for name in COLUMNS]
        held = "[green]held[/green]" if row.ok else "[red]BROKEN[/red]" if not row.kept else "[red]SLOW[/red]"
        shown.add_row(row.scenario, row.channel, *numbers, f"{row.seconds:.0f}", _seeds(row.seeds), held)
    return shown


def remarks(rows: Iterable[Row]) -> list[str]:
    """What the table has no room for, a line each."""
    lines = []
    for row in rows:
        counts = ", ".join(
            f"{name.replace('_', ' ')} {number:,}" for name, number in sorted(row.counts.items()) if number
        )
        lines += [f"{row.scenario}, {row.channel}: {counts}"] if counts else []
        lines += [f"  at commit {', '.join(name or 'unknown' for name in row.commits)}"] if row.commits else []
        what = Counter((*row.broken, *row.slow))
        lines += [f"  {words}" + (f" ({times} times)" if times > 1 else "") for words, times in what.items()]
    return lines


def _seeds(seeds: Sequence[int]) -> str:
    return " ".join(str(seed) for seed in seeds[:3]) + (f" and {len(seeds) - 3} more" if len(seeds) > 3 else "")
