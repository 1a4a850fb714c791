"""The use case: open a conversation's mailbox, think, speak. It imports no I/O library."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

from bot import texts
from bot.channels import Channel
from bot.errors import RateLimited, Rejected, StoreUnavailable, Unavailable
from bot.logs import pseudonym
from bot.message import Conversation, Piece, Reply
from bot.settings import Settings
from bot.stores.history import STOPPED
from bot.stores.mailbox import Mailbox, channel_of
from bot.stores.outbox import Outbox
from bot.stores.taken import Later, Rest, Revised, Speak, Taken, Think
from workers.asking import Asker, Show
from workers.figures import Figures
from workers.groups import told
from workers.grow import Beside
from workers.held import Held, LeaseLost
from workers.metrics import Metrics
from workers.places import Places, Waits
from workers.reply import end, reply_to
from workers.speak import CHANNEL_OFF_SECONDS, Speaker
from workers.think import Thinker
from workers.thought import Thought

TRIES = 3
"""A turn that failed so often by an exception goes to the dead letters, and the conversation goes on."""

STRIKES = 5
"""A turn during which, as the only suspect, so many workers died goes there too."""

log = logging.getLogger("recado.turn")


class Answerer:
    """Answers conversations; one for all threads of a worker.

    ``look_again`` is told in how many seconds a conversation will be due, ``show_typing`` shows that
    an answer is on its way without waiting, ``erase`` lets go what people want to go, ``watch`` sees what the owner has
    to know, ``trace`` each turn that is over. ``leaving``: no further turns. ``thinkers`` are those of accounts that
    have one of their own.
    """

    def __init__(
        self, settings: Settings, *, mailbox: Mailbox, thinker: Thinker, outbox: Outbox, places: Places,
        channels: Mapping[str, Channel], look_again: Callable[[float], None] = lambda _: None,
        show_typing: Callable[[Channel, str, str, str], None] = lambda *_: None,
    ) -> None:  # fmt: skip
        self.mailbox, self._outbox, self.places = mailbox, outbox, places
        self._thinker, self.thinkers = thinker, dict[str, Thinker]()
        self.metrics = Metrics()
        self.metrics.look_at(lambda: self.held)
        self._speaker = Speaker(outbox, settings.history_days * 86_400, self.metrics)
        self.failures = self._speaker.failures
        self._channels, self.notice_seconds = channels, settings.slow_notice_seconds
        self.look_again, self.show_typing = look_again, show_typing
        self.beside: Show = Beside
        self._asker = Asker(
            settings, mailbox=mailbox, outbox=outbox, places=places, metrics=self.metrics, pause=self._speaker.pause
        )
        self.erase: Callable[[], None] = lambda: None
        self.watch: Callable[[], None] = lambda: None
        self.trace: Callable[[Figures], None] = lambda _: None
        self.leaving = False
        self._held: dict[str, Held] = {}
        self._stranded: deque[Held] = deque()

    @property
    def held(self) -> list[Held]:
        """What this worker has a lease on now."""
        return [held for held in list(self._held.values()) if held.leased]

    def channel(self, conversation: str) -> Channel | None:
        """Where this conversation is; None where its channel is off, or serves its account no more."""
        channel = self._channels.get(channel_of(conversation))
        return channel if channel and channel.serves(Conversation.parse(conversation).account) else None

    def thinker(self, conversation: str) -> Thinker:
        """Who thinks for the account that this conversation is with."""
        return self.thinkers.get(Conversation.parse(conversation).account, self._thinker)

    def check(self) -> str:
        """Prove by one real call that the model answers. Raises Unavailable or Rejected."""
        return self._thinker.backend.check()

    def pause(self, channel: Channel, conversation: str, error: RateLimited) -> None:
        """Nothing is said here, or to anybody on this channel, before the platform wants it."""
        self._speaker.pause(channel, conversation, error)

    def may_show(self, channel: Channel, conversation: str, address: str) -> bool:
        """Whether the platform's limits at ``address`` have room for what nobody would miss, such as typing."""
        return self._outbox.spare(conversation, channel.limits(address)[:1])

    def abandon(self) -> None:
        """Give every conversation back at once, for another worker to go on with."""
        for held in self.held:
            self._give_back(held)

    def give_back_stranded(self) -> None:
        """Give back what was in hand when Redis went away: nobody died, and nobody need wait for the lease's end."""
        while self._stranded:
            self._give_back(self._stranded[0])
            self._stranded.popleft()

    def _give_back(self, held: Held) -> None:
        self.places.give_back(held)
        self.mailbox.defer(held.conversation, held.token, 0)

    def answer(self, conversation: str) -> None:
        """Do what is to be done in this conversation now. Raises StoreUnavailable, and nothing else."""
        held = Held(conversation)
        self._held[held.token] = held
        try:
            while self._step(held):
                pass
        except LeaseLost:
            log.warning("lease lost", extra={"conversation": pseudonym(conversation)})
        except StoreUnavailable:
            self._stranded.append(held)
            raise
        finally:
            del self._held[held.token]
            self._trace(held)

    def _trace(self, held: Held) -> None:
        """The last turn was spoken as far as it goes here."""
        figures, held.figures = held.figures, Figures()
        try:
            if figures.outcome:
                self.trace(figures)
        except Exception:  # the border of a foreign hook
            log.exception("a turn could not be traced")

    def _step(self, held: Held) -> bool:
        """One thing: a turn, a reply, or nothing; whether there is another for us."""
        taken = self._take(held)
        if isinstance(taken, Rest):
            return False
        if isinstance(taken, Later):
            self._listen(held.conversation, taken)
            return False
        if isinstance(taken, Think) and self._think(held, taken):
            return True  # its reply waits in the outbox: speak before anything else
        return self.mailbox.release(held.conversation, held.token, stay=not self.leaving)

    def _take(self, held: Held) -> Taken:
        """What is to be done now; a reply is said at once."""
        with held.speaking:
            taken = self.mailbox.take(held.conversation, held.token)
            if isinstance(taken, Speak | Think):
                held.leased, held.address = True, taken.state.get("address") or held.conversation
            if isinstance(taken, Speak):
                doing, held.doing = held.doing, "speaking"
                self._speaker.speak(held, self.channel(held.conversation), taken)
                held.doing = doing
        return taken

    def tell(self, held: Held) -> None:
        """Tell a person whose model is silent so, while their turn goes on. Raises StoreUnavailable."""
        notice, held.notice = held.notice, None
        if notice and self.mailbox.tell(held.conversation, held.token, notice):
            with suppress(LeaseLost):
                self._take(held)

    def _listen(self, conversation: str, later: Later) -> None:
        self.look_again(later.seconds)
        channel = self.channel(conversation)
        if later.listening and later.listening.addressed and channel:
            self.show_typing(channel, conversation, later.listening.id, later.address or conversation)

    def _think(self, held: Held, task: Think) -> bool:
        """One turn, thought and committed; False when it must wait."""
        thinker = self._begin(held, task)
        deaths = 0 if thinker.halted(task) else int(task.state.get("deaths", 0))
        try:
            task = told(task, held.conversation, self.channel(held.conversation), self.mailbox)
            with self.places.alone(held, deaths, lambda: self._notice(held, task)):
                thought = self._thought(held, task)
                reply = reply_to(self.channel(held.conversation), task.batch.turn, thought)
        except Waits:
            return False
        except Revised:
            self.metrics.retried("revised")
            return True  # it is thought anew, as it reads now, into the same bubble
        except Unavailable as error:
            channel, notice = self.channel(held.conversation), self._notice(held, task)
            self._asker.wait(thinker, held, task, error, notice, reason="model" if channel else "channel")
            return False
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception as error:  # the border of a turn: what fails in it ends neither worker nor conversation
            log.exception("a turn failed", extra={"conversation": pseudonym(held.conversation)})
            if int(task.state.get("tries", 0)) + 1 < TRIES:
                self.metrics.retried("error")
                self.mailbox.defer(held.conversation, held.token, 1, failed=True, why=type(error).__name__)
                return False
            thought = thinker.apology(task, outcome="dead", reason=f"{TRIES} x {type(error).__name__}")
            reply = Reply(task.batch.turn, (Piece(thought.text),), grows=True)
        try:
            end(self.mailbox, held, task, thought, reply)
        except Revised:
            self.metrics.retried("revised")
            return True
        if thought.reason == STOPPED or thinker.halted(task):
            self.places.leave_all(held)
        if thought.aside:
            self.look_again(0)  # somebody else is due now
        self._committed(held.figures, thought.outcome)
        return True

    def _begin(self, held: Held, task: Think) -> Thinker:
        """A turn is thought from here on, and by whom."""
        self._trace(held)
        held.begin(task.batch.turn, task.state.get("revision", ""))
        held.figures, held.doing = Figures.of(held.conversation, task), "thinking"
        return self.thinker(held.conversation)

    def _committed(self, figures: Figures, outcome: str) -> None:
        figures.commit(outcome)
        self.metrics.turn(figures)
        log.info("turn", extra=figures.line)

    def _thought(self, held: Held, task: Think) -> Thought:
        channel = self.channel(held.conversation)
        if channel is None:
            raise Unavailable(f"the channel {channel_of(held.conversation)} is off", CHANNEL_OFF_SECONDS)
        thinker = self.thinker(held.conversation)
        if int(task.state.get("strikes", 0)) >= STRIKES:
            return thinker.apology(task, outcome="dead", reason=f"its worker died {STRIKES} times")
        try:
            return thinker.shown(task, thinker.at_once(task) or self._ask(held, task, channel))
        except Rejected as error:
            log.error("the model refuses a turn: %s", error, extra={"conversation": pseudonym(held.conversation)})
            return thinker.apology(task, outcome="rejected")

    def _ask(self, held: Held, task: Think, channel: Channel) -> Thought:
        self.show_typing(channel, held.conversation, task.batch.messages[-1].id, held.address)
        thinker, notice = self.thinker(held.conversation), self._notice(held, task)
        return self._asker.ask(thinker, held, task, channel, beside=self.beside, notice=notice)

    def _notice(self, held: Held, task: Think) -> Reply | None:
        slow = Thought(texts.SLOW.to(self.thinker(held.conversation).language(task)))
        return reply_to(self.channel(held.conversation), -task.batch.turn, slow)
