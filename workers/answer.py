"""The use case: open a conversation's mailbox, think, speak. It imports no I/O library."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from bot import texts
from bot.channels import Channel
from bot.errors import Rejected, StoreUnavailable, Unavailable
from bot.logs import pseudonym
from bot.message import Piece, Reply
from bot.settings import Settings
from bot.stores.mailbox import Later, Mailbox, Rest, Think, channel_of
from workers.held import Held, LeaseLost, patiently
from workers.speak import Speaker
from workers.think import Thinker, Thought, spoken

TRIES = 3
"""A turn that failed so often by an exception goes to the dead letters, and the conversation goes on."""

CHANNEL_OFF_SECONDS = 60.0

log = logging.getLogger("recado.turn")


class Answerer:
    """Answers conversations; one for all threads of a worker.

    ``look_again`` is told in how many seconds a conversation will be due, ``show_typing`` shows that
    an answer is on its way without waiting for the platform. ``leaving`` takes up no further turns.
    """

    def __init__(
        self, settings: Settings, *, mailbox: Mailbox, thinker: Thinker, speaker: Speaker,
        channels: Mapping[str, Channel], look_again: Callable[[float], None] = lambda _: None,
        show_typing: Callable[[Channel, str, str], None] = lambda *_: None,
    ) -> None:  # fmt: skip
        self.mailbox, self._thinker, self._speaker = mailbox, thinker, speaker
        self._channels, self._notice_seconds = channels, settings.slow_notice_seconds
        self.look_again, self.show_typing = look_again, show_typing
        self.leaving = False
        self._held: dict[str, Held] = {}

    @property
    def held(self) -> list[Held]:
        """What this worker has a lease on now."""
        return [held for held in list(self._held.values()) if held.leased]

    def channel(self, conversation: str) -> Channel | None:
        return self._channels.get(channel_of(conversation))

    def check(self) -> str:
        """Prove by one real call that the model answers. Raises Unavailable or Rejected."""
        return self._thinker.backend.check()

    def abandon(self) -> None:
        """Give every conversation back at once, for another worker to go on with."""
        for held in self.held:
            self.mailbox.defer(held.conversation, held.token, 0)

    def answer(self, conversation: str) -> None:
        """Do what is to be done in this conversation now. Raises StoreUnavailable, and nothing else."""
        with self._hold(conversation) as held:
            try:
                while self._step(held):
                    pass
            except LeaseLost:
                log.warning("lease lost", extra={"conversation": pseudonym(conversation)})

    @contextmanager
    def _hold(self, conversation: str) -> Iterator[Held]:
        held = Held(conversation)
        self._held[held.token] = held
        try:
            yield held
        finally:
            del self._held[held.token]

    def _step(self, held: Held) -> bool:
        """One thing: a turn, a reply, or nothing; whether there is another for us."""
        taken = self.mailbox.take(held.conversation, held.token)
        if isinstance(taken, Rest):
            return False
        if isinstance(taken, Later):
            self._listen(held.conversation, taken)
            return False
        held.leased = True
        if isinstance(taken, Think):
            if self._think(held, taken):
                return True  # its reply waits in the outbox: speak before anything else
        else:
            self._speaker.speak(held, self.channel(held.conversation), taken)
        return self.mailbox.release(held.conversation, held.token, stay=not self.leaving)

    def _listen(self, conversation: str, later: Later) -> None:
        self.look_again(later.seconds)
        channel = self.channel(conversation)
        if later.listening and channel:
            self.show_typing(channel, conversation, later.listening.id)

    def _think(self, held: Held, task: Think) -> bool:
        """One turn, thought and committed; False when it must wait."""
        started = time.monotonic()
        try:
            thought = self._thought(held, task)
            reply = self._reply(held.conversation, task.batch.turn, thought.text)
        except Unavailable as error:
            self._wait(held, task, error, time.monotonic() - started)
            return False
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception:  # the border of a turn: whatever fails in it must end neither worker nor conversation
            log.exception("a turn failed", extra={"conversation": pseudonym(held.conversation)})
            if int(task.state.get("tries", 0)) + 1 < TRIES:
                self.mailbox.defer(held.conversation, held.token, 1, failed=True)
                return False
            thought = self._thinker.apology(task, outcome="dead")
            reply = Reply(task.batch.turn, (Piece(thought.text),))
        self._commit(held, task, thought, reply)
        self._log(held, task, thought.outcome, time.monotonic() - started)
        return True

    def _thought(self, held: Held, task: Think) -> Thought:
        channel = self.channel(held.conversation)
        if channel is None:
            raise Unavailable(f"the channel {channel_of(held.conversation)} is off", CHANNEL_OFF_SECONDS)

        def begin() -> None:
            held.typing_for = task.batch.messages[-1].id
            self.show_typing(channel, held.conversation, held.typing_for)

        try:
            return self._thinker.think(held, task, begin)
        except Rejected as error:
            log.error("the model refuses a turn: %s", error, extra={"conversation": pseudonym(held.conversation)})
            return self._thinker.apology(task, outcome="rejected")
        finally:
            held.typing_for = ""

    def _wait(self, held: Held, task: Think, error: Unavailable, spent: float) -> None:
        """Nobody waits in a thread for a model: the turn is deferred, and the person told once."""
        seconds = error.retry_after or 1.0
        waited = spent + 2 ** min(int(task.state.get("waits", 0)), 10) - 1
        notice = None
        if waited + seconds >= self._notice_seconds:
            slow = texts.SLOW.to(self._thinker.language(task))
            notice = self._reply(held.conversation, -task.batch.turn, slow)
        who = pseudonym(held.conversation)
        log.warning("the model is away, the turn waits: %s", error, extra={"conversation": who})
        self.mailbox.defer(held.conversation, held.token, seconds, notice=notice)

    def _commit(self, held: Held, task: Think, thought: Thought, reply: Reply | None) -> None:
        committed = patiently(
            lambda: self.mailbox.commit(
                held.conversation, held.token, task.batch.turn, reply, thought.turns,
                mode=thought.mode, window=thought.window, language=spoken(task),
            )
        )  # fmt: skip
        if not committed:
            raise LeaseLost

    def _reply(self, conversation: str, turn: int, text: str) -> Reply | None:
        channel = self.channel(conversation)
        return Reply(turn, channel.render(text) or (Piece(text),)) if channel else None

    def _log(self, held: Held, task: Think, outcome: str, seconds: float) -> None:
        log.info(
            "turn",
            extra={
                "conversation": pseudonym(held.conversation), "channel": channel_of(held.conversation),
                "backend": self._thinker.backend.name, "turn": task.batch.turn, "messages": len(task.batch.messages),
                "think_ms": round(seconds * 1000), "outcome": outcome,
            },
        )  # fmt: skip
