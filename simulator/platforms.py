"""What all messaging platforms have in common: a log of calls, chats that people see, webhooks and faults."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any, ClassVar

from werkzeug.wrappers import Response

from simulator.bubble import Bubble
from simulator.calls import Call, Fault, Outcome, json_response
from simulator.delivery import Delivery, Parcel, Said
from simulator.post import Answer, Post
from simulator.server import Cut, Server
from simulator.weather import Meter, Pauses, Weather, Windows

__all__ = ["Bubble", "Call", "Outcome", "Platform", "json_response"]

Hook = Callable[[str, str, dict[str, Any]], None]


class Platform(Server):
    """A messaging platform: people write to it, the product's webhook hears of it and calls back.

    ``latency`` is how many seconds each answer to a call takes; ``retry_seconds`` the first longer
    pause before a webhook is tried again; ``redeliver`` the share of accepted bodies that come once
    more within ``redeliver_seconds``, because the platform missed the answer; ``dice`` decides which
    (``dice.seed(7)`` makes that repeatable). ``weather`` lets calls go wrong, and ``limits`` are
    counted; what broke them stands in ``over``, and calls made before the pause that their platform
    had asked for was over stand in ``early``. ``before`` and ``after`` are called with method,
    chat and parameters just before a call is taken, and when it is taken and not yet answered; when
    they raise Cut, the connection ends there and then. ``moved`` are chats that have another id now: old to new.
    ``echoed`` is what the business said itself, ``revoked`` what people took back, by its id, with when that was told.
    ``forbidden`` are messages that should not have been sent, in words; ``further`` the business's other accounts;
    ``returned`` messages (chat and text) that never reach their person, as was told.
    """

    name: str
    messages: ClassVar[frozenset[str]]
    """The calls that show or change bubbles, in lower case."""

    def __init__(
        self, webhook_url: str = "", *, retry_seconds: float = 2.0, redeliver: float = 0.0, threads: int = 16
    ) -> None:
        super().__init__(threads)
        self.latency = 0.0
        self.calls: list[Call] = []
        self.early: list[Call] = []
        self.over: list[str] = []
        self.said: list[Said] = []
        self.moved: dict[str, str] = {}
        self.echoed, self.revoked = list[Said](), dict[str, Said]()
        self.forbidden, self.further, self.returned = list[str](), set[str](), list[tuple[str, str]]()
        self.redeliver, self.redeliver_seconds, self.redelivered = redeliver, (0.0, 3.0), 0
        self.dice = random.Random(0)
        self.weather = Weather()
        self.limits = Windows()
        self.before: Hook | None = None
        self.after: Hook | None = None
        self._chats: dict[str, dict[str, Bubble]] = {}
        self._faults: dict[str, list[Fault]] = {}
        self._pauses, self._meter = Pauses(), Meter()
        self._post = Post()
        self.delivery = Delivery(self._send, retry_seconds=retry_seconds, longest_seconds=30 * retry_seconds)
        self.webhook_url = webhook_url

    # what people see and do

    def chat(self, chat_id: int | str) -> list[Bubble]:
        """The chat as its person sees it now, oldest first."""
        with self.changed:
            return [replace(bubble) for bubble in self._chats.get(str(chat_id), {}).values()]

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

    def remove(self, chat_id: int | str, bubble_id: str) -> None:
        """The person deletes a bubble."""
        with self.changed:
            self._chats[str(chat_id)].pop(bubble_id)
            self.changed.notify_all()

    def bubble(self, chat_id: str, bubble_id: str) -> Bubble | None:
        return self._chats.get(chat_id, {}).get(bubble_id)

    # webhooks

    @property
    def webhook_url(self) -> str:
        """Where the product hears of what people write; as long as it is empty, everything waits."""
        return self._webhook_url

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        self._webhook_url = url
        self.delivery.hold(held=not url)

    @abstractmethod
    def webhook_headers(self, body: bytes) -> dict[str, str]:
        """What proves to the receiver that a body is the platform's."""

    def post(self, body: bytes) -> tuple[int, float | None]:
        """One delivery of a raw body, now: the status (0: no answer) and the receiver's Retry-After."""
        return (answer := self.bring(body)).status, answer.wish

    def bring(self, body: bytes) -> Answer:
        """One delivery of a raw body, now, and the receiver's whole answer."""
        return self._post(self.webhook_url, self.webhook_headers(body), body) if self.webhook_url else Answer()

    def carry(self, chat_id: str, body: bytes, said: tuple[Said, ...] = (), *, wait: float = 0.0) -> Parcel:
        """Deliver a body in the order of all its chats, ``wait`` seconds from now, again until it is accepted."""
        with self.changed:
            self.hear(said)
            parcel = Parcel(body, said)
            if said and self.dice.random() < self.redeliver:
                parcel.again = self.dice.uniform(*self.redeliver_seconds)
            self.delivery.put(tuple(dict.fromkeys((chat_id, *(one.chat_id for one in said)))), parcel, wait)
            return parcel

    def hear(self, said: tuple[Said, ...]) -> None:
        """Note what people said, and show it in their chats."""
        with self.changed:
            self.said.extend(said)
            for one in said:
                self.show(one.chat_id, Bubble(one.id, "person", one.text))

    def _send(self, parcel: Parcel) -> tuple[int, float | None]:
        status, wish = self.post(parcel.body)
        if 200 <= status < 300:
            with self.changed:
                for one in parcel.said:
                    one.accepted = one.accepted or monotonic()
                if parcel.again is not None:
                    self.redelivered += 1
                    self.delivery.put(f"again {self.redelivered}", Parcel(parcel.body, parcel.said), parcel.again)
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

    @abstractmethod
    def limit(self, seconds: float, overall: bool) -> Outcome:
        """How this platform asks for a pause, in one chat or in all."""

    @abstractmethod
    def pause_of(self, body: Any, headers: Mapping[str, str]) -> tuple[float, bool]:
        """For how many seconds' pause an answer asks, 0 for none, and whether in all chats."""

    def concerned(self, method: str, *, overall: bool) -> bool:
        """Whether calls of ``method`` (in lower case) must wait in a pause."""
        return method in self.messages

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
        body, headers = self.error(status) if body is None else body, headers or {}
        pause, overall = self.pause_of(body, headers)
        outcome = Outcome(body, status, headers=headers, pause=pause, overall=overall)
        self._expect(method, Fault(None if after else outcome, lost=after or not status), times)

    def slow_next(self, method: str, seconds: float, times: int = 1) -> None:
        """Let the next ``times`` calls of ``method`` be taken and answered so much later."""
        self._expect(method, Fault(seconds=seconds), times)

    def _expect(self, method: str, fault: Fault, times: int) -> None:
        with self.changed:
            self._faults.setdefault(method.lower(), []).extend([fault] * times)

    def take(self, method: str, chat_id: str, params: dict[str, Any], act: Callable[[], Outcome]) -> Response:
        """Do a call (or fail as told), record it, then answer it."""
        arrived = monotonic()
        if self.before:
            self.before(method, chat_id, params)
        with self.changed:
            now = monotonic()
            early, fault = self._fault(method.lower(), chat_id, arrived, now)
            outcome = fault.outcome or act()
            taken = 200 <= outcome.status < 300 and not outcome.void
            status = 0 if fault.lost else outcome.status
            self.calls.append(Call(now, method, chat_id, params, outcome.bubble, taken, status, outcome.body))
            if early:
                self.early.append(self.calls[-1])
            self._account(self.calls[-1], outcome)
            self.changed.notify_all()
        if self.after:
            self.after(method, chat_id, params)
        if self.latency + fault.seconds:
            self.closing.wait(self.latency + fault.seconds)
        if fault.lost:
            raise Cut
        return json_response(outcome.body, outcome.status, outcome.headers)

    def _fault(self, method: str, chat_id: str, arrived: float, now: float) -> tuple[bool, Fault]:
        """Whether a call breaks a pause, and what goes wrong with it."""
        message = method in self.messages
        pause = self._pauses.of(chat_id, now)
        if pause and self.concerned(method, overall=pause.overall):
            told = Fault(self.limit(pause.left(now), pause.overall))
            return pause.is_broken_by(arrived, message=message), told
        if waiting := self._faults.get(method):
            return False, waiting.pop(0)
        failed = Outcome(self.error(500), 500)
        return False, self.weather.next(self.limit, failed) if message else Fault()

    def _account(self, call: Call, outcome: Outcome) -> None:
        method = call.method.lower()
        if outcome.pause and self.concerned(method, overall=outcome.overall):
            self._pauses.tell(call.chat_id, outcome.pause, call.time, overall=outcome.overall)
        if call.taken and method in self.messages:
            self.over += self._meter.count(self.limits, call.chat_id, call.time)
