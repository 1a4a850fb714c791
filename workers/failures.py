"""What a failure means for a bubble, for those behind it, and for everybody else on its account."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol, Self

from bot.channels import Channel
from bot.errors import (
    Blocked,
    DeliveryError,
    Gone,
    Halted,
    Parked,
    RateLimited,
    Refused,
    SettingsError,
    StoreUnavailable,
    Undelivered,
)
from bot.logs import pseudonym
from bot.message import Conversation, Piece, Reply
from bot.stores.outbox import Outbox, Outcome, piece_state
from bot.stores.taken import UNKNOWN, Speak, Waited
from bot.texts import Text
from workers.alarms import ALARM, HOLD, WAITS
from workers.held import Held, patiently
from workers.metrics import Metrics

UNDELIVERED_SECONDS: Final = 5.0
LONGEST_SECONDS: Final = 300.0
"""Who cannot be sent waits twice as long each time, up to this; where that may go on for ever, up to the next one."""
LONGEST_FOR_EVER: Final = 60.0

PAIR_BASE, PAIR_MOST = 4, 5
"""A person whose pair limit is reached is left alone for 4^n seconds, n growing to the second
(https://developers.facebook.com/docs/whatsapp/cloud-api/overview#pair-rate-limits)."""

EDIT_AGAIN_SECONDS: Final = 1.0
SHORTEST_PAUSE: Final = 0.05
"""A platform that says "retry after 0" is not asked a thousand times a second."""

log = logging.getLogger("recado.speak")


class Tell(Protocol):
    """Tells the owner of an account, at most once per ``once``."""

    def __call__(self, once: str, text: Text | str, account: str = "") -> object: ...


def _nobody(once: str, text: Text | str, account: str = "") -> None:
    """There is no owner to be told."""


@dataclass(slots=True)
class Bubble:
    """One bubble of a reply on its way. ``known`` is its state as the mailbox gave it, with its ``identity``;
    ``tries`` is how often there has been trouble with it so far, ``waited`` how long ago it was asked for."""

    held: Held
    channel: Channel
    reply: Reply
    index: int
    known: str
    identity: str
    tries: int = 0
    mine: str = ""
    """The id under which it was begun, while the platform is called."""
    waited: Waited = UNKNOWN

    @classmethod
    def of(cls, held: Held, channel: Channel, task: Speak, index: int) -> Self:
        known, identity = piece_state(task.state, task.reply.turn, index)
        tries = int(task.state.get("speak_tries", 0))
        return cls(held, channel, task.reply, index, known, identity, tries, waited=task.waited)

    @property
    def piece(self) -> Piece:
        return self.reply.pieces[self.index]

    @property
    def asks(self) -> bool:
        """Whether it is none of the reply's, but the one behind its last, which asks the person to write first."""
        return self.index == len(self.reply.pieces)

    @property
    def address(self) -> str:
        """The conversation's name at the platform now."""
        return self.held.address or self.held.conversation

    @property
    def account(self) -> str:
        return Conversation.parse(self.address).account

    @property
    def resting(self) -> tuple[Outcome, str]:
        """What it is while it waits for its turn."""
        match self.known:
            case "open" | "unknown" | "sending" as known:  # an earlier try may still be heard of
                return known, self.identity
            case _:
                return "staged", ""


class Failures:
    """Writes down what became of bubbles that were not taken, and tells who must know."""

    def __init__(self, outbox: Outbox, park_seconds: float, metrics: Metrics) -> None:
        """``park_seconds`` is how long a reply waits for a person who must write first."""
        self._outbox, self.park_seconds, self._metrics = outbox, park_seconds, metrics
        self.tell: Tell = _nobody
        self._told: set[tuple[str, str]] = set()

    def note(
        self, bubble: Bubble, outcome: Outcome, identity: str = "", *, wait: float = 0, code: int = 0,
        tries: int | None = None, well: bool = False, why: str = "",
    ) -> bool:  # fmt: skip
        """Write down a bubble's outcome, whatever happens to Redis meanwhile; whether nothing of the reply is left.

        Nothing is written if it is another bubble by now, because the conversation was erased.
        """
        where, turn, index = bubble.held.conversation, bubble.reply.turn, bubble.index
        return patiently(
            lambda: self._outbox.record(
                where, turn, index, outcome, identity=identity, wait=wait, mine=bubble.mine, code=code, tries=tries,
                well=well, why=why,
            )
        )  # fmt: skip

    def pause(self, channel: Channel, conversation: str, error: RateLimited) -> None:
        """Nothing is said here, or to anybody on this account, before the platform wants it."""
        self._metrics.limited(channel.name)
        limits = channel.limits(conversation) if error.everybody else ()
        patiently(lambda: self._outbox.pause(conversation, error.retry_after, limits[0] if limits else None))

    def meet(self, bubble: Bubble, error: DeliveryError, unknown: Outcome, identity: str) -> bool:
        """What a failure means for this bubble and those behind it: True when the next one may follow.

        ``unknown`` is what it becomes, with ``identity``, when nobody knows whether the platform did it.
        """
        who = pseudonym(bubble.held.conversation)
        why = type(error).__name__
        log.warning("a bubble was not delivered: %s: %s", why, error, extra={"conversation": who})
        self._metrics.delivered(bubble.channel.name, why.lower())
        if error.alarming:
            self._alarm(bubble, error)
        match error:
            case RateLimited():
                self._slow_down(bubble, error)
            case Halted():
                self.halt(bubble.channel, bubble.held.conversation, bubble.address, error, mine=bubble.mine)
                self.note(bubble, *bubble.resting, code=error.code)
            case Gone():
                self.note(bubble, "staged", bubble.identity)
            case Parked():
                self.park(bubble, 0 if self._will_ask(bubble) else self.park_seconds, code=error.code)
            case Refused():
                self.note(bubble, "failed", code=error.code, why=why)
                return True
            case Blocked():
                self._give_up(bubble, error)
            case _ if error.tries and bubble.tries + 1 >= error.tries:
                self.note(bubble, "failed", code=error.code, why=why)
                return True
            case Undelivered():
                self._again(bubble, error, *bubble.resting, UNDELIVERED_SECONDS)
            case _:
                first = EDIT_AGAIN_SECONDS if unknown == "open" else bubble.channel.unknown_seconds
                self._again(bubble, error, unknown, identity, first)
        return False

    def park(self, bubble: Bubble, seconds: float, *, code: int = 0) -> None:
        """Its person must write first; an earlier try at it may still be heard of."""
        known = bubble.mine if bubble.known == "unknown" and bubble.mine else bubble.identity
        self.note(bubble, "parked", known if bubble.known in {"unknown", "parked"} else "", wait=seconds, code=code)
        if not bubble.channel.asks_to_write(bubble.address):
            self._tell(f"closed:{bubble.account}:{_today()}", WAITS, bubble.account)

    def halt(self, channel: Channel, conversation: str, address: str, error: Halted, *, mine: str = "") -> None:
        """The account takes nothing more: all workers know, and the owner is told, once."""
        reason, credential = str(error), channel.credential(address)
        since = patiently(
            lambda: self._outbox.halt(conversation, reason, credential=credential, code=error.code, mine=mine)
        )
        if since:
            self.tell_of_hold(Conversation.parse(conversation).account, since, reason)

    def tell_of_hold(self, account: str, since: str, reason: str) -> None:
        """Let the owner know that the account is on hold ``since`` then; told once, by whichever worker."""
        if (account, since) not in self._told and self._tell(f"hold:{account}:{since}", HOLD, account, reason):
            self._told.add((account, since))

    def _alarm(self, bubble: Bubble, error: DeliveryError) -> None:
        """Something that the owner can mend, once a day."""
        self._tell(f"code:{bubble.account}:{error.code}:{_today()}", ALARM, bubble.account, str(error))

    def _tell(self, once: str, words: Text, account: str, reason: str = "") -> bool:
        about = {"account": account, "reason": reason}
        told = Text(es=words.es.format(**about), en=words.en.format(**about))
        try:
            self.tell(once, told, account)
        except (SettingsError, StoreUnavailable) as error:
            log.error("the owner could not be told: %s", error)
            return False
        return True

    def _slow_down(self, bubble: Bubble, error: RateLimited) -> None:
        """The platform wants a pause. Where it wants a longer one each time, it is this person's alone."""
        tries = bubble.tries + 1 if error.growing else None
        growing = float(PAIR_BASE ** min(bubble.tries, PAIR_MOST)) if error.growing else SHORTEST_PAUSE
        wait = max(error.retry_after, growing)
        limited = RateLimited(str(error), wait, everybody=error.everybody)
        self.pause(bubble.channel, bubble.held.conversation, limited)
        self.note(bubble, *bubble.resting, wait=wait, code=error.code, tries=tries, well=not error.everybody)

    def _again(self, bubble: Bubble, error: DeliveryError, outcome: Outcome, identity: str, first: float) -> None:
        """It is tried again, after a wait that grows; what stays in doubt waits for its status, as long each time."""
        grows = bool(error.tries) or isinstance(error, Undelivered)
        longest = LONGEST_SECONDS if error.tries else LONGEST_FOR_EVER
        wait = max(first, min(longest, first * 2 ** min(bubble.tries, 10))) if grows else first
        self.note(bubble, outcome, identity, wait=wait, code=error.code, tries=bubble.tries + 1 if grows else None)

    def _give_up(self, bubble: Bubble, error: DeliveryError) -> None:
        """This person gets nothing more of this reply."""
        settled = self.note(bubble, "failed", code=error.code, why=type(error).__name__)
        for rest in range(bubble.index + 1, len(bubble.reply.pieces)):
            settled = settled or self.note(replace(bubble, index=rest, mine=""), "failed")

    def _will_ask(self, bubble: Bubble) -> bool:
        """Whether the person is asked to write first, as soon as the outbox is looked at again."""
        return bubble.channel.asks_to_write(bubble.address) and not bubble.asks


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
