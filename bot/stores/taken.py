"""What a worker finds when it opens a mailbox, and what it tells of a turn when that is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.message import Batch, Message, Reply


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
    """A reply that may go now; ``state`` holds the states of its bubbles."""

    reply: Reply
    state: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Think:
    """A batch to be answered; ``state`` is what else is known of the conversation."""

    batch: Batch
    state: Mapping[str, str] = field(default_factory=dict)


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
