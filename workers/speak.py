"""Speaking: a reply's bubbles go out one after the other, and what became of each is written down."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from bot.channels import Channel
from bot.errors import DeliveryError, RateLimited, Refused, Unknown
from bot.message import Piece
from bot.stores.outbox import Begun, Mode, Outbox
from bot.stores.taken import Speak
from workers.failures import Bubble, Failures
from workers.grow import opening
from workers.held import Held, LeaseLost, patiently
from workers.metrics import Metrics

CHANNEL_OFF_SECONDS = 60.0

log = logging.getLogger("recado.speak")

Result = TypeVar("Result")


class Speaker:
    """Sends what the outbox holds; `sending` is written before each call, the outcome after it."""

    def __init__(self, outbox: Outbox, park_seconds: float, metrics: Metrics) -> None:
        """``park_seconds`` is how long a reply waits for a person who must write first."""
        self._outbox, self._metrics, self.failures = outbox, metrics, Failures(outbox, park_seconds, metrics)

    def speak(self, held: Held, channel: Channel | None, task: Speak) -> None:
        """Say what is not yet said of a reply, as far as it may go now. Raises LeaseLost, StoreUnavailable."""
        if channel is None:
            name = held.conversation.split(":")[0]
            log.error("a reply waits for a channel that is off; set its token again: %s", name)
            patiently(lambda: self._outbox.pause(held.conversation, CHANNEL_OFF_SECONDS))
            return
        for index in range(len(task.reply.pieces)):
            bubble = Bubble.of(held, channel, task, index)
            if bubble.known in {"sent", "failed"}:
                continue
            if not (self._grow(bubble) if channel.edits and task.reply.grows else self._send(bubble, task)):
                return

    def pause(self, channel: Channel, conversation: str, error: RateLimited) -> None:
        """Nothing is said here, or to anybody on this account, before the platform wants it."""
        self.failures.pause(channel, conversation, error)

    def _begin(self, bubble: Bubble, mode: Mode) -> Begun:
        """Whether the bubble may go now and its id; where it must wait, that is written down. Raises LeaseLost."""
        held, channel, address = bubble.held, bubble.channel, bubble.address
        begun = self._outbox.begin(
            held.conversation, held.token, bubble.reply.turn, bubble.index, channel.limits(address), mode=mode,
            credential=channel.credential(address), window=0 if bubble.asks else channel.window_seconds,
        )  # fmt: skip
        if begun.permission == "lost":
            raise LeaseLost
        if begun.permission == "wait":
            self.failures.note(bubble, *bubble.resting, wait=begun.wait)
        if begun.permission == "held":
            since, _, reason = begun.identity.partition(" ")
            self.failures.tell_of_hold(bubble.account, since, reason)
        return begun

    def _send(self, bubble: Bubble, task: Speak) -> bool:
        """Send it whole, once; True when the next one may follow."""
        if bubble.known == "sending":  # a worker died here: nobody knows whether the platform took it
            self.failures.note(bubble, "unknown", bubble.identity, wait=bubble.channel.unknown_seconds)
            return False
        begun = self._begin(bubble, "send")
        if begun.permission == "closed":
            return self._park(bubble, task, parked_for=begun.wait)
        if begun.permission != "go":
            return bubble.asks and begun.permission == "settled"
        bubble.mine = begun.identity.partition(".")[0]
        try:
            sent = _call(lambda: _deliver(bubble, task, begun.identity), again=bubble.known == "unknown")
        except DeliveryError as error:
            return self.failures.meet(bubble, error, "unknown", bubble.mine)
        self._first_words(bubble)
        self._sent(bubble, sent)
        return True

    def _park(self, bubble: Bubble, task: Speak, parked_for: float) -> bool:
        """Its person must write first, and is asked to, once; ``parked_for`` seconds it has waited for that."""
        left = self.failures.park_seconds - parked_for
        if bubble.known == "parked" and left <= 0:
            self.failures.note(bubble, "failed", why="Parked")
            return True
        if bubble.channel.asks_to_write(bubble.address):
            asking = Bubble.of(bubble.held, bubble.channel, task, len(task.reply.pieces))
            if asking.known not in {"sent", "failed"} and not self._send(asking, task):
                return False
        self.failures.park(bubble, left)
        return False

    def _grow(self, bubble: Bubble) -> bool:
        """Let the bubble read its final text, and open it first if need be; True when the next one may follow."""
        if bubble.known != "open" and not self._open(bubble):
            return False
        if self._begin(bubble, "edit").permission != "go":
            return False
        bubble.mine = bubble.identity
        try:
            _call(lambda: bubble.channel.edit(bubble.address, bubble.identity, bubble.piece), again=True)
        except DeliveryError as error:
            return self.failures.meet(bubble, error, "open", bubble.identity)
        self._sent(bubble, bubble.identity)
        return True

    def _first_words(self, bubble: Bubble) -> None:
        """Its person sees this bubble now, and none of the reply before it."""
        if bubble.index == 0:
            self._metrics.first_words(bubble.channel.name, bubble.reply.backend, bubble.waited)

    def _sent(self, bubble: Bubble, identity: str) -> None:
        """The platform has taken the bubble as it is to stay."""
        name, reply = bubble.channel.name, bubble.reply
        self._metrics.delivered(name, "sent")
        if self.failures.note(bubble, "sent", identity):
            bubble.held.figures.said(reply.turn)
            self._metrics.answered(name, reply.backend, bubble.waited)

    def _open(self, bubble: Bubble) -> bool:
        """Send the opening. One that a dead worker may have sent stays stray, and is counted."""
        permission, found, _ = self._begin(bubble, "open")
        if permission == "go":
            first, reference, again = opening(bubble.piece.text), found, bubble.known == "sending"
            bubble.mine, bubble.known = reference.partition(".")[0], "staged"
            try:
                sent = _call(lambda: bubble.channel.speak(bubble.address, first, reference), again=again)
            except DeliveryError as error:
                return self.failures.meet(bubble, error, "sending", bubble.mine)
            self._first_words(bubble)
            found = patiently(lambda: self._outbox.opened(bubble.held.conversation, reference, sent))
        elif permission != "open":
            return False
        bubble.known, bubble.identity = "open", found
        return bool(found)


def _deliver(bubble: Bubble, task: Speak, reference: str) -> str:
    """One call: the bubble itself, or the one that asks its person to write first. Raises DeliveryError."""
    if bubble.asks:
        return bubble.channel.ask_to_write(bubble.address, reference)
    return bubble.channel.speak(bubble.address, _quoting(bubble, task), reference)


def _quoting(bubble: Bubble, task: Speak) -> Piece:
    """What it answers stands above the first bubble where its person has said more since."""
    reply, piece = bubble.reply, bubble.piece
    overtaken = int(task.state.get("number", 0)) > reply.number > 0
    return replace(piece, quotes=reply.answers) if reply.answers and overtaken and bubble.index == 0 else piece


def _call(call: Callable[[], Result], *, again: bool) -> Result:
    """The border of a bubble: what fails for no known reason, ``again``, must not hold back the others for ever."""
    try:
        return call()
    except DeliveryError:
        raise
    except Exception as error:
        log.exception("a bubble could not be sent")
        raise (Refused if again else Unknown)(type(error).__name__) from error
