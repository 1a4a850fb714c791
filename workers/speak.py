"""Speaking: a reply's bubbles go out one after the other, and what became of each is written down."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.channels import Channel
from bot.errors import Blocked, DeliveryError, Gone, Parked, RateLimited, Refused, Undelivered, Unknown
from bot.logs import pseudonym
from bot.message import Piece, Reply
from bot.stores.outbox import Mode, Outbox, Outcome, piece_state
from bot.stores.taken import Speak
from workers.grow import opening
from workers.held import Held, LeaseLost, patiently

UNDELIVERED_SECONDS = 5.0
EDIT_AGAIN_SECONDS = 1.0
SHORTEST_PAUSE = 0.05
"""A platform that says "retry after 0" is not asked a thousand times a second."""

CHANNEL_OFF_SECONDS = 60.0

log = logging.getLogger("recado.speak")

Result = TypeVar("Result")


class Speaker:
    """Sends what the outbox holds; `sending` is written before each call, the outcome after it."""

    def __init__(self, outbox: Outbox, park_seconds: float) -> None:
        """``park_seconds`` is how long a reply waits for a person who must write first."""
        self._outbox, self._park_seconds = outbox, park_seconds

    def speak(self, held: Held, channel: Channel | None, task: Speak) -> None:
        """Say what is not yet said of a reply, as far as it may go now. Raises LeaseLost, StoreUnavailable."""
        if channel is None:
            name = held.conversation.split(":")[0]
            log.error("a reply waits for a channel that is off; set its token again: %s", name)
            self._note(held, task.reply, 0, "staged", wait=CHANNEL_OFF_SECONDS)
            return
        for index in range(len(task.reply.pieces)):
            known, identity = piece_state(task.state, task.reply.turn, index)
            if known in {"sent", "failed"}:
                continue
            bubble = _Bubble(self, held, channel, task.reply, index, known, identity)
            if not (bubble.grow() if channel.edits and task.reply.grows else bubble.send()):
                return

    def begin(self, bubble: _Bubble, mode: Mode) -> tuple[str, str]:
        """Whether the bubble may go now and its id; where it must wait, that is written down. Raises LeaseLost."""
        held, channel = bubble.held, bubble.channel
        permission, identity, wait = self._outbox.begin(
            held.conversation, held.token, bubble.reply.turn, bubble.index, channel.limits(held.conversation), mode=mode
        )
        if permission == "lost":
            raise LeaseLost
        if permission == "wait":
            self._note(held, bubble.reply, bubble.index, *bubble.resting, wait=wait)
        return permission, identity

    def opened(self, bubble: _Bubble, reference: str, found: str) -> str:
        return patiently(lambda: self._outbox.opened(bubble.held.conversation, reference, found))

    def note(self, bubble: _Bubble, outcome: Outcome, identity: str = "", *, wait: float = 0) -> bool:
        """As ``_note``, unless the bubble is another one by now, because the conversation was erased."""
        return self._note(bubble.held, bubble.reply, bubble.index, outcome, identity, wait=wait, mine=bubble.mine)

    def _note(
        self, held: Held, reply: Reply, index: int, outcome: Outcome, identity: str = "", *, wait: float = 0,
        mine: str = "",
    ) -> bool:  # fmt: skip
        """Write down a bubble's outcome, whatever happens to Redis meanwhile; whether nothing of the reply is left."""
        where, turn = held.conversation, reply.turn
        return patiently(
            lambda: self._outbox.record(where, turn, index, outcome, identity=identity, wait=wait, mine=mine)
        )

    def pause(self, channel: Channel, conversation: str, error: RateLimited) -> None:
        """Nothing is said here, or to anybody on this channel, before the platform wants it."""
        limits = channel.limits(conversation) if error.everybody else ()
        patiently(lambda: self._outbox.pause(conversation, error.retry_after, limits[0] if limits else None))

    def failed(self, bubble: _Bubble, error: DeliveryError, unknown: Outcome, identity: str) -> bool:
        """What a failure means for this bubble and those behind it: True when the next one may follow.

        ``unknown`` is what it becomes, with ``identity``, when nobody knows whether the platform did it.
        """
        who = pseudonym(bubble.held.conversation)
        log.warning("a bubble was not delivered: %s: %s", type(error).__name__, error, extra={"conversation": who})
        match error:
            case RateLimited():
                self.pause(bubble.channel, bubble.held.conversation, error)
                self.note(bubble, *bubble.resting, wait=max(error.retry_after, SHORTEST_PAUSE))
            case Undelivered():
                self.note(bubble, *bubble.resting, wait=UNDELIVERED_SECONDS)
            case Gone():
                self.note(bubble, "staged", bubble.identity)
            case Parked() if bubble.known != "parked":
                self.note(bubble, "parked", wait=self._park_seconds)
            case Refused() | Parked():
                self.note(bubble, "failed")
                return True
            case Blocked():
                settled = self.note(bubble, "failed")
                for rest in range(bubble.index + 1, len(bubble.reply.pieces)):
                    settled = settled or self._note(bubble.held, bubble.reply, rest, "failed")
            case _:
                wait = EDIT_AGAIN_SECONDS if unknown == "open" else bubble.channel.unknown_seconds
                self.note(bubble, unknown, identity, wait=wait)
        return False


@dataclass(slots=True)
class _Bubble:
    """One bubble of a reply on its way. ``known`` is its state as the mailbox gave it, with its ``identity``."""

    speaker: Speaker
    held: Held
    channel: Channel
    reply: Reply
    index: int
    known: str
    identity: str
    mine: str = ""
    """The id under which it was begun, while the platform is called."""

    @property
    def piece(self) -> Piece:
        return self.reply.pieces[self.index]

    @property
    def resting(self) -> tuple[Outcome, str]:
        """What it is while it waits for its turn."""
        match self.known:
            case "open" | "unknown" | "sending" as known:  # an earlier try may still be heard of
                return known, self.identity
            case _:
                return "staged", ""

    def send(self) -> bool:
        """Send it whole, once; True when the next one may follow."""
        if self.known == "sending":  # a worker died here: nobody knows whether the platform took it
            self.speaker.note(self, "unknown", self.identity, wait=self.channel.unknown_seconds)
            return False
        permission, reference = self.speaker.begin(self, "send")
        if permission != "go":
            return False
        self.mine = reference.partition(".")[0]
        try:
            sent = self._call(
                lambda: self.channel.speak(self.held.conversation, self.piece, reference), again=self.known == "unknown"
            )
        except DeliveryError as error:
            return self.speaker.failed(self, error, "unknown", self.mine)
        self.speaker.note(self, "sent", sent)
        return True

    def grow(self) -> bool:
        """Let the bubble read its final text, and open it first if need be; True when the next one may follow."""
        if self.known != "open" and not self._open():
            return False
        permission, _ = self.speaker.begin(self, "edit")
        if permission != "go":
            return False
        self.mine = self.identity
        try:
            self._call(lambda: self.channel.edit(self.held.conversation, self.identity, self.piece), again=True)
        except DeliveryError as error:
            return self.speaker.failed(self, error, "open", self.identity)
        self.speaker.note(self, "sent", self.identity)
        return True

    def _open(self) -> bool:
        """Send the opening. One that a dead worker may have sent stays stray, and is counted."""
        permission, found = self.speaker.begin(self, "open")
        if permission == "go":
            first, reference, again = opening(self.piece.text), found, self.known == "sending"
            self.mine, self.known = reference.partition(".")[0], "staged"
            try:
                sent = self._call(lambda: self.channel.speak(self.held.conversation, first, reference), again=again)
            except DeliveryError as error:
                return self.speaker.failed(self, error, "sending", self.mine)
            found = self.speaker.opened(self, reference, sent)
        elif permission != "open":
            return False
        self.known, self.identity = "open", found
        return bool(found)

    def _call(self, call: Callable[[], Result], *, again: bool) -> Result:
        """The border of a bubble: what fails for no known reason, ``again``, must not hold back the others for ever."""
        try:
            return call()
        except DeliveryError:
            raise
        except Exception as error:
            log.exception("a bubble could not be sent")
            raise (Refused if again else Unknown)(type(error).__name__) from error
