"""Webhooks as platforms deliver them: in order per chat, one at a time, again until a 2xx."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

GIVE_UP_SECONDS = 24 * 3600
CLOSE_SECONDS = 5


@dataclass(slots=True, eq=False)
class Said:
    """What a person wrote. ``tried`` is when it was first on its way to the webhook, ``accepted`` when that
    answered 2xx first (monotonic); None before."""

    chat_id: str
    id: str
    text: str
    time: float = field(default_factory=monotonic)
    tried: float | None = None
    accepted: float | None = None


@dataclass(slots=True, eq=False)
class Parcel:
    """One webhook body on its way, and what was said in it.

    It goes when it is the oldest of all its ``chats``, and not before ``due`` (monotonic). Once
    accepted it goes out of the chats' way ``again``, so many seconds later; None: it does not.
    ``flying``: somebody waits for the answer to it now. ``dropped``: it goes no more.
    """

    body: bytes
    said: tuple[Said, ...]
    time: float = field(default_factory=monotonic)
    tries: int = 0
    chats: tuple[str, ...] = ()
    due: float = 0.0
    again: float | None = None
    flying: bool = False
    dropped: bool = False


class Delivery:
    """Carries parcels to ``send`` in up to ``connections`` threads; chats do not wait for each other.

    A parcel that is not taken goes again at once, then after ``retry_seconds`` doubled each time up
    to ``longest_seconds``, or after what ``send`` returned as the receiver's own wish, for 24 hours
    (Telegram's schedule, as tdlib/telegram-bot-api has it in WebhookActor::on_update_error).
    ``overtaking``: meanwhile later parcels of its chats pass it, since Meta promises no order
    (https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks).
    """

    def __init__(
        self,
        send: Callable[[Parcel], tuple[int, float | None]],
        *,
        connections: int = 40,
        retry_seconds: float = 2.0,
        longest_seconds: float = 60.0,
    ) -> None:
        self.overtaking = False
        self._send = send
        self._connections = connections
        self._retry_seconds = retry_seconds
        self._longest_seconds = longest_seconds
        self._chats: dict[str, deque[Parcel]] = {}
        self._ready: list[tuple[float, int, Parcel]] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._pending = self._idle = 0
        self._closed = self._held = False

    def put(self, chats: str | tuple[str, ...], parcel: Parcel, wait: float = 0.0) -> None:
        """Deliver this after everything else of the same chats, and not before ``wait`` seconds from now."""
        with self._wake:
            parcel.chats, parcel.due = (chats,) if isinstance(chats, str) else chats, monotonic() + wait
            self._pending += 1
            self._line_up(parcel)
            self._ring_if_first(parcel)

    def join(self, parcel: Parcel, chat_id: str, body: bytes, said: tuple[Said, ...]) -> bool:
        """Let a parcel carry this body, which has more of ``chat_id``, instead of its own.

        Not once it is on its way, nor past anything else of that chat: False, and nothing is changed.
        """
        with self._wake:
            queue = self._chats.get(chat_id)
            if parcel.tries or (queue and queue[-1] is not parcel):
                return False
            if not queue:
                self._chats[chat_id] = deque([parcel])
                parcel.chats += (chat_id,)
            parcel.body, parcel.said = body, said
            return True

    def hold(self, *, held: bool) -> None:
        """Nothing goes as long as it is ``held``; then everything does, whenever it would have been tried again."""
        with self._wake:
            if self._held and not held:
                self._ready = [(parcel.due, order, parcel) for _, order, parcel in self._ready]
                heapq.heapify(self._ready)
            self._held = held
            if self._ready and not held:
                self._call_up()

    def drop(self, parcel: Parcel) -> None:
        """The receiver has it by another way: it goes no more, nor again."""
        with self._wake:
            if not parcel.dropped and not parcel.flying:
                self._pending -= 1
                self._leave(parcel)
            parcel.dropped = True

    @property
    def pending(self) -> int:
        """How many parcels are not accepted yet."""
        with self._wake:
            return self._pending

    def close(self) -> None:
        """Stop; what is not accepted yet stays undelivered."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        until = monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(timeout=max(until - monotonic(), 0))

    def _line_up(self, parcel: Parcel) -> None:
        for chat in parcel.chats:
            self._chats.setdefault(chat, deque()).append(parcel)

    def _ring_if_first(self, parcel: Parcel) -> None:
        if all(self._chats[chat][0] is parcel for chat in parcel.chats):
            self._ring(parcel, parcel.due)

    def _ring(self, parcel: Parcel, due: float) -> None:
        heapq.heappush(self._ready, (due, next(self._order), parcel))
        self._call_up()

    def _call_up(self) -> None:
        """See that somebody looks at what is ready next."""
        if self._idle:
            self._wake.notify()
        elif len(self._threads) < self._connections and not self._closed:
            self._threads.append(threading.Thread(target=self._work, name="delivery", daemon=True))
            self._threads[-1].start()

    def _work(self) -> None:
        while (parcel := self._next()) is not None:
            status, wish = self._send(parcel)
            with self._wake:
                parcel.flying = False
                if 200 <= status < 300 or parcel.dropped or monotonic() - parcel.time > GIVE_UP_SECONDS:
                    self._pending -= 1
                    self._leave(parcel)
                    continue
                if self.overtaking:
                    self._leave(parcel)
                    parcel.chats = (f"overtaken {next(self._order)}",)
                    self._line_up(parcel)
                self._ring(parcel, monotonic() + self._wait(parcel.tries, wish))

    def _leave(self, parcel: Parcel) -> None:
        """Take a parcel out of its chats, and ring those that are the oldest now."""
        behind: dict[int, Parcel] = {}
        for chat in parcel.chats:
            queue = self._chats[chat]
            was_first = queue[0] is parcel
            queue.remove(parcel)
            if not queue:
                del self._chats[chat]
            elif was_first:
                behind[id(queue[0])] = queue[0]
        for one in behind.values():
            self._ring_if_first(one)

    def _next(self) -> Parcel | None:
        """The next parcel whose time has come; None at the end."""
        with self._wake:
            while not self._closed:
                while self._ready and self._ready[0][2].dropped:
                    heapq.heappop(self._ready)
                wait = self._ready[0][0] - monotonic() if self._ready and not self._held else None
                if wait is not None and wait <= 0:
                    parcel = heapq.heappop(self._ready)[2]
                    parcel.tries, parcel.flying = parcel.tries + 1, True
                    now = monotonic()
                    for one in parcel.said:
                        one.tried = one.tried or now
                    if self._ready:
                        self._call_up()
                    return parcel
                self._idle += 1
                self._wake.wait(wait)
                self._idle -= 1
            return None

    def _wait(self, tries: int, wish: float | None) -> float:
        if wish is not None:
            return min(wish, 3600.0)
        return 0.0 if tries == 1 else min(self._retry_seconds * 2.0 ** min(tries - 2, 20), self._longest_seconds)
