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


@dataclass(slots=True, eq=False)
class Said:
    """What a person wrote. ``accepted`` is when the webhook answered 2xx (monotonic), None before."""

    chat_id: str
    id: str
    text: str
    time: float = field(default_factory=monotonic)
    accepted: float | None = None


@dataclass(slots=True, eq=False)
class Parcel:
    """One webhook body on its way, and what was said in it."""

    body: bytes
    said: tuple[Said, ...]
    time: float = field(default_factory=monotonic)
    tries: int = 0


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
    """

    def __init__(
        self,
        send: Callable[[Parcel], tuple[int, float | None]],
        *,
        connections: int = 40,
        retry_seconds: float = 2.0,
        longest_seconds: float = 60.0,
    ) -> None:
        self._send = send
        self._connections = connections
        self._retry_seconds = retry_seconds
        self._longest_seconds = longest_seconds
        self._chats: dict[str, deque[Parcel]] = {}
        self._ready: list[tuple[float, int, str]] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def put(self, chat_id: str, parcel: Parcel) -> None:
        """Deliver this after everything else of the same chat."""
        with self._wake:
            queue = self._chats.setdefault(chat_id, deque())
            queue.append(parcel)
            if len(queue) == 1:
                self._ring(chat_id, 0)

    @property
    def pending(self) -> int:
        """How many parcels are not accepted yet."""
        with self._wake:
            return sum(len(queue) for queue in self._chats.values())

    def close(self) -> None:
        """Stop; what is not accepted yet stays undelivered."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(timeout=5)

    def _ring(self, chat_id: str, wait: float) -> None:
        heapq.heappush(self._ready, (monotonic() + wait, next(self._order), chat_id))
        if not self._idle and len(self._threads) < self._connections and not self._closed:
            self._threads.append(threading.Thread(target=self._work, name="delivery", daemon=True))
            self._threads[-1].start()
        self._wake.notify()

    def _work(self) -> None:
        while (found := self._next()) is not None:
            chat_id, parcel = found
            parcel.tries += 1
            status, wish = self._send(parcel)
            gone = 200 <= status < 300 or monotonic() - parcel.time > GIVE_UP_SECONDS
            with self._wake:
                queue = self._chats[chat_id]
                if gone:
                    queue.popleft()
                if queue:
                    self._ring(chat_id, 0 if gone else self._wait(parcel.tries, wish))
                else:
                    del self._chats[chat_id]

    def _next(self) -> tuple[str, Parcel] | None:
        """The next chat whose turn it is and its oldest parcel; None at the end."""
        with self._wake:
            while not self._closed:
                wait = self._ready[0][0] - monotonic() if self._ready else None
                if wait is not None and wait <= 0:
                    chat_id = heapq.heappop(self._ready)[2]
                    return chat_id, self._chats[chat_id][0]
                self._idle += 1
                self._wake.wait(wait)
                self._idle -= 1
            return None

    def _wait(self, tries: int, wish: float | None) -> float:
        if wish is not None:
            return min(wish, 3600.0)
        return 0.0 if tries == 1 else min(self._retry_seconds * 2.0 ** min(tries - 2, 20), self._longest_seconds)
