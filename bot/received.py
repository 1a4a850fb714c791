"""What a platform tells: a whole webhook body as ours, with what became of bubbles and of names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from bot.message import Message


class Price(NamedTuple):
    """What a platform says of a bubble's cost: whether it is ``billable``, in which ``category``, at which ``rate``."""

    billable: bool
    category: str = ""
    rate: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What a platform tells later of a bubble: ``reference`` is our own id of it, as Channel.speak was given it.

    ``sent``: the platform has it. ``failed``: the person will not get it; ``reason`` says why, for the operator, and
    ``code`` is the platform's number for that. ``parked``: not before they write again. ``again``: it was not shown,
    and may be sent again. ``halted``: the same, but the platform takes nothing from this account now.

    ``bubble`` is the platform's own id of it. ``stage`` is the platform's word (sent, delivered, read, failed), ``at``
    its clock in seconds since 1970, ``price`` what it says of the cost. ``also`` are other names of the conversation.
    """

    conversation: str
    reference: str
    outcome: Literal["sent", "failed", "parked", "again", "halted"]
    reason: str = ""
    bubble: str = ""
    stage: str = ""
    at: float = 0.0
    price: Price | None = None
    code: int = 0
    also: tuple[str, ...] = ()


class Alias(NamedTuple):
    """A conversation goes on under another name: ``new`` is ``old`` from now on, with all that was said there.

    ``freed``: the old name is nobody's any more, as a telephone number that was given up; whoever writes under it next
    is a stranger. Then ``at`` is when that happened (seconds since 1970 by the platform; 0: it does not say), and
    ``id`` the platform's id of what told of it, by which a second telling is known.
    """

    old: str
    new: str
    freed: bool = False
    at: float = 0.0
    id: str = ""


class Received(NamedTuple):
    """What one webhook body holds: what people said, in the order in which it counts, and what became of bubbles.

    ``unreadable`` is how many messages beside them could not be read. ``aliases`` count before the messages.
    ``unserved``: the body tells of something that we do not serve; it is kept and not answered. ``answer`` is the
    JSON that the platform wants in the response itself; empty: none.
    """

    messages: tuple[Message, ...] = ()
    statuses: tuple[Status, ...] = ()
    unreadable: int = 0
    aliases: tuple[Alias, ...] = ()
    unserved: bool = False
    answer: str = ""
