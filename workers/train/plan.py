"""How an adapter is to be trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of one training, as the command line gives them.

    ``batch`` conversations are computed at once, ``accumulate`` times for one step; ``rate`` is the highest learning
    rate; ``tokens`` is the longest conversation; ``every`` so many steps a checkpoint is written.
    """

    epochs: int = 3
    batch: int = 4
    accumulate: int = 1
    rate: float = 2e-4
    rank: int = 8
    alpha: int = 32
    dropout: float = 0.1
    targets: tuple[str, ...] = ()
    validation: float = 0.1
    tokens: int = 2048
    seed: int = 0
    every: int = 25
    save_memory: bool = False
