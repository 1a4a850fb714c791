"""A TCP proxy before a Redis that knows its commands and answers, and breaks them at a chosen point."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import threading
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, ClassVar, NamedTuple, Self

from simulator.faults.link import CHUNK, Command, Link, Stream
from simulator.faults.plan import Plan
from simulator.faults.resp import words

KEPT = 100_000
"""The trace holds at least so many of the last commands, and at most twice as many."""

_WAIT_SECONDS = 10.0
_NAME = re.compile(rb"^-- (\w[\w.-]*): ", re.MULTILINE)
_RUNS = frozenset(("evalsha", "evalsha_ro"))
_SHOWS = frozenset(("eval", "eval_ro"))


class Passed(NamedTuple):
    """A command that a client sent: at a monotonic ``time``, the ``number``-th of all, by its ``name``."""

    time: float
    connection: int
    number: int
    name: str


class RedisProxy(Plan):
    """Listens on a free port of 127.0.0.1 before the Redis at ``host`` and ``port``; a context manager.

    A script goes by the name in its first line of the form ``-- name: …``, once its source was seen in EVAL
    or SCRIPT LOAD by any proxy, else by eight digits of its hash; every other command by its own name, in lower case.
    ``trace`` lists what clients sent since the count was restarted, before any fault. ``delay`` is how
    many seconds later each command reaches Redis. While nothing is planned, it changes no byte.
    """

    _scripts: ClassVar[dict[str, str]] = {}
    """The names of all scripts by their hashes, whichever proxy has seen their sources."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.delay = 0.0
        self.trace: list[Passed] = []
        self._redis = (host, port)
        self._links: set[Link] = set()
        self._connections = 0
        self._carrying: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._place = _bound(0)  # keeps the port ours while nobody listens on it
        self._port: int = self._place.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="RedisProxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_WAIT_SECONDS):
            raise RuntimeError(f"The proxy on port {self._port} did not start.")
        return self

    def __exit__(self, *exc: object) -> None:
        if self._ready.is_set():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_WAIT_SECONDS)
        self._place.close()

    # faults that last

    def blackhole(self) -> None:
        """Let nothing through, either way, until ``heal``: connections stay and are made, and nobody answers.

        What was sent meanwhile arrives after ``heal``, even if its sender has given up: so it is on a real network.
        """
        self._do(self._let_nothing_through)

    def refuse(self) -> None:
        """Cut every connection and refuse new ones, until ``heal``."""
        self._do(self._refuse)

    def heal(self) -> None:
        """End ``blackhole`` and ``refuse``."""
        self._do(self._heal)

    def restart_count(self) -> None:
        """Count from one again, with an empty trace; ``fired`` is cleared. What is planned stays planned."""
        super().restart_count()
        self.trace = []

    # what a link asks: Rules

    async def passable(self) -> None:
        """Wait while nothing gets through."""
        while not self._open.is_set():
            await self._open.wait()

    def seen(self, connection: int, frame: bytes) -> Command:
        """Note a command and say what is to happen to it."""
        name = self._name(words(frame, 3))
        number, faults = self.count(name)
        self.trace.append(Passed(monotonic(), connection, number, name))
        if len(self.trace) > 2 * KEPT:
            del self.trace[:KEPT]
        if not faults:
            return Command(name)
        before = tuple(one for one in faults if one.point.when == "before")
        return Command(name, before, tuple(one for one in faults if one.point.when == "after"))

    def failed(self, error: Exception) -> None:
        """Note that the proxy itself could not go on."""
        self.errors.append(error)

    def _name(self, said: list[bytes]) -> str:
        name = said[0].decode(errors="replace").lower()
        if name in _SHOWS and len(said) > 1:
            return self._learn(said[1])
        if name in _RUNS and len(said) > 1:
            sha = said[1].decode(errors="replace").lower()
            return self._scripts.get(sha, sha[:8])
        if name == "script" and len(said) > 2 and said[1].lower() == b"load":
            self._learn(said[2])
        return name

    def _learn(self, source: bytes) -> str:
        sha = hashlib.sha1(source, usedforsecurity=False).hexdigest()
        if sha not in self._scripts:
            found = _NAME.search(source)
            self._scripts[sha] = found[1].decode() if found else sha[:8]
        return self._scripts[sha]

    # the proxy's own thread

    def _do(self, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it in the proxy's thread, and return when it is done."""
        asyncio.run_coroutine_threadsafe(action(), self._loop).result(_WAIT_SECONDS)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._open = asyncio.Event(), asyncio.Event()
        await self._heal()
        self._ready.set()
        await self._stop.wait()
        await self._refuse()
        while self._carrying:  # whoever was accepted a moment ago comes as well
            for task in self._carrying:
                task.cancel()
            await asyncio.gather(*self._carrying, return_exceptions=True)
            await asyncio.sleep(0)  # transports say goodbye in the next round

    async def _let_nothing_through(self) -> None:
        self._open.clear()

    async def _heal(self) -> None:
        self._open.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._welcome, sock=_bound(self._port), limit=CHUNK, backlog=1024)

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in self._links:
            link.cut()

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        task = asyncio.create_task(self._carry(self._connections, (reader, writer)))
        self._carrying.add(task)
        task.add_done_callback(lambda _: writer.transport.abort())
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, number: int, client: Stream) -> None:
        await self.passable()
        try:
            redis = await asyncio.open_connection(*self._redis, limit=CHUNK)
        except OSError:  # no Redis: nobody answers
            return
        link = Link(self, number, client, redis)
        if self._server is None:
            link.cut()
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)


def _bound(port: int) -> socket.socket:
    """A socket on ``port`` of 127.0.0.1 that shares it with others of ours, of which one at most listens."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(("127.0.0.1", port))
    return found
