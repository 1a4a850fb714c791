"""A turn's figures, gathered as it goes: for its line in the log, its trace and the worker's instruments."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final, Self

from bot.logs import pseudonym
from bot.message import Conversation
from bot.stores.taken import UNKNOWN, Think, Waited

NOBODY: Final = "none"
"""The backend of a turn that asked none."""


@dataclass(slots=True)
class Figures:
    """What is known of one turn so far; None: not known, or it has not come to that.

    ``conversation`` is its pseudonym, ``backend`` who was asked, ``waited`` how long its messages had been there when
    it was taken. In seconds: ``first_token`` and ``model`` from asking the model to its first piece and to its last,
    ``first_words`` from the newest message to the first bubble that was shown, ``think`` from taking to committing,
    ``speak`` from there to the last bubble that was sent. ``tokens_in`` and ``tokens_out`` are by the backend's count.
    ``cut``: the model was not heard to its end, or had no more tokens for it.
    """

    conversation: str = ""
    channel: str = ""
    turn: int = 0
    messages: int = 0
    waited: Waited = UNKNOWN
    backend: str = NOBODY
    first_token: float | None = None
    model: float | None = None
    first_words: float | None = None
    think: float | None = None
    speak: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cut: bool = False
    outcome: str = ""
    began: float = field(default_factory=time.monotonic)
    asked: float = 0.0

    @classmethod
    def of(cls, conversation: str, task: Think) -> Self:
        """Those of a turn that begins now."""
        channel, batch = Conversation.parse(conversation).channel, task.batch
        return cls(pseudonym(conversation), channel, batch.turn, len(batch.messages), task.waited)

    def ask(self, backend: str) -> None:
        """The model is asked, perhaps once more: what an earlier try took counts no longer."""
        self.backend, self.asked, self.first_token, self.model = backend, time.monotonic(), None, None
        self.cut = False

    def hear(self) -> None:
        """A piece of the model's answer has come."""
        if self.first_token is None:
            self.first_token = time.monotonic() - self.asked

    def listened(self) -> None:
        """The model has said all that is wanted of it."""
        self.model = time.monotonic() - self.asked

    def commit(self, outcome: str) -> None:
        """The turn is over, with that outcome."""
        self.outcome, self.think = outcome, time.monotonic() - self.began

    def said(self, turn: int) -> None:
        """The last bubble of a turn, perhaps of this one, was sent."""
        if turn == self.turn and self.think is not None and self.speak is None:
            self.speak = time.monotonic() - self.began - self.think

    @property
    def line(self) -> dict[str, str | int | None]:
        """What the log says of it; the names are part of the outside surface."""
        return {
            "conversation": self.conversation,
            "channel": self.channel,
            "backend": self.backend,
            "turn": self.turn,
            "messages": self.messages,
            "waited_ms": _ms(self.waited.oldest if self.waited.asked_at else None),
            "first_token_ms": _ms(self.first_token),
            "first_words_ms": _ms(self.first_words),
            "think_ms": _ms(self.think),
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "outcome": self.outcome,
        }

    @property
    def span(self) -> tuple[float, dict[str, str | int]]:
        """How long it took as a whole, in seconds until the last thing that is known of it, and what its trace says."""
        told = {**self.line, "speak_ms": _ms(self.speak)}
        whole = self.waited.oldest + (self.think or 0.0) + (self.speak or 0.0)
        return whole, {name: value for name, value in told.items() if value is not None}


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
