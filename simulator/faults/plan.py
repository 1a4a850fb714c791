"""When a fault happens, and what: points counted in a stream of commands or calls, and the actions at them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

When = Literal["before", "after"]


class Break(Enum):
    """How a connection breaks: it is closed, or it stays and nothing is ever answered on it again."""

    CUT = "cut"
    SWALLOW = "swallow"


CUT = Break.CUT
SWALLOW = Break.SWALLOW


@dataclass(frozen=True, slots=True)
class Delay:
    """The command, or its answer, comes ``seconds`` later; other connections go on."""

    seconds: float


Action = Break | Delay | Callable[[], object]
"""A callable is run in a thread of its own while the command (or its answer) is held; then the connection is cut."""


@dataclass(frozen=True, slots=True)
class Point:
    """The ``occurrence``-th command of a ``name`` (lower case; empty: of any name), counted from 1.

    before: it has been read and is not passed on. after: it has been done, and its answer is not passed on.
    """

    name: str
    occurrence: int = 1
    when: When = "before"

    @classmethod
    def nth(cls, k: int, when: When = "before") -> Point:
        """The k-th command of any kind."""
        return cls("", k, when)


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault that waits for its point."""

    point: Point
    action: Action
    fired: threading.Event = field(default_factory=threading.Event)


class Plan:
    """The faults that are to happen, each once. ``fired`` is set when any of them has happened.

    ``errors`` holds what went wrong in the fault's own machinery: a run that has any proves nothing.
    """

    def __init__(self) -> None:
        self.fired = threading.Event()
        self.errors: list[Exception] = []
        self._planned: list[Planned] = []
        self._number = 0
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def at(self, point: Point, action: Action) -> threading.Event:
        """Let ``action`` happen at ``point``; returns what is set once this very fault has happened."""
        planned = Planned(point, action)
        with self._lock:
            self._planned.append(planned)
        return planned.fired

    def restart_count(self) -> None:
        """Count from one again; ``fired`` is cleared. What is planned stays planned."""
        with self._lock:
            self._number = 0
            self._counts.clear()
            self.fired.clear()

    def forget(self) -> None:
        """Drop every fault that has not happened."""
        with self._lock:
            self._planned.clear()

    def count(self, name: str) -> tuple[int, tuple[Planned, ...]]:
        """Count one more of ``name``: its number among all, and the faults that wait for it."""
        with self._lock:
            self._number += 1
            self._counts[name] += 1
            if not self._planned:
                return self._number, ()
            here = {"": self._number, name: self._counts[name]}
            due = tuple(one for one in self._planned if here.get(one.point.name) == one.point.occurrence)
            self._planned = [one for one in self._planned if one not in due]
            return self._number, due

    def happened(self, planned: Planned) -> None:
        """Say so to whoever waits for it."""
        planned.fired.set()
        self.fired.set()

    def attempt(self, planned: Planned, action: Callable[[], object]) -> None:
        """Run a caller's action; what it raises is kept, for nobody stands above it here."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the border to the caller's code
            self.errors.append(error)
        self.happened(planned)
