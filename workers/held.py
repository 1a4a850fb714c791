"""A conversation in this worker's hands."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from bot.errors import StoreUnavailable
from bot.message import Reply
from bot.stores.line import Line
from bot.stores.taken import Mark, Revised
from workers.figures import Figures

PATIENCE_SECONDS = 60.0

Result = TypeVar("Result")


class Work(Protocol):
    """What a turn waits for: a model that speaks, or a file that is fetched."""

    def close(self) -> None:
        """End it, from any thread and at any time; whoever waits for it gets Unavailable."""


@dataclass(slots=True, eq=False)
class Held:
    """``leased`` once the mailbox gave it to us; ``lost`` is set when the lease is another's.

    ``turn`` is the number of the turn that is thought now, ``revision`` its batch's; ``stopped`` is set when its person
    wants no more of it, ``revised`` when a message of its batch was put right.
    ``typing_for`` is the message for which typing is shown while we think, else empty; ``stream`` what
    the model is saying meanwhile; ``seats`` are our places in lines, by their keys; ``asked`` is since when
    (monotonic) the model has been asked and has said nothing, and ``notice`` what the person is told of it in the end.
    Whoever speaks holds ``speaking``. ``address`` is the conversation's name under which its person last wrote: there
    they are spoken to. ``doing`` is what is done with it now: "thinking", "speaking", or nothing yet. ``figures`` are
    those of the turn that was thought last.
    """

    conversation: str
    token: str = field(default_factory=lambda: secrets.token_hex(12))
    address: str = ""
    leased: bool = False
    lost: threading.Event = field(default_factory=threading.Event)
    turn: int = 0
    revision: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)
    revised: threading.Event = field(default_factory=threading.Event)
    typing_for: str = ""
    stream: Work | None = None
    asked: float = math.inf
    notice: Reply | None = None
    doing: Literal["", "thinking", "speaking"] = ""
    figures: Figures = field(default_factory=Figures)
    speaking: threading.Lock = field(default_factory=threading.Lock)
    seats: dict[str, tuple[Line, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.address = self.address or self.conversation

    def begin(self, turn: int, revision: str) -> None:
        """Another turn is thought from here on: what was said of the one before means nothing any more."""
        self.turn, self.revision = turn, revision  # first: who speaks of the one before must not find these events
        self.stopped, self.revised = threading.Event(), threading.Event()

    @property
    def ended(self) -> bool:
        """Whether the thinking is to end now, for whatever reason."""
        return self.lost.is_set() or self.stopped.is_set() or self.revised.is_set()

    def heed(self, mark: Mark) -> None:
        """What the mailbox says of the turn ends its thinking, before its first token too. From any thread."""
        event, stream = self.stopped if mark.stopped else self.revised, self.stream
        if mark.turn != self.turn or not (mark.stopped or int(mark.revision or 0) > int(self.revision or 0)):
            return
        event.set()
        if stream:
            stream.close()

    def check(self, said: str = "") -> None:
        """Raises LeaseLost, Revised or (where nothing was ``said``) Stopped, when the thinking was to end."""
        if self.lost.is_set():
            raise LeaseLost
        if self.revised.is_set():
            raise Revised
        if self.stopped.is_set() and not said:
            raise Stopped

    def lose(self) -> None:
        """The lease is another's: end the thinking, before its first token too. From any thread."""
        self.lost.set()
        if stream := self.stream:
            stream.close()


class LeaseLost(Exception):
    """Another worker has this conversation now; whatever we do is no longer wanted."""


class Stopped(Exception):
    """The person wants no more of this turn, of which nothing was said yet."""


def patiently(call: Callable[[], Result]) -> Result:
    """What was thought or sent must be written down: try again for a minute while Redis is away.

    Raises StoreUnavailable after that.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return call()
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
