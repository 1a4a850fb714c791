"""What all messaging platforms have in common: a log of calls, chats that people see, webhooks and faults."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

from werkzeug.wrappers import Response

from simulator.delivery import Delivery, Parcel, Post, Said
from simulator.server import Cut, Server


@dataclass(frozen=True, slots=True)
class Call:
    """One call that reached the platform. ``time`` is monotonic.

    ``bubble`` is the message that it showed or changed, ``taken`` whether the platform did what it asked.
    """

    time: float
    method: str
    chat_id: str
    params: dict[str, Any]
    bubble: str = ""
    taken: bool = True


@dataclass(slots=True)
class Bubble:
    """A message as a person sees it now. ``time`` is when it came, ``changed`` when it last changed (monotonic)."""

    id: str
    who: Literal["person", "assistant"]
    text: str
    time: float = field(default_factory=monotonic)
    changed: float = field(default_factory=monotonic)
    entities: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the platform answers to a call."""

    body: Any
    status: int = 200
    bubble: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Fault:
    outcome: Outcome
    after: bool


class Platform(Server):
    """A messaging platform: people write to it, the product's webhook hears of it and calls back.

    ``latency`` is how many seconds each answer to a call takes; ``retry_seconds`` the first longer
    pause before a webhook is tried again.
    """

    name: str

    def __init__(self, webhook_url: str = "", *, retry_seconds: float = 2.0, threads: int = 16) -> None:
        super().__init__(threads)
        self.webhook_url = webhook_url
        self.latency = 0.0
        self.calls: list[Call] = []
        self.said: list[Said] = []
        self._chats: dict[str, dict[str, Bubble]] = {}
        self._faults: dict[str, list[_Fault]] = {}
        self._post = Post()
        self.delivery = Delivery(self._send, retry_seconds=retry_seconds)

    # what people see and do

    def chat(self, chat_id: int | str) -> list[Bubble]:
        """The chat as its person sees it now, oldest first."""
        with self.changed:
            return [Bubble(b.id, b.who, b.text, b.time, b.changed, b.entities) for b in self._bubbles(str(chat_id))]

    def answers(self, chat_id: int | str, since: str = "") -> list[Bubble]:
        """The assistant's bubbles in a chat; only those below the message with the id ``since``, if given."""
        seen = self.chat(chat_id)
        start = next((i for i, bubble in enumerate(seen) if bubble.id == since), -1)
        return [bubble for bubble in seen[start + 1 :] if bubble.who == "assistant"]

    def show(self, chat_id: str, bubble: Bubble) -> None:
        """Put a bubble at the end of a chat."""
        with self.changed:
            self._chats.setdefault(chat_id, {})[bubble.id] = bubble
            self.changed.notify_all()

    def change(self, bubble: Bubble, text: str, entities: list[dict[str, Any]]) -> None:
        """Let a bubble read otherwise from now on."""
        with self.changed:
            bubble.text, bubble.entities, bubble.changed = text, entities, monotonic()
            self.changed.notify_all()

    def bubble(self, chat_id: str, bubble_id: str) -> Bubble | None:
        return self._chats.get(chat_id, {}).get(bubble_id)

    def _bubbles(self, chat_id: str) -> list[Bubble]:
        return list(self._chats.get(chat_id, {}).values())

    # webhooks

    @abstractmethod
    def webhook_headers(self, body: bytes) -> dict[str, str]:
        """What proves to the receiver that a body is the platform's."""

    def post(self, body: bytes) -> tuple[int, float | None]:
        """One delivery of a raw body, now: the status (0: no answer) and the receiver's Retry-After."""
        if not self.webhook_url:
            return 0, None
        return self._post(self.webhook_url, self.webhook_headers(body), body)

    def carry(self, chat_id: str, body: bytes, said: tuple[Said, ...] = ()) -> None:
        """Deliver a body in its chat's order, again until it is accepted."""
        with self.changed:
            self.said.extend(said)
            for one in said:
                self.show(one.chat_id, Bubble(one.id, "person", one.text))
            self.delivery.put(chat_id, Parcel(body, said))

    def _send(self, parcel: Parcel) -> tuple[int, float | None]:
        status, wish = self.post(parcel.body)
        if 200 <= status < 300:
            with self.changed:
                for one in parcel.said:
                    one.accepted = monotonic()
                self.changed.notify_all()
        return status, wish

    def close(self) -> None:
        self.delivery.close()
        super().close()
        self._post.close()

    # calls and faults

    @abstractmethod
    def error(self, status: int) -> Any:
        """The body with which this platform usually says ``status``."""

    def fail_next(
        self,
        method: str,
        status: int,
        body: Any = None,
        *,
        after: bool = False,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Let the next ``times`` calls of ``method`` fail.

        With ``after`` the call is taken and the connection cut before the answer; with status 0
        the connection is cut and nothing taken. ``body`` None: the platform's usual words.
        """
        outcome = Outcome(self.error(status) if body is None else body, status, headers=headers or {})
        with self.changed:
            self._faults.setdefault(method.lower(), []).extend([_Fault(outcome, after)] * times)

    def take(self, method: str, chat_id: str, params: dict[str, Any], act: Callable[[], Outcome]) -> Response:
        """Do a call (or fail as told), record it, then answer it."""
        with self.changed:
            waiting = self._faults.get(method.lower())
            fault = waiting.pop(0) if waiting else None
            outcome = fault.outcome if fault and not fault.after else act()
            taken = 200 <= outcome.status < 300
            self.calls.append(Call(monotonic(), method, chat_id, params, outcome.bubble, taken))
            self.changed.notify_all()
        if self.latency:
            self.closing.wait(self.latency)
        if fault and (fault.after or not outcome.status):
            raise Cut
        return json_response(outcome.body, outcome.status, outcome.headers)


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; bytes go out as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(data, status, headers, content_type="application/json")
