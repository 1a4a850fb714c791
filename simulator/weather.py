"""Platforms on a bad day: faults at random but by a seed, pauses that must be kept, limits that must hold."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from simulator.calls import Fault, Outcome

ON_THE_WAY_SECONDS: Final = 0.25
"""So long after a pause was told, a call may have been sent by somebody who had not heard of it."""


@dataclass(slots=True)
class Weather:
    """What goes wrong with calls that carry messages, each as a share of them (0 to 1; 1 together at most).

    ``limited``: not taken; a pause of ``retry_after`` seconds is asked for (between two bounds, whole ones
    if both are whole), and the share ``overall`` of these pauses is for the whole bot or number, the rest
    for the chat. ``lost``: taken, and the connection cut before the answer. ``errors``: a 5xx, not
    taken. ``slow``: taken, and answered ``slow_seconds`` later. The same seed and order of calls
    make the same weather.
    """

    seed: int = 0
    limited: float = 0.0
    retry_after: tuple[float, float] = (1, 3)
    overall: float = 0.0
    lost: float = 0.0
    errors: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 1.0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def next(self, limit: Callable[[float, bool], Outcome], failed: Outcome) -> Fault:
        """What happens to the next call; ``limit`` words a pause of so many seconds, for all or not."""
        drawn, low_high, overall = self._random.random(), self._random.random(), self._random.random() < self.overall
        faults = (
            (self.limited, Fault(limit(self._pause(low_high), overall))),
            (self.lost, Fault(lost=True)),
            (self.errors, Fault(failed)),
            (self.slow, Fault(seconds=self.slow_seconds)),
        )
        for share, fault in faults:
            if drawn < share:
                return fault
            drawn -= share
        return Fault()

    def _pause(self, drawn: float) -> float:
        low, high = self.retry_after
        if float(low).is_integer() and float(high).is_integer():
            return min(int(low + drawn * (high - low + 1)), int(high))
        return round(low + drawn * (high - low), 3)


@dataclass(slots=True)
class Pause:
    """Somebody was told to wait; ``overall``: not for this chat alone. Times are monotonic."""

    told: float
    until: float
    whole: bool
    overall: bool

    def left(self, now: float) -> float:
        """How long to wait still, in the unit in which the pause was told: seconds, or milliseconds."""
        left = max(self.until - now, 0.001)
        return math.ceil(left) if self.whole else math.ceil(left * 1000) / 1000

    def is_broken_by(self, arrived: float, *, message: bool) -> bool:
        """Whether a call that arrived then was sent too early by somebody who must know.

        The messages of one chat go one after the other, so that none can have crossed the answer
        to the one before; with other calls that may happen.
        """
        crossing = 0.0 if message and not self.overall else ON_THE_WAY_SECONDS
        return self.told + crossing < arrived < self.until


class Pauses:
    """The pauses that were told, per chat and for all."""

    def __init__(self) -> None:
        self._of: dict[str, Pause] = {}

    def tell(self, chat_id: str, seconds: float, now: float, *, overall: bool) -> None:
        """From now on there is a pause, which no shorter one ends sooner."""
        key = "" if overall else chat_id
        before = self._of.get(key)
        if before is None or before.until < now:
            self._of[key] = Pause(now, now + seconds, float(seconds).is_integer(), overall)
        else:
            before.until = max(before.until, now + seconds)

    def of(self, chat_id: str, now: float) -> Pause | None:
        """The pause that holds in a chat now, the longer one if there are two."""
        held = [pause for key in ("", chat_id) if (pause := self._of.get(key)) and pause.until > now]
        return max(held, key=lambda pause: pause.until, default=None)


@dataclass(frozen=True, slots=True)
class Windows:
    """A platform's real limits: at most so many messages in any so many seconds. None: no such limit.

    ``overall`` is for all chats together, ``chat`` for each, ``group`` for each with a negative id on top.
    """

    overall: tuple[float, float] | None = None
    chat: tuple[float, float] | None = None
    group: tuple[float, float] | None = None

    def scaled(self, factor: float) -> Windows:
        """The same limits in windows that are ``factor`` times shorter."""

        def shorter(window: tuple[float, float] | None) -> tuple[float, float] | None:
            return (window[0], window[1] / factor) if window else None

        return Windows(shorter(self.overall), shorter(self.chat), shorter(self.group))


class Meter:
    """Counts messages in sliding windows."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}

    def count(self, windows: Windows, chat_id: str, now: float) -> list[str]:
        """Count one more message; what it is too many for, in words."""
        group = windows.group if chat_id.startswith("-") else None
        asked = (("overall", windows.overall), (f"chat {chat_id}", windows.chat), (f"group {chat_id}", group))
        return [words for name, window in asked if window and (words := self._count(name, *window, now))]

    def _count(self, name: str, most: float, seconds: float, now: float) -> str:
        times = self._times.setdefault(name, deque())
        times.append(now)
        while times[0] <= now - seconds:
            times.popleft()
        return f"{name}: {len(times)} in {seconds:g} s, at most {most:g}" if len(times) > most else ""
