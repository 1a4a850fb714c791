"""A day that the test turns over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Calendar:
    """Noon of a day; ``now`` stands for datetime's own."""

    def __init__(self) -> None:
        self.today = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.today

    def turn_over(self) -> None:
        self.today += timedelta(days=1)
