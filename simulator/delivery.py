"""Webhooks as platforms deliver them: in order per chat, one at a time, again until a 2xx."""

from __future__ import annotations

import heapq
import http.client
import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANSWER_SECONDS = 60
"""How long a platform waits for an answer; Telegram's own figure (tdlib/telegram-bot-api, WebhookActor)."""
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
    """

    body: bytes
    said: tuple[Said, ...]
    time: float = field(default_factory=monotonic)
    tries: int = 0
    chats: tuple[str, ...] = ()
    due: float = 0.0
    again: float | None = None


class Post:
    """POST to one address over connections that stay open. Only this machine can be reached."""

    def __init__(self) -> None:
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, float | None]:
        """The status and what Retry-After said in seconds; status 0 when there was no answer."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in LOOPBACK:
            raise ValueError(f"The simulator delivers to http on this machine only, not to {url!r}.")
        connection = self._connection(parts.hostname, parts.port or 80)
        try:
            connection.request("POST", parts.path or "/", body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.close()  # the others led to the same process, which is probably gone
            return 0, None
        with self._lock:
            self._idle.append(connection)
        wait = answer.headers.get("Retry-After", "")
        return answer.status, float(wait) if wait.isdecimal() else None

    def _connection(self, host: str, port: int) -> http.client.HTTPConnection:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if (connection.host, connection.port) == (host, port):
                    return connection
                connection.close()
        return http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)

    def close(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()


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
        self._closed = False

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
                if 200 <= status < 300 or monotonic() - parcel.time > GIVE_UP_SECONDS:
                    self._pending -= 1
                    self._leave(parcel)
                    continue
                if self.overtaking:
                    self._leave(parcel)
                    parcel.chats = (f"overtaken {next(self._order)}",)
                    self._line_up(parcel)
                self._ring(parcel, monotonic() + self._wait(parcel.tries, wish))

    def _leave(self, parcel: Parcel) -> None:
        """Take the oldest parcel out of its chats, and ring those that are the oldest now."""
        behind: dict[int, Parcel] = {}
        for chat in parcel.chats:
            queue = self._chats[chat]
            queue.popleft()
            if queue:
                behind[id(queue[0])] = queue[0]
            else:
                del self._chats[chat]
        for one in behind.values():
            self._ring_if_first(one)

    def _next(self) -> Parcel | None:
        """The next parcel whose time has come; None at the end."""
        with self._wake:
            while not self._closed:
                wait = self._ready[0][0] - monotonic() if self._ready else None
                if wait is not None and wait <= 0:
                    parcel = heapq.heappop(self._ready)[2]
                    parcel.tries += 1
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
