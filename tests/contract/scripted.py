"""A model server that does exactly what a test wrote down, byte for byte, on 127.0.0.1."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest

from bot import plugins
from bot.business import Business
from bot.settings import Settings, load_settings
from simulator.ports import free_port
from workers.backends import Backend

Script = Callable[["Exchange"], None]


class Exchange(BaseHTTPRequestHandler):
    """One request, and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ScriptedServer

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _serve(self, body: dict[str, Any]) -> None:
        self.body = body
        self.server.seen.append(copy(self))  # one handler serves all requests of its connection
        if self.path in ("/api/chat", "/v1/chat/completions"):
            script = self.server.scripts.popleft() if self.server.scripts else self.server.always
            script(self)
        else:
            status, data = self.server.pages.get(self.path, (404, {"error": "404 page not found"}))
            self.whole(status, json.dumps(data).encode())

    def whole(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def drop(self) -> None:
        self.close_connection = True

    def wait_for_hang_up(self) -> None:
        """Stay silent until the client goes away, and tell the test that it has."""
        self.connection.settimeout(10)
        if self.connection.recv(1) == b"":
            self.server.hung_up.set()
        self.drop()

    def log_message(self, *_: Any) -> None:
        return


class ScriptedServer(ThreadingHTTPServer):
    """``scripts`` answer the next prompts, then ``always``; ``pages`` the other paths: status and JSON."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, always: Script) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.always = always
        self.scripts: deque[Script] = deque()
        self.pages: dict[str, tuple[int, Any]] = {}
        self.seen: list[Exchange] = []
        self.hung_up = threading.Event()

    @property
    def prompts(self) -> list[Exchange]:
        return [seen for seen in self.seen if "chat" in seen.path]

    def handle_error(self, *_: Any) -> None:
        """A client that goes away in the middle is what some tests want."""

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


def nowhere() -> str:
    """An address at which nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


@dataclass(frozen=True)
class Dialect:
    """How a provider's servers word an answer."""

    provider: str
    lines: Callable[..., bytes]
    alive: bytes
    trouble: bytes

    def says(self, *pieces: str) -> Script:
        """The whole answer."""

        def end(exchange: Exchange, _: Dialect) -> None:
            exchange.chunk(self.lines("", end=True))
            exchange.end()

        return self.begins(*pieces, then=end)

    def begins(self, *pieces: str, then: Callable[[Exchange, Dialect], None]) -> Script:
        """Say ``pieces``, which is no whole answer, and go on as told."""

        def script(exchange: Exchange) -> None:
            exchange.begin()
            for piece in pieces:
                exchange.chunk(self.lines(piece))
            then(exchange, self)

        return script

    def ends(self, reason: str) -> bytes:
        """The last line of an answer that the server gives up for this ``reason``."""
        return (
            self.lines("", end=True).replace(b'"stop"', json.dumps(reason).encode()).replace(b"data: [DONE]\n\n", b"")
        )

    @contextmanager
    def served(self, script: Script, **settings: Any) -> Iterator[tuple[Backend, ScriptedServer]]:
        """A server that follows ``script``, and a backend that asks it."""
        with ScriptedServer(script) as server:
            server.pages["/api/tags"] = 200, {"models": [{"name": "tiny:latest"}]}
            backend = self.backend(server.url, **settings)
            try:
                yield backend, server
            finally:
                backend.close()

    def settings(self, *urls: str, **more: Any) -> Settings:
        values = {"llm_model": "tiny", "llm_base_url": urls, "llm_first_token_timeout": 5, "llm_timeout": 5}
        return load_settings(llm_provider=self.provider, **values | more)

    def backend(self, *urls: str, **more: Any) -> Backend:
        found = plugins.load("workers.backends", self.provider, Backend)  # type: ignore[type-abstract]
        return found.from_settings(self.settings(*urls, **more), Business())


def _ollama_line(text: str, *, end: bool = False) -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps({"message": message, "done": end}, ensure_ascii=False).encode() + b"\n"


def _openai_line(text: str, *, end: bool = False) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": "stop" if end else None}
    event = {"id": "1", "created": 1, "model": "tiny", "system_fingerprint": "", "choices": [choice]}
    data = b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"
    return data + b"data: [DONE]\n\n" if end else data


OLLAMA = Dialect("ollama", _ollama_line, _ollama_line(""), b'{"error": "out of memory"}\n')
OPENAI = Dialect("openai", _openai_line, b": still here\n\n", b'data: {"error": {"message": "out of memory"}}\n\n')
HUGGINGFACE = Dialect("huggingface", _openai_line, OPENAI.alive, OPENAI.trouble)
DIALECTS = (OLLAMA, OPENAI, HUGGINGFACE)
each_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.provider)
