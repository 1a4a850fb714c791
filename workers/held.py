"""A conversation in this worker's hands."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bot.errors import StoreUnavailable
from bot.message import Reply
from bot.stores.line import Line
from workers.backends import Stream

PATIENCE_SECONDS = 60.0

Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class Held:
    """``leased`` once the mailbox gave it to us; ``lost`` is set when the lease is another's.

    ``typing_for`` is the message for which typing is shown while we think, else empty; ``stream`` what
    the model is saying meanwhile; ``seats`` are our places in lines, by their keys; ``asked`` is since when
    (monotonic) the model has been asked and has said nothing, and ``notice`` what the person is told of it in the end.
    Whoever speaks holds ``speaking``.
    """

    conversation: str
    token: str = field(default_factory=lambda: secrets.token_hex(12))
    leased: bool = False
    lost: threading.Event = field(default_factory=threading.Event)
    typing_for: str = ""
    stream: Stream | None = None
    asked: float = math.inf
    notice: Reply | None = None
    speaking: threading.Lock = field(default_factory=threading.Lock)
    seats: dict[str, tuple[Line, str]] = field(default_factory=dict)

    def lose(self) -> None:
        """The lease is another's: end the thinking, before its first token too. From any thread."""
        self.lost.set()
        if stream := self.stream:
            stream.close()


class LeaseLost(Exception):
    """Another worker has this conversation now; whatever we do is no longer wanted."""


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
