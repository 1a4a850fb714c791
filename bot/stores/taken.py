"""What a worker finds when it opens a mailbox, and what it tells of a turn when that is over."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bot.message import Batch, Message, Reply


class Waited(NamedTuple):
    """For how many seconds a batch's ``oldest`` and ``newest`` message had been accepted when it was taken, by Redis'
    clock; ``at`` is when it was taken by our own (monotonic), and ``asked_at`` when Redis accepted the newest (ms).
    0: not known."""

    oldest: float = 0.0
    newest: float = 0.0
    at: float = 0.0
    asked_at: int = 0

    @property
    def so_far(self) -> float:
        """How long ago the newest message was accepted, in seconds; 0: not known."""
        return self.newest + time.monotonic() - self.at if self.asked_at else 0.0


UNKNOWN: Final = Waited()


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do here: no work, or somebody else is at it."""


@dataclass(frozen=True, slots=True)
class Later:
    """There is work, and it must wait ``seconds``. ``listening`` is the message whose burst goes on; ``address`` the
    name under which its person last wrote, where that is not the conversation's own."""

    seconds: float
    listening: Message | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Speak:
    """A reply that may go now; ``state`` holds the states of its bubbles, ``waited`` how long ago it was asked for."""

    reply: Reply
    state: Mapping[str, str]
    waited: Waited = field(default=UNKNOWN, compare=False)


@dataclass(frozen=True, slots=True)
class Think:
    """A batch to be answered; ``state`` is what else is known of the conversation."""

    batch: Batch
    state: Mapping[str, str] = field(default_factory=dict)
    waited: Waited = field(default=UNKNOWN, compare=False)


def waited(now: int, *accepted: int) -> Waited:
    """What messages that were ``accepted`` then had waited ``now``, all in ms by Redis' clock; 0: not known.

    A clock that went back has let nobody wait for less than no time.
    """
    known = [at for at in accepted if at]
    if not known:
        return UNKNOWN
    oldest, newest = (max(0, now - at) / 1000 for at in (min(known), max(known)))
    return Waited(oldest, newest, time.monotonic(), max(known))


Taken = Rest | Later | Speak | Think


class Mark(NamedTuple):
    """What whoever thinks ``turn`` must know: its batch's ``revision``, whether its person ``stopped`` it."""

    turn: int
    revision: str
    stopped: bool


class Renewed(NamedTuple):
    """The tokens that hold nothing any more, and, by their tokens, the turns that are to end or to be thought anew."""

    lost: frozenset[str]
    marks: Mapping[str, Mark]


class Revised(Exception):
    """A message of the batch was put right after it was taken: the turn is to be thought anew."""
