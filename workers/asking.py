"""Asking: a model is asked when it is a turn's turn, and its answer grows before the person's eyes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from bot import texts
from bot.channels import Channel
from bot.errors import Unavailable, Unfetched
from bot.logs import pseudonym
from bot.message import Reply
from bot.settings import Settings
from bot.stores.mailbox import Mailbox
from bot.stores.outbox import Outbox
from bot.stores.taken import Think
from workers import grow
from workers.grow import Growing, Pause
from workers.held import Held, Stopped
from workers.metrics import Metrics
from workers.places import Places, Waits, reason_of
from workers.think import Thinker
from workers.thought import Thought, begun

LONGEST_WAIT = 30.0

Show = Callable[[Growing], AbstractContextManager[grow.Show]]
"""Shows an answer while it grows."""

log = logging.getLogger("recado.turn")


class Timed(Growing):
    """Tells ``seen`` as soon as its person sees the bubble."""

    seen: Callable[[], None] | None = None

    def show(self, so_far: Callable[[], str]) -> None:
        super().show(so_far)
        if self.seen and self.begun:
            seen, self.seen = self.seen, None
            seen()


class Asker:
    """Asks for turns; one for all threads of a worker."""

    def __init__(
        self, settings: Settings, *, mailbox: Mailbox, outbox: Outbox, places: Places, metrics: Metrics, pause: Pause
    ) -> None:
        """``pause`` is told when a platform wants one."""
        self._mailbox, self._outbox, self._places, self._metrics, self._pause = mailbox, outbox, places, metrics, pause
        self._notice_seconds = settings.slow_notice_seconds

    def ask(
        self, thinker: Thinker, held: Held, task: Think, channel: Channel, *, beside: Show, notice: Reply | None
    ) -> Thought:
        """The answer of a model that has a place for it; ``notice`` is told to whoever waits long for one.

        Raises Waits, LeaseLost, Revised, Unavailable, Rejected, StoreUnavailable.
        """
        stop = texts.STOP.to(thinker.language(task))
        growing = Timed(self._outbox, held, channel, task.batch.turn, self._pause, stop=stop)
        growing.seen = None if begun(task) else partial(self._seen, held, channel)
        servers = thinker.backend.servers(pseudonym(held.conversation))
        held.typing_for, held.notice = task.batch.messages[-1].id, notice
        try:
            with beside(growing) as show:
                return self._places.ask(held, servers, notice, partial(self._asked, thinker, held, task, show))
        except Stopped:
            return thinker.stopped(task, seen=growing.begun or begun(task))
        except Waits as waits:
            if waits.__cause__:
                self._metrics.retried("model")
            raise
        finally:
            held.typing_for, held.notice = "", None

    def wait(
        self, thinker: Thinker, held: Held, task: Think, error: Unavailable, notice: Reply | None, *, reason: str
    ) -> None:
        """Nobody waits in a thread for a model: the turn is deferred, and the person told once.

        Before model servers there is a breaker, so that trying again each second does no harm, and keeps the order.
        """
        seconds, waits = error.retry_after or 1.0, int(task.state.get("waits", 0))
        steady, spent = bool(thinker.backend.servers("")), time.monotonic() - held.figures.began
        waited = spent + (waits * seconds if steady else 2 ** min(waits, 10) - 1)
        asked = any(message.addressed for message in task.batch.messages)
        told = notice if asked and waited + seconds >= self._notice_seconds else None
        who = pseudonym(held.conversation)
        log.warning("the model is away, the turn waits: %s", error, extra={"conversation": who})
        self._metrics.retried("file" if isinstance(error, Unfetched) else reason)
        most = seconds if steady else LONGEST_WAIT
        self._mailbox.defer(held.conversation, held.token, seconds, notice=told, most=most, why=reason_of(error))

    def _asked(self, thinker: Thinker, held: Held, task: Think, show: grow.Show, server: str) -> Thought:
        with self._metrics.asking(thinker.backend.name, held.figures):
            return thinker.ask(held, task, server, show)

    def _seen(self, held: Held, channel: Channel) -> None:
        """The first words of the answer that grows are before its person's eyes."""
        figures = held.figures
        figures.first_words = figures.waited.so_far
        self._metrics.first_words(channel.name, figures.backend, figures.waited)
