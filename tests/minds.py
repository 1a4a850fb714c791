"""A model that thinks as long as its test wants."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from simulator.models import echo

PATIENCE_SECONDS = 30.0


class Mind:
    """Says ``pieces``; each but the first when it is ``given``. To anything else it is an echo."""

    def __init__(self) -> None:
        self.pieces: dict[str, list[str]] = {}
        self.given = threading.Semaphore(0)

    def __call__(self, body: dict[str, Any]) -> Any:
        answer = echo(body)
        pieces = self.pieces.get(answer.removeprefix("re: "))
        return self._slowly(pieces) if pieces else answer

    def _slowly(self, pieces: list[str]) -> Iterator[str]:
        for number, piece in enumerate(pieces):
            if number and not self.given.acquire(timeout=PATIENCE_SECONDS):
                return
            yield piece
