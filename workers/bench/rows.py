"""The rows of the table: what was measured, or why it was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Self

from workers.bench.memory import Memory


@dataclass(frozen=True, slots=True)
class Round:
    """So many conversations at once, each asked once.

    ``first`` and ``reply`` are the medians of the conversations' seconds to the first piece and to the end;
    ``rate`` is all their tokens by the seconds from the first request to the last end; ``tokens`` is the mean of a
    reply.
    """

    first: float
    reply: float
    rate: float
    tokens: float


@dataclass(frozen=True, slots=True)
class Row:
    """One configuration at one concurrency: medians of its rounds, or ``reason``, which says why there are none.

    Memory is in MiB: ``before`` the backend is opened, the ``peak`` since then, ``after`` the rounds; None for a model
    that is elsewhere. ``answers`` is the backend's own word of who answers, ``note`` what had to be left out.
    """

    configuration: str
    concurrency: int
    reason: str = ""
    note: str = ""
    answers: str = ""
    device: str = ""
    first: float | None = None
    rate: float | None = None
    reply: float | None = None
    tokens: float | None = None
    before: float | None = None
    peak: float | None = None
    after: float | None = None
    gpu_before: float | None = None
    gpu_peak: float | None = None
    gpu_after: float | None = None
    rounds: tuple[Round, ...] = ()

    @classmethod
    def read(cls, found: dict[str, Any]) -> Self:
        """What ``asdict`` and JSON made of a row."""
        return cls(**found | {"rounds": tuple(Round(**one) for one in found["rounds"])})

    @property
    def measured(self) -> bool:
        return bool(self.rounds)

    def write(self) -> dict[str, Any]:
        """The row for JSON."""
        return asdict(self)


def figures(rounds: Sequence[Round]) -> dict[str, Any]:
    """The columns of a row that come of its rounds."""
    columns = {name: median(getattr(one, name) for one in rounds) for name in ("first", "rate", "reply", "tokens")}
    return columns | {"rounds": tuple(rounds)}


def growth(before: Memory, after: Memory) -> dict[str, Any]:
    """The columns of a row that say what memory it took."""
    return {
        "before": before.resident,
        "peak": after.resident_peak,
        "after": after.resident,
        "gpu_before": None if after.gpu is None else before.gpu or 0.0,
        "gpu_peak": after.gpu_peak,
        "gpu_after": after.gpu,
    }
