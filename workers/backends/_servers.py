"""The model servers of a backend: which of them to ask, and what their refusals mean."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from time import monotonic
from typing import Any, Final, Generic, TypeVar
from urllib.parse import unquote, urlsplit

from bot.errors import BackendError, Rejected, SettingsError, Unavailable

AGAIN_SECONDS: Final = 10.0
"""After so long, servers that did not answer a small question are asked again."""
PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
LONGEST_WAIT: Final = 3600.0
KEEP_SECONDS: Final = 300.0
QUOTED: Final = 200
BROKEN: Final = frozenset({"abort", "error"})
"""What some servers give as the reason for an end that is none (vllm-project/vllm, vllm/v1/engine)."""

_WAYS_OUT: Final = {
    401: "check {key}",
    403: "check {key} and whether it may use this model",
    404: "check LLM_MODEL and LLM_BASE_URL",
    413: "set CONTEXT_TOKENS lower",
    429: "it is asked too much; set LLM_PARALLEL lower",
    503: "it is starting or busy; LLM_PARALLEL should be what it serves at once",
}
_KIND = re.compile(r"[a-z]+(_[a-z]+)+")
"""A name such as ``context_length_exceeded``: no sentence has such words."""

T = TypeVar("T")
Pieces = Generator[str, None, None]


class Refusal(Rejected):
    """Raised when a server answers with a 4xx status.

    ``words`` are its own, to be understood and not to be logged: they may quote the prompt.
    """

    def __init__(self, reason: str, status: int, words: str) -> None:
        super().__init__(reason)
        self.status, self.words = status, words


class Unreachable(Unavailable):
    """Raised when there is no connection to a server: nobody listens there, or it cannot be found."""


@dataclass(frozen=True)
class Server:
    """A model server: its address without ``/v1`` and without a password, and what proves who we are."""

    url: str
    authorization: str = field(default="", repr=False)
    key_name: str = "LLM_API_KEY"
    quotes: bool = False
    """Whether its errors repeat the server's own words. Never for a turn: they may be the person's."""

    @classmethod
    def at(cls, url: str, key: str = "", key_name: str = "LLM_API_KEY") -> Server:
        """Read an address as an operator writes it. Raises SettingsError."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError("LLM_BASE_URL must be a whole address, such as http://localhost:11434.")
        if not key.isascii() or any(letter.isspace() for letter in key):
            raise SettingsError(f"{key_name} contains a blank or a letter that no key has; copy it again.")
        authorization = f"Bearer {key}" if key else ""
        if not key and parts.username:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + base64.b64encode(login.encode()).decode()
        path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
        return cls(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}", authorization, key_name)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}

    def refuses(self, status: int, headers: Mapping[str, str], body: bytes) -> BackendError:
        """What a status other than 2xx means for the turn."""
        words, kind = _reason(body)
        aside = self._aside(words) or (f" ({kind})" if kind else "")
        said = f"{self.url} answered HTTP {status}{aside}"
        if status < 400:
            return Unavailable(f"{said} instead of an answer; LLM_BASE_URL is probably wrong")
        if status in (408, 425, 429) or status >= 500:
            way_out = _WAYS_OUT.get(status, "look into its log")
            return Unavailable(f"{said}: {way_out}", _seconds(headers.get("retry-after", "")))
        way_out = _WAYS_OUT.get(status, "it does not take this request").format(key=self.key_name)
        return Refusal(f"{said}: {way_out}", status, words[:QUOTED])

    def unreachable(self, reason: object) -> Unreachable:
        """The error for a server to which there is no connection."""
        proxy = next((name for name, value in os.environ.items() if value and name.upper() in PROXIES), "")
        hint = f" ({proxy} is not used for model servers)" if proxy else ""
        return Unreachable(f"{self.url} cannot be reached ({reason}): check the server and LLM_BASE_URL{hint}")

    def garbage(self) -> Unavailable:
        """The error for an answer that no model server gives."""
        return Unavailable(f"{self.url} does not answer like a model server; LLM_BASE_URL is probably wrong")

    def broke_off(self, words: str = "") -> Unavailable:
        """The error for an answer without its end; ``words`` are what the server said instead."""
        return Unavailable(f"{self.url} broke off in the middle of its answer{self._aside(words)}: look into its log")

    def _aside(self, words: str) -> str:
        """The server's words in brackets, if they may be repeated, without what proves who we are."""
        secret = self.authorization.partition(" ")[2]
        words = (words.replace(secret, "***") if secret else words)[:QUOTED]
        return f" ({words})" if words and self.quotes else ""


class Servers:
    """All servers of a backend; each conversation has one that it asks first."""

    def __init__(self, servers: tuple[Server, ...]) -> None:
        self.all = tuple({server.url: server for server in servers}.values())

    def order(self, session: str) -> list[Server]:
        """Rendezvous hashing: a server that comes or goes moves only its own conversations."""

        def place(server: Server) -> bytes:
            return sha256(f"{server.url}\n{session}".encode()).digest()

        return sorted(self.all, key=place, reverse=True)

    def named(self, url: str, session: str) -> Server:
        """The server at ``url``; the session's first where there is none, as after a change of LLM_BASE_URL."""
        first, *others = self.order(session)
        return next((server for server in others if server.url == url), first)

    def learn(self, ask: Callable[[Server], T]) -> T:
        """The answer of the first server that gives one to a small question. Raises BackendError."""
        *others, last = self.order("")
        for server in others:
            try:
                return ask(server)
            except Unavailable:
                continue
        return ask(last)


class Recall(Generic[T]):
    """What a server said of itself, kept for a while; the old word stands while the server is away.

    One thread asks at a time; the others wait for it only while there is no old word. ``answered``: a server was
    there, if only to say that it does not answer such questions.
    """

    def __init__(self, ask: Callable[[], T], unknown: T) -> None:
        self._ask, self._value, self._until = ask, unknown, 0.0
        self._known, self._asking = False, threading.Lock()
        self.answered = False

    def __call__(self) -> T:
        if monotonic() >= self._until and self._asking.acquire(blocking=not self._known):
            try:
                if monotonic() >= self._until:
                    self._until = monotonic() + self._learn()
            finally:
                self._asking.release()
        return self._value

    def _learn(self) -> float:
        """Ask; returns for how many seconds what is known now holds."""
        try:
            self._value, self._known = self._ask(), True
        except Rejected:
            self.answered = True
            return KEEP_SECONDS
        except Unavailable:
            return AGAIN_SECONDS
        self.answered = True
        return KEEP_SECONDS


def _reason(body: bytes) -> tuple[str, str]:
    """The words in an error's body, in any of the usual forms, and the kind of error; pages of HTML have neither."""
    try:
        data: Any = json.loads(body)
    except ValueError:
        text = body.decode(errors="replace").strip()
        return "" if text.startswith("<") else text, ""
    error = data.get("error", data) if isinstance(data, dict) else data
    if not isinstance(error, dict):
        return str(error) if isinstance(error, str) else "", ""
    said = {key: error[key] for key in ("code", "type", "message", "detail") if isinstance(error.get(key), str)}
    kinds = (said[key] for key in ("code", "type") if key in said)
    return " ".join(said.values()), next(filter(_KIND.fullmatch, kinds), "")


def _seconds(retry_after: str) -> float | None:
    """Retry-After is a number of seconds or a date (RFC 9110, section 10.2.3)."""
    try:
        wait = float(retry_after) if retry_after.isdecimal() else _until(parsedate_to_datetime(retry_after))
    except (ValueError, OverflowError):
        return None
    return min(max(wait, 0.0), LONGEST_WAIT)


def _until(date: datetime) -> float:
    return (date.astimezone(UTC) - datetime.now(UTC)).total_seconds()
