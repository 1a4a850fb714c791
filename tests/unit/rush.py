"""Many people who are to be answered at once, workers that come late, and the platform's limits, on a clock that the
test moves: hours pass in a second, and no machine is too slow for it."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any

from bot.message import Limit
from bot.stores.connection import Argument, Script, Store
from bot.stores.mailbox import Mailbox, Speak, Think
from bot.stores.outbox import Outbox
from tests.unit.mailboxes import now_ms, open_mailbox, reply, said

TIME = "redis.call('TIME')"
"""How the scripts ask for the time; here it is read from a key instead."""

MOST_ASKS = 2000


class Clocked(Store):
    """A way to Redis whose scripts see the clock ``now`` (ms), which only the test moves."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.client)
        self._moved: dict[Script, Script] = {}
        self.now = now_ms(store)

    def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        self.client.set("clock", self.now)
        if script not in self._moved:
            self._moved[script] = self._move(script)
        return super().run(self._moved[script], keys, args)

    def _move(self, script: Script) -> Script:
        moved = copy(script)
        assert TIME in script.source
        moved.source = script.source.replace(TIME, "{0, redis.call('GET', 'clock') * 1000}")
        moved.sha = hashlib.sha1(moved.source.encode(), usedforsecurity=False).hexdigest()
        return moved


class Rush:
    """People with ``bubbles`` to be said each; who must wait comes again ``late`` seconds after the time that it heard.

    ``gone`` holds when (ms) a bubble of whom went, ``shown`` when a preview of whom did, ``asks`` how often anybody
    asked for a bubble.
    """

    def __init__(
        self, store: Store, limits: Callable[[str], Sequence[Limit]], *, people: int = 12, thinking: int = 0,
        bubbles: int = 2, late: Callable[[], float] = lambda: 0.0,
    ) -> None:  # fmt: skip
        self.clock = Clocked(store)
        self.outbox = Outbox(self.clock)
        self.people = [f"fake:7:{100 + number}" for number in range(people)]
        self.began = self.clock.now
        self.gone: list[tuple[int, str]] = []
        self.shown: list[tuple[int, str]] = []
        self.asks = 0
        self._limits, self._bubbles, self._late = limits, bubbles, late
        self._events: list[tuple[int, str, int]] = []
        mailbox = open_mailbox(store, lease=600)
        for number, person in enumerate(self.people):
            stage(mailbox, person, bubbles)
            heapq.heappush(self._events, (self.began + number, person, 0))
        for number in range(thinking):
            person = f"fake:7:{900 + number}"
            think(mailbox, person)
            heapq.heappush(self._events, (self.began + number, person, -1))

    def go_on(self, seconds: float | None = None) -> None:
        """Let so much time pass, or as much as it takes until all is said."""
        end = math.inf if seconds is None else self.clock.now + seconds * 1000
        while self._events and self._events[0][0] < end and (seconds is not None or self.waiting):
            at, person, index = heapq.heappop(self._events)
            self.clock.now = max(self.clock.now, at)
            if index < 0:
                self._preview(person)
            else:
                self._ask(person, index)
        if seconds is not None:
            self.clock.now = max(self.clock.now, int(end))

    @property
    def waiting(self) -> bool:
        """Whether anything is still to be said."""
        return len(self.gone) < len(self.people) * self._bubbles

    def sleep(self, seconds: float) -> None:
        """All workers are away for so long."""
        self.clock.now += int(seconds * 1000)

    def turn_back(self, seconds: float) -> None:
        """The clock goes back; whoever waits asks anew, as after a sweep, and what went before counts no more."""
        self.clock.now -= int(seconds * 1000)
        self.began = self.clock.now
        self.people = sorted({person for _, person, _ in self._events})
        self._events = [(self.began, person, index) for _, person, index in sorted(self._events)]
        del self.gone[:], self.shown[:]

    def times(self, who: str = "") -> list[int]:
        """When something went that the platform counts, for everybody or one person."""
        return sorted(at for at, person in self.gone + self.shown if who in {"", person})

    @property
    def seconds(self) -> float:
        return (self.clock.now - self.began) / 1000

    def _ask(self, person: str, index: int) -> None:
        self.asks += 1
        assert self.asks < MOST_ASKS, "the line does not move"
        permission, _, wait = self.outbox.begin(person, "a", 1, index, self._limits(person))
        next_at = self.clock.now
        if permission == "go":
            self.gone.append((self.clock.now, person))
            self.outbox.record(person, 1, index, "sent", identity="9")
            index += 1
        else:
            assert permission == "wait"
            next_at += int((wait + self._late()) * 1000)
        if index < self._bubbles:
            heapq.heappush(self._events, (next_at, person, index))

    def _preview(self, person: str) -> None:
        if self.outbox.begin(person, "a", 1, 0, self._limits(person), mode="preview").permission == "go":
            self.shown.append((self.clock.now, person))
        heapq.heappush(self._events, (self.clock.now + 1000, person, -1))


def think(mailbox: Mailbox, person: str) -> None:
    """This person's turn 1 is in the hands of ``a``."""
    mailbox.accept([said(1, conversation=person)])
    assert isinstance(mailbox.take(person, "a"), Think)


def stage(mailbox: Mailbox, person: str, bubbles: int = 1) -> None:
    """This person's turn 1 is thought by ``a`` and waits to be said."""
    think(mailbox, person)
    assert mailbox.commit(person, "a", 1, reply(1, *(f"bubble {number}" for number in range(bubbles))))
    assert isinstance(mailbox.take(person, "a"), Speak)


def crowded(times: Sequence[int], limit: Limit) -> Iterator[int]:
    """The times at which the platform saw more in its window than the limit allows."""
    most, window = int(limit.most), limit.seconds * 1000
    return (later for first, later in zip(times, times[most:], strict=False) if later - first < window)
