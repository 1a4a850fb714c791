"""A stand-in for model servers: Ollama's own API and the OpenAI-compatible one, on one port."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from time import monotonic
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from simulator.asked import Asked, text_of, twice, words
from simulator.model_weather import GARBAGE, Fault, Garbled, ModelWeather
from simulator.ollama import Host
from simulator.platforms import json_response
from simulator.server import Cut, Server
from simulator.wires import Ollama, OpenAI, Wire

__all__ = ["Asked", "ModelServer", "ModelWeather", "echo"]

WIRES: Final[dict[str, type[Wire]]] = {"/api/chat": Ollama, "/v1/chat/completions": OpenAI}
LOOK_SECONDS: Final = 0.05
QUEUE: Final = 512
"""Of Ollama: OLLAMA_MAX_QUEUE (ollama/ollama, envconfig/config.go)."""

Reply = Callable[[dict[str, Any]], str | Sequence[str]]


def echo(body: dict[str, Any]) -> str:
    """``re:`` and what the person said last, without the note that opens the newest turn."""
    said = next((text_of(turn) for turn in reversed(body.get("messages", [])) if turn["role"] == "user"), "")
    return f"re: {words(said)}"


class ModelServer(Server):
    """Answers prompts with ``reply`` (text, or the pieces to stream).

    ``delay`` is seconds before the first piece, ``pace`` seconds between pieces. ``parallel`` prompts
    are answered at once (None: any number), ``queue`` more wait in order of arrival, others are told 503,
    as Ollama does; ``threads`` must be more than both together. ``running`` counts the requests in
    flight, waiting ones too, ``peak`` their highest number so far. ``weather`` fails by chance what was
    not told to fail. ``host`` is what it says of itself as an Ollama.
    """

    def __init__(
        self, delay: float = 0.0, reply: Reply | None = None, *, models: Sequence[str] = ("mistral:7b",),
        pace: float = 0.0, threads: int = 128, parallel: int | None = None, queue: int = QUEUE,
    ) -> None:  # fmt: skip
        super().__init__(threads)
        self.delay = delay
        self.pace = pace
        self.parallel = parallel
        self.queue = queue
        self.reply: Reply = reply or echo
        self.models = tuple(models)
        self.host = Host()
        self.weather: ModelWeather | None = None
        self.requests: list[Asked] = []
        self.peak = 0
        self._faults: deque[Fault] = deque()
        self._line: list[Asked] = []
        self._is_down = False

    @property
    def running(self) -> int:
        return len(self._line)

    def asked_twice(self, *, whole: bool = True) -> list[Asked]:
        """The requests that repeat what the model was asked before, or, with ``whole``, had already answered whole.

        Two people with the same words look alike, so it takes people who write something of their own.
        """
        with self.changed:
            return twice(self.requests, whole=whole)

    # faults

    def fail_next(
        self, status: int, body: Any = None, headers: Mapping[str, str] | None = None, *, times: int = 1
    ) -> None:
        """Answer the next ``times`` prompts with an error."""
        told = {"error": "told to fail"} if body is None else body
        self._tell(Fault(response=(told, status, headers or {})), times)

    def cut_next(self, after_pieces: int = 1, *, times: int = 1) -> None:
        """Break the next answers off after so many pieces, a shorter one before its end."""
        self._tell(Fault(cut_after=after_pieces), times)

    def garbage_next(self, after_pieces: int = 0, *, times: int = 1) -> None:
        """Let the next answers, after so many pieces, go on with what is no answer."""
        self._tell(Fault(garbage_after=after_pieces), times)

    def hang_next(self, *, times: int = 1) -> None:
        """Take the next prompts and never answer them."""
        self._tell(Fault(hang=True), times)

    def slow_first(self, seconds: float, *, times: int = 1) -> None:
        """Let the first piece of the next answers take ``seconds`` longer."""
        self._tell(Fault(slow=seconds), times)

    def trickle(self, seconds: float, *, times: int = 1) -> None:
        """Let the next answers come a piece every ``seconds``."""
        self._tell(Fault(pace=seconds), times)

    def down(self) -> None:
        """Cut everything that runs, and every connection at its first request, until ``up``; the port stays ours."""
        with self.changed:
            self._is_down = True
            for asked in list(self._line):
                self._end(asked, "cut")

    def up(self) -> None:
        """Be there again, with nothing remembered of what ran before."""
        with self.changed:
            self._is_down = False

    def _tell(self, fault: Fault, times: int) -> None:
        with self.changed:
            self._faults.extend([fault] * times)

    # HTTP

    def respond(self, request: Request) -> Response:
        body = request.get_json(silent=True) or {}
        if request.path in WIRES and request.method == "POST":
            return self._chat(request, WIRES[request.path](body))
        if self._is_down:
            raise Cut
        if request.path == "/v1/models":
            return json_response(OpenAI.models(self.models))
        found = self.host.answer(request.path, body, self.models)
        return json_response(*(found or ({"error": "404 page not found"}, 404)))

    def _refuses(self, wire: Wire) -> tuple[Any, int] | None:
        """Why this prompt is not answered, if it is not, as its server words it."""
        if not self.host.find(wire.model, self.models):
            return wire.unknown(wire.model), 404
        if isinstance(wire, Ollama) and wire.body.get("think"):
            return wire.thoughtless(wire.model), 400
        return None

    def _chat(self, request: Request, wire: Wire) -> Response:
        asked = Asked(request.path, wire.body, dict(request.headers))
        fault = self._begin(asked)
        if asked.outcome == "busy":
            return json_response(wire.busy(), 503)
        if asked.outcome:
            raise Cut
        if refused := fault.response or self._refuses(wire):
            self._end(asked, "failed")
            return json_response(*refused)
        self.host.load(wire.body, self.models)
        pieces = self._pieces(asked, fault, request.environ["waitress.client_disconnected"])
        if not wire.streams:
            return _whole(wire, pieces)
        response = Response(_stream(wire, pieces), content_type=wire.stream_type)
        response.call_on_close(lambda: self._end(asked, "left"))  # a stream that nobody began cannot say so itself
        return response

    def _pieces(self, asked: Asked, fault: Fault, left: Callable[[], bool]) -> Generator[str, None, None]:
        try:
            self._queue(asked, left)
            self._pause(asked, float("inf") if fault.hang else self.delay + fault.slow, left)
            answer = self.reply(asked.json)
            pieces = re.findall(r"\s*\S+\s*", answer) if isinstance(answer, str) else answer
            for number, piece in enumerate(pieces):
                self._pause(asked, (fault.pace or self.pace) if number else 0, left)
                self._strike(asked, fault, number)
                asked.first = asked.first or monotonic()
                yield piece
            self._strike(asked, fault, last=True)
            self._end(asked, "done")
        finally:
            self._end(asked, "left")

    def _queue(self, asked: Asked, left: Callable[[], bool]) -> None:
        """Wait until it is this one's turn; raises Cut as ``_pause`` does."""
        with self.changed:
            while not asked.outcome and self._line.index(asked) >= (self.parallel or len(self._line)):
                self.changed.wait(LOOK_SECONDS)
                if self.closing.is_set() or left():
                    raise Cut

    def _pause(self, asked: Asked, seconds: float, left: Callable[[], bool]) -> None:
        """Wait; raises Cut when the client leaves, or the server closes or goes down meanwhile."""
        until = monotonic() + seconds
        while not asked.outcome:
            if (rest := until - monotonic()) <= 0:
                return
            if self.closing.wait(min(rest, LOOK_SECONDS)) or left():
                break
        raise Cut

    def _strike(self, asked: Asked, fault: Fault, number: int = 0, *, last: bool = False) -> None:
        """Raises Cut or Garbled when the answer is to break off before this piece, or before its end."""
        for after, error in ((fault.cut_after, Cut), (fault.garbage_after, Garbled)):
            if after is not None and (last or number == after):
                self._end(asked, "cut")
                raise error

    def _begin(self, asked: Asked) -> Fault:
        with self.changed:
            self.requests.append(asked)
            self._line.append(asked)
            fault = Fault(refused=True) if self._is_down else Fault()
            if not self._is_down and self.parallel and len(self._line) > self.parallel + self.queue:
                self._end(asked, "busy")
            elif not self._is_down:
                fault = self._faults.popleft() if self._faults else self.weather.draw() if self.weather else fault
            if fault.refused:
                self._end(asked, "refused")
            self.peak = max(self.peak, self.running)
            self.changed.notify_all()
            return fault

    def _end(self, asked: Asked, outcome: str) -> None:
        """What ended first is the end."""
        with self.changed:
            if not asked.outcome:
                asked.ended, asked.outcome = monotonic(), outcome
                self._line.remove(asked)
                self.changed.notify_all()


def _stream(wire: Wire, pieces: Generator[str, None, None]) -> Iterator[bytes]:
    """Closed with the connection, so that a request that a client leaves is over at once."""
    with closing(pieces):
        try:
            yield from wire.stream(pieces)
        except Garbled:
            yield GARBAGE


def _whole(wire: Wire, pieces: Generator[str, None, None]) -> Response:
    try:
        return json_response(wire.whole(list(pieces)))
    except Garbled:
        return json_response(GARBAGE)
