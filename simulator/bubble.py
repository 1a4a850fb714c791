"""What people see in a chat."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal


@dataclass(slots=True)
class Bubble:
    """A message as a person sees it now. ``time`` is when it came, ``changed`` when it last changed (monotonic).

    ``raw`` is the platform's own object of it, where it has one. The ``business`` speaks from its own telephone.
    """

    id: str
    who: Literal["person", "assistant", "business"]
    text: str
    time: float = field(default_factory=monotonic)
    changed: float = field(default_factory=monotonic)
    entities: list[dict[str, Any]] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
