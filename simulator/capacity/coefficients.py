"""What was measured of the product's processes, on which machine, and how well it foretold a larger load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

MEASURED: Final = Path(__file__).with_name("measured.json")


@dataclass(frozen=True)
class Coefficients:
    """CPU is in milliseconds of one core, memory in MiB or, in Redis, in bytes.

    ``receiver_ms`` is for an accepted message, ``worker_ms`` and ``redis_ms`` for a turn from its message to the last
    edit of its answer; the two idle ones are for each second that a worker runs, with or without work. ``trips`` are
    the requests that Redis reads for a turn, ``appended`` the bytes that it adds to its append-only file, and
    ``fsync_ms`` is how long the disk takes to keep a small write.
    """

    receiver_ms: float
    worker_ms: float
    redis_ms: float
    worker_idle_ms: float
    redis_idle_ms: float
    trips: float
    appended: float
    fsync_ms: float
    receiver_mib: float
    worker_mib: float
    turn_mib: float
    message_bytes: float
    rest_bytes: float
    seen_bytes: float
    raw_bytes: float
    spoken_bytes: float
    waiting_bytes: float


@dataclass(frozen=True)
class Check:
    """What the model said of the larger load before it was measured, and what was measured."""

    what: str
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """How far the prediction is off, as a share of what was measured."""
        return self.predicted / self.measured - 1 if self.measured else 0.0


@dataclass(frozen=True)
class Measured:
    """A run of ``python -m simulator capacity --measure``."""

    coefficients: Coefficients
    machine: Mapping[str, str]
    checks: list[Check] = field(default_factory=list)

    def save(self, path: Path = MEASURED) -> None:
        rounded = {name: float(f"{value:.4g}") for name, value in asdict(self.coefficients).items()}
        record = {
            "machine": dict(self.machine),
            "coefficients": rounded,
            "checks": [asdict(one) for one in self.checks],
        }
        path.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def load(path: Path = MEASURED) -> Measured:
    """What the last kept measurement found."""
    record = json.loads(path.read_text(encoding="utf-8"))
    checks = [Check(**one) for one in record["checks"]]
    return Measured(Coefficients(**record["coefficients"]), record["machine"], checks)
