"""A worker whose background runs, and ends with its test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from bot.stores.taken import Renewed
from tests.unit.mailboxes import ANA, until
from tests.unit.worlds import World
from workers import background
from workers.background import Background

NEVER = 60.0


class Over(BaseException):
    """The test is over, and its loops with it."""


class Watched(Mailbox):
    """Its next ``failures`` are raised in either loop; ``sweeping`` runs inside each sweep, after Redis answered."""

    def prepare(self) -> None:
        self.over = False
        self.renewals, self.sweeps = 0, 0
        self.failures: dict[str, list[Exception]] = {"renew": [], "sweep": []}
        self.sweeping: Callable[[], None] = lambda: None

    def _fail(self, loop: str) -> None:
        if self.over:
            raise Over
        if self.failures[loop]:
            raise self.failures[loop].pop(0)

    def renew(self, held: Iterable[tuple[str, str, Iterable[str]]]) -> Renewed:
        self._fail("renew")
        self.renewals += 1
        return super().renew(held)

    def sweep(self) -> tuple[int, float | None]:
        self._fail("sweep")
        found = super().sweep()
        self.sweeps += 1
        self.sweeping()
        return found


class Ending(Background):
    """A background that ends with its test."""

    def _forever(self, loop: Callable[[], None]) -> None:
        with suppress(Over):
            super()._forever(loop)

    def _erase(self) -> None:
        super()._erase()
        if getattr(self._answerer.mailbox, "over", False):
            raise Over


class Worker(World):
    """A world whose background runs, and whose turns run in threads of their own."""

    def __init__(self, store: Store, lease: float = 15, quiet: float = 0) -> None:
        super().__init__(store)
        self.mailbox = self.watched = Watched(store, lease=lease, quiet=quiet, cap=quiet, days=30)
        self.watched.prepare()
        self.answerer = self.worker()
        self.background = Ending(self.answerer)
        self.threads: list[threading.Thread] = []

    def start(self) -> Worker:
        self.background.start()
        return self

    def think(self) -> threading.Thread:
        """Begin an answer in a thread; it is thinking when this returns."""
        before = len(self.backend.streams)
        self.threads.append(threading.Thread(target=self.answerer.answer, args=(ANA,), daemon=True))
        self.threads[-1].start()
        until(lambda: len(self.backend.streams) > before)
        return self.threads[-1]

    def until_asleep(self) -> None:
        """The sweeper has just looked, seen nothing, and sleeps for almost as long as it ever does."""
        until(lambda: 0.9 < (self.background._sweep_at - time.monotonic()) / background.SWEEP_SECONDS <= 1)

    def stop(self) -> None:
        self.watched.over = True
        self.background.look_again(-NEVER)
        for stream in self.backend.streams:
            stream.close()
        for thread in self.threads:
            thread.join(5)
