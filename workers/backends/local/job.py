"""One request to a model in this process, what an engine is, and what no engine ever sees."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from queue import SimpleQueue
from typing import ClassVar, Final

from bot.errors import BackendError, Rejected

GREEDY_BELOW: Final = 0.01
"""From here down a temperature means: always the likeliest token."""
HOTTEST: Final = 2.0


class Signal(Enum):
    """What comes instead of tokens: the answer is complete, or nobody wants it any more."""

    DONE = "done"
    CLOSED = "closed"


Item = list[int] | Signal | BackendError
Box = SimpleQueue[Item]


@dataclass(frozen=True, slots=True)
class Knobs:
    """How a token is chosen."""

    temperature: float = 0.0
    top_p: float = 1.0

    @property
    def greedy(self) -> bool:
        return self.temperature < GREEDY_BELOW


class Job:
    """A prompt on its way to an answer: ``box`` gets what is made of it, ``made`` keeps it.

    ``limit`` is how many tokens the answer may have; ``deaths`` how often an engine has died of it or beside it.
    """

    def __init__(self, ids: Sequence[int], limit: int, knobs: Knobs, session: str = "", box: Box | None = None) -> None:
        self.ids, self.limit, self.knobs, self.session = list(ids), limit, knobs, session
        self.box: Box = box or SimpleQueue()
        self.made: list[int] = []
        self.deaths = 0
        self.cancelled = False

    def give(self, ids: list[int]) -> None:
        """More tokens of the answer."""
        if ids:
            self.made += ids
            self.box.put(ids)

    def end(self, error: BackendError | None = None) -> None:
        """Nothing more will come."""
        self.box.put(error or Signal.DONE)


class Engine(ABC):
    """Who runs the model. All methods may be called from many threads at once."""

    name: ClassVar[str]
    most: int
    """Tokens that a prompt and its answer may have together."""
    parallel: int
    """How many answers are made at once."""
    ends: frozenset[int]
    """The tokens that end an answer; they are no words of it, whatever the tokenizer says."""

    @abstractmethod
    def submit(self, job: Job) -> None:
        """Begin, or stand in line. Raises Rejected for what no model can answer, and Unavailable when it is full."""

    @abstractmethod
    def cancel(self, job: Job) -> None:
        """Free what the job holds. One that has ended is left alone."""

    @abstractmethod
    def close(self) -> None:
        """End all jobs as Unavailable, and the thread that runs the model."""


def vet(job: Job, *, vocabulary: int, most: int) -> None:
    """Raise Rejected for what would end the engine for everybody, or make nonsense.

    transformers checks none of this before a request is in the batch (generation/continuous_batching/continuous_api.py,
    ``add_request``), and an error in a batch ends its loop.
    """
    if not job.ids:
        raise Rejected("a prompt without a token")
    if not all(type(token) is int and 0 <= token < vocabulary for token in job.ids):
        raise Rejected(f"a prompt with a token that is none of the model's {vocabulary}")
    if job.limit < 1:
        raise Rejected("an answer of no tokens was asked for: set REPLY_TOKENS higher")
    if len(job.ids) + job.limit > most:
        raise too_long(len(job.ids), most)
    if not (math.isfinite(job.knobs.temperature) and 0 <= job.knobs.temperature <= HOTTEST):
        raise Rejected(f"a temperature must be from 0 to {HOTTEST:g}: set LLM_TEMPERATURE")
    if not 0 < job.knobs.top_p <= 1:
        raise Rejected("top-p must be more than 0 and at most 1: set LLM_TOP_P")


def too_long(size: int, most: int) -> Rejected:
    """The error for a prompt that leaves no room for its answer."""
    return Rejected(
        f"a prompt of {size} tokens leaves no room for its answer in {most}: set CONTEXT_TOKENS to {most} or less, "
        "or LLM_KV_TOKENS higher where the model can read more"
    )
