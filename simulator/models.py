"""A stand-in for model servers: Ollama's own API and the OpenAI-compatible one, on one port."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from simulator.platforms import json_response
from simulator.server import Cut, Server
from simulator.wires import Ollama, OpenAI, Wire

WIRES: Final[dict[str, type[Wire]]] = {"/api/chat": Ollama, "/v1/chat/completions": OpenAI}
LOOK_SECONDS: Final = 0.05
VERSION: Final = "0.32.15"
"""Of Ollama: the one that install_ollama.sh installs."""

Reply = Callable[[dict[str, Any]], str | Sequence[str]]


@dataclass(slots=True, eq=False)
class Asked:
    """One request for an answer, with its JSON. Times are monotonic.

    ``first`` is when the first piece left, ``ended`` when the request was over, ``outcome`` how:
    done, failed (as told), cut (by us) or left (by the client, also while it was made to wait).
    """

    path: str
    json: dict[str, Any]
    headers: dict[str, str]
    time: float = field(default_factory=monotonic)
    first: float | None = None
    ended: float | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class _Fault:
    response: tuple[Any, int, Mapping[str, str]] | None = None
    cut_after: int | None = None
    hang: bool = False


def echo(body: dict[str, Any]) -> str:
    """``re:`` and what the person said last, without the note that opens the newest turn."""
    said = next((turn["content"] for turn in reversed(body.get("messages", [])) if turn["role"] == "user"), "")
    note, blank, words = str(said).partition("\n\n")
    return f"re: {words if blank else note}"


class ModelServer(Server):
    """Answers ``threads`` prompts at once with ``reply`` (text, or the pieces to stream).

    ``delay`` is seconds before the first piece, ``pace`` seconds between pieces. ``running`` counts
    the requests in flight, ``peak`` their highest number so far.
    """

    def __init__(
        self,
        delay: float = 0.0,
        reply: Reply | None = None,
        *,
        models: Sequence[str] = ("mistral:7b",),
        pace: float = 0.0,
        threads: int = 128,
    ) -> None:
        super().__init__(threads)
        self.delay = delay
        self.pace = pace
        self.reply: Reply = reply or echo
        self.models = tuple(models)
        self.requests: list[Asked] = []
        self.running = 0
        self.peak = 0
        self._faults: deque[_Fault] = deque()

    # faults

    def fail_next(
        self, status: int, body: Any = None, headers: Mapping[str, str] | None = None, *, times: int = 1
    ) -> None:
        """Answer the next ``times`` prompts with an error."""
        told = {"error": "told to fail"} if body is None else body
        self._faults.extend([_Fault(response=(told, status, headers or {}))] * times)

    def cut_next(self, after_pieces: int = 1, *, times: int = 1) -> None:
        """Break the next answers off after so many pieces."""
        self._faults.extend([_Fault(cut_after=after_pieces)] * times)

    def hang_next(self, *, times: int = 1) -> None:
        """Take the next prompts and never answer them."""
        self._faults.extend([_Fault(hang=True)] * times)

    # HTTP

    def respond(self, request: Request) -> Response:
        body = request.get_json(silent=True) or {}
        if request.path in WIRES and request.method == "POST":
            return self._chat(request, WIRES[request.path](body))
        if request.path == "/api/show":
            name = str(body.get("model") or body.get("name") or "")
            return json_response(Ollama.shown()) if self._has(name) else json_response(Ollama.unknown(name), 404)
        lists: dict[str, Callable[[Sequence[str]], Any]] = {
            "/api/version": lambda _: {"version": VERSION},
            "/api/tags": Ollama.tags,
            "/api/ps": Ollama.loaded,
            "/v1/models": OpenAI.models,
        }
        if request.path in lists:
            return json_response(lists[request.path](self.models))
        return json_response({"error": "404 page not found"}, 404)

    def _has(self, name: str) -> bool:
        return name in self.models or f"{name}:latest" in self.models

    def _chat(self, request: Request, wire: Wire) -> Response:
        asked = Asked(request.path, wire.body, dict(request.headers))
        fault = self._begin(asked)
        if fault.response:
            self._end(asked, "failed")
            return json_response(*fault.response)
        if not self._has(wire.model):
            self._end(asked, "failed")
            return json_response(wire.unknown(wire.model), 404)
        pieces = self._pieces(asked, fault, request.environ["waitress.client_disconnected"])
        if not wire.streams:
            return json_response(wire.whole(list(pieces)))
        return Response(_stream(wire, pieces), content_type=wire.stream_type)

    def _pieces(self, asked: Asked, fault: _Fault, left: Callable[[], bool]) -> Generator[str, None, None]:
        outcome = "left"
        try:
            self._pause(self.delay if not fault.hang else float("inf"), left)
            answer = self.reply(asked.json)
            pieces = re.findall(r"\s*\S+\s*", answer) if isinstance(answer, str) else answer
            for number, piece in enumerate(pieces):
                if number:
                    self._pause(self.pace, left)
                if number == fault.cut_after:
                    outcome = "cut"
                    raise Cut
                asked.first = asked.first or monotonic()
                yield piece
            outcome = "done"
        finally:
            self._end(asked, outcome)

    def _pause(self, seconds: float, left: Callable[[], bool]) -> None:
        """Wait; raises Cut when the client leaves or the server closes meanwhile."""
        until = monotonic() + seconds
        while (rest := until - monotonic()) > 0:
            if self.closing.wait(min(rest, LOOK_SECONDS)) or left():
                raise Cut

    def _begin(self, asked: Asked) -> _Fault:
        with self.changed:
            self.requests.append(asked)
            self.running += 1
            self.peak = max(self.peak, self.running)
            self.changed.notify_all()
            return self._faults.popleft() if self._faults else _Fault()

    def _end(self, asked: Asked, outcome: str) -> None:
        with self.changed:
            asked.ended, asked.outcome = monotonic(), outcome
            self.running -= 1
            self.changed.notify_all()


def _stream(wire: Wire, pieces: Generator[str, None, None]) -> Iterator[bytes]:
    """Closed with the connection, so that a request that a client leaves is over at once."""
    with closing(pieces):
        yield from wire.stream(pieces)
