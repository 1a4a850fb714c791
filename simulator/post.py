"""POST to the product's webhook, and what it answered."""

from __future__ import annotations

import http.client
import threading
from typing import NamedTuple
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANSWER_SECONDS = 60
"""How long a platform waits for an answer; Telegram's own figure (tdlib/telegram-bot-api, WebhookActor)."""

WRONG = "Wrong response from the webhook:"


class Answer(NamedTuple):
    """``wish`` is Retry-After in seconds; ``status`` is 0 when there was no answer, ``error`` what was wrong."""

    status: int = 0
    wish: float | None = None
    body: bytes = b""
    error: str = ""

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


class Post:
    """POST to one address over connections that stay open. Only this machine can be reached."""

    def __init__(self) -> None:
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in LOOPBACK:
            raise ValueError(f"The simulator delivers to http on this machine only, not to {url!r}.")
        connection = self._connection(parts.hostname, parts.port or 80)
        try:
            connection.request("POST", parts.path or "/", body, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.close()  # the others led to the same process, which is probably gone
            return Answer(error=_words(error))
        with self._lock:
            self._idle.append(connection)
        wait = answer.headers.get("Retry-After", "")
        wrong = "" if 200 <= answer.status < 300 else f"{WRONG} {answer.status} {answer.reason}"
        return Answer(answer.status, float(wait) if wait.isdecimal() else None, said, wrong)

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


def _words(error: Exception) -> str:
    """As tdlib/telegram-bot-api reports it by getWebhookInfo."""
    if isinstance(error, ConnectionRefusedError):
        return "Connection refused"
    return "Read timeout expired" if isinstance(error, TimeoutError) else "Webhook connection closed"
