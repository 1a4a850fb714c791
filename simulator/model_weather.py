"""What can befall a prompt at a model server: told for the next ones, or drawn by chance from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

GARBAGE: Final = b'data: {"\x00\xff]\n<html>502 Bad Gateway</html>\n\n'
"""What neither protocol allows, as a broken proxy between us and a model would send it."""


class Garbled(Exception):
    """Raised while answering to send garbage from here on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls one prompt; ``slow`` and ``pace`` are seconds before the first and before each further piece."""

    response: tuple[Any, int, Mapping[str, str]] | None = None
    refused: bool = False
    cut_after: int | None = None
    garbage_after: int | None = None
    hang: bool = False
    slow: float = 0.0
    pace: float = 0.0


class ModelWeather:
    """Shares (0 to 1) of prompts that fail in each way, the same ones for the same seed and order of arrival.

    ``refused``: the connection is cut before any answer; ``busy``: 503, with a Retry-After of
    ``retry_after`` seconds unless None; ``error``: 500; ``cut``: broken off after one to three pieces;
    ``garbage``: no protocol, from the start or after a piece or two; ``hang``: no answer until the
    client leaves; ``slow``: ``slow_seconds`` before the first piece; ``trickle``: ``trickle_seconds``
    before each piece. Raises ValueError when the shares are more than all.
    """

    def __init__(
        self, seed: int = 0, *, refused: float = 0, busy: float = 0, error: float = 0, cut: float = 0,
        garbage: float = 0, hang: float = 0, slow: float = 0, trickle: float = 0,
        retry_after: int | None = 1, slow_seconds: float = 1.0, trickle_seconds: float = 0.2,
    ) -> None:  # fmt: skip
        self._random = random.Random(seed)
        retry = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self._kinds = [
            (refused, [Fault(refused=True)]),
            (busy, [Fault(response=({"error": "server busy"}, 503, retry))]),
            (error, [Fault(response=({"error": "the model has stopped"}, 500, {}))]),
            (cut, [Fault(cut_after=pieces) for pieces in (1, 2, 3)]),
            (garbage, [Fault(garbage_after=pieces) for pieces in (0, 1, 2)]),
            (hang, [Fault(hang=True)]),
            (slow, [Fault(slow=slow_seconds)]),
            (trickle, [Fault(pace=trickle_seconds)]),
        ]
        if sum(share for share, _ in self._kinds) > 1 + 1e-9:
            raise ValueError("the shares of all faults together are more than 1")

    def draw(self) -> Fault:
        """What befalls the next prompt."""
        chance, which = self._random.random(), self._random.random()
        for share, faults in self._kinds:
            if chance < share:
                return faults[int(which * len(faults))]
            chance -= share
        return Fault()
