"""What Meta refuses: to one person, as told; to a whole number, for as long as it lasts; and who calls all the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from simulator.weather import ON_THE_WAY_SECONDS

LONGEST_SECONDS: Final = 15 * 60.0
NEARLY: Final = 0.9
"""Two clocks that measure the same wait differ a little."""


@dataclass(slots=True)
class Plan:
    """What happens to the next message to one person: refused with ``code``, or taken and told ``later`` to have
    failed with it. ``pause``: the seconds that Meta asks for."""

    code: int
    later: bool = False
    pause: float = 0.0


@dataclass(slots=True)
class Trouble:
    """A state in which Meta takes nothing from a number, and who goes on all the same. Times are monotonic.

    After the first refusal whoever has heard of it sends nothing for ``seconds``, then one message, and after that
    for twice as long, up to fifteen minutes.
    """

    code: int
    seconds: float
    refused: int = 0
    _told: float = 0.0
    _wait: float = field(init=False)

    def __post_init__(self) -> None:
        self._wait = self.seconds

    def refuse(self, arrived: float, now: float) -> bool:
        """One more message is refused; whether it should not have come."""
        self.refused += 1
        if self.refused == 1:
            self._told = now
            return False
        if arrived < self._told + ON_THE_WAY_SECONDS and self._wait == self.seconds:
            return False
        if arrived < self._told + NEARLY * self._wait:
            return True
        self._told, self._wait = now, min(2 * self._wait, LONGEST_SECONDS)
        return False
