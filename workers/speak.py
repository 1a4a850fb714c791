"""Speaking: a reply's bubbles go out one after the other, and what became of each is written down."""

from __future__ import annotations

import logging

from bot.channels import Channel
from bot.errors import Blocked, DeliveryError, RateLimited, Refused, Undelivered, Unknown
from bot.logs import pseudonym
from bot.message import Reply
from bot.stores.mailbox import Speak
from bot.stores.outbox import Outbox, Outcome, piece_state
from workers.held import Held, LeaseLost, patiently

UNDELIVERED_SECONDS = 5.0
SHORTEST_PAUSE = 0.05
"""A platform that says "retry after 0" is not asked a thousand times a second."""

CHANNEL_OFF_SECONDS = 60.0

log = logging.getLogger("recado.speak")


class Speaker:
    """Sends what the outbox holds; `sending` is written before each call, the outcome after it."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def speak(self, held: Held, channel: Channel | None, task: Speak) -> None:
        """Send what is not yet sent of a reply, as far as it may go now. Raises LeaseLost, StoreUnavailable."""
        for index in range(len(task.reply.pieces)):
            known = piece_state(task.state, task.reply.turn, index)
            if known in {"sent", "failed"}:
                continue
            if channel is None:
                log.error(
                    "a reply waits for a channel that is off; set its token again: %s", held.conversation.split(":")[0]
                )
                self._note(held, task.reply, index, "staged", wait=CHANNEL_OFF_SECONDS)
                return
            if known == "sending":  # a worker died here: nobody knows whether the platform took it
                self._note(held, task.reply, index, "unknown", wait=channel.unknown_seconds)
                return
            if not self._send(held, channel, task, index):
                return

    def _send(self, held: Held, channel: Channel, task: Speak, index: int) -> bool:
        """Send one bubble; True when the next one may follow."""
        reply = task.reply
        permission, wait = self._outbox.begin(
            held.conversation, held.token, reply, index, channel.limits(held.conversation)
        )
        if permission == "lost":
            raise LeaseLost
        if permission == "wait":
            self._note(held, reply, index, "staged", wait=wait)
        if permission != "go":
            return False
        reference = f"{pseudonym(held.conversation)}.{reply.turn}.{index}"
        try:
            sent = channel.speak(held.conversation, reply.pieces[index], reference)
        except DeliveryError as error:
            return self._failed(held, channel, reply, index, error)
        except Exception:  # the border of a bubble: what always fails must not hold back the conversation for ever
            log.exception("a bubble could not be sent")
            again = piece_state(task.state, reply.turn, index) == "unknown"
            self._note(
                held, reply, index, "failed" if again else "unknown", wait=0 if again else channel.unknown_seconds
            )
            return again
        self._note(held, reply, index, "sent", platform_id=sent)
        return True

    def _failed(self, held: Held, channel: Channel, reply: Reply, index: int, error: DeliveryError) -> bool:
        """What each failure means for this bubble and for those behind it."""
        who = pseudonym(held.conversation)
        log.warning("a bubble was not delivered: %s: %s", type(error).__name__, error, extra={"conversation": who})
        match error:
            case RateLimited():
                self._note(held, reply, index, "staged", wait=max(error.retry_after, SHORTEST_PAUSE))
            case Undelivered():
                self._note(held, reply, index, "staged", wait=UNDELIVERED_SECONDS)
            case Unknown():
                self._note(held, reply, index, "unknown", wait=channel.unknown_seconds)
            case Refused():
                self._note(held, reply, index, "failed")
                return True
            case Blocked():
                for rest in range(index, len(reply.pieces)):
                    self._note(held, reply, rest, "failed")
        return False

    def _note(
        self, held: Held, reply: Reply, index: int, outcome: Outcome, *, platform_id: str = "", wait: float = 0
    ) -> None:
        """Write down a bubble's outcome, whatever happens to Redis meanwhile."""
        patiently(
            lambda: self._outbox.record(held.conversation, reply, index, outcome, platform_id=platform_id, wait=wait)
        )
