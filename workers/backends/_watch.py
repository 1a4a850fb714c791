"""The deadlines of a running request, and the way to end it from another thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from bot.errors import Unavailable

DRAIN_SECONDS = 1.0
"""How long a finished answer's connection may take to come to its end and be used again."""

LATE = "look whether the model server is overloaded, or raise LLM_FIRST_TOKEN_TIMEOUT"

_here = threading.local()


class Watch:
    """One request's time: ``first`` seconds to its first token, then ``gap`` seconds to each next one.

    An HTTP client's own read timeout runs between bytes, so that a server which sends signs of life
    but no token would never be late; therefore each read is given what is left here.
    """

    def __init__(self, first: float, gap: float = 1.0, hint: str = LATE) -> None:
        self._first, self._gap, self._hint = first, gap, hint
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._begun = False
        self.closed = False
        self.limited = False
        """Whether the answer ended because it had as many tokens as it may."""
        self.resume()

    def resume(self) -> None:
        """Somebody waits for the next piece: the time spent elsewhere meanwhile was not the server's."""
        if self._begun:
            self.token()
            return
        self._late = f"nothing came within {self._first:g} seconds: {self._hint}"
        self._until = monotonic() + self._first

    def token(self) -> None:
        """A token has come: the time to the next one begins."""
        self._begun = True
        self._late = f"the model went silent for {self._gap:g} seconds: look into its log, or raise LLM_TIMEOUT"
        self._until = monotonic() + self._gap

    def finish(self) -> None:
        """The answer is complete; only the end of its connection is still awaited."""
        self._until = monotonic() + DRAIN_SECONDS

    def left(self) -> float:
        """Seconds left, never nought, which would mean: do not wait."""
        return max(0.001, self._until - monotonic())

    def cut(self) -> None:
        """End the request, whatever it is waiting for."""
        with self._lock:
            self.closed = True
            if self._socket is not None:
                _shut(self._socket)

    def verdict(self) -> Unavailable | None:
        """Why the request was ended by us, if it was."""
        if self.closed:
            return closed()
        return Unavailable(self._late) if monotonic() >= self._until else None

    @contextmanager
    def on_this_thread(self) -> Iterator[None]:
        """Everything that this thread reads and writes meanwhile obeys this watch."""
        before = getattr(_here, "watch", None)
        _here.watch = self
        try:
            yield
        finally:
            _here.watch = before

    @contextmanager
    def using(self, connection: socket.socket) -> Iterator[None]:
        """``connection`` is ours only while we wait on it: afterwards it may serve another request."""
        with self._lock:
            self._socket = connection
            if self.closed:
                _shut(connection)
        try:
            yield
        finally:
            with self._lock:
                self._socket = None


def closed() -> Unavailable:
    """The error for whoever still waits for a request that was ended."""
    return Unavailable("the request was closed before its answer was complete")


def _shut(connection: socket.socket) -> None:
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # not TLS's own, which another thread is reading
    except OSError:
        return  # it has ended by itself


class WatchedNetwork:
    """A network backend of httpcore, or of its successor, whose connections obey the watch of their thread."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def connect_tcp(self, *args: Any, **kwargs: Any) -> WatchedConnection:
        return WatchedConnection(self._inner.connect_tcp(*args, **kwargs))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> WatchedConnection:
        return WatchedConnection(self._inner.connect_unix_socket(*args, **kwargs))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class HungUp(Exception):
    """Raised when a server has ended a connection that it kept, instead of answering there: it may just have been about
    to, and is asked anew on another one."""


class WatchedConnection:
    """A network stream of httpcore that reads no longer than its thread's watch allows."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._kept = self._heard = False
        """Whether an earlier answer came here, and whether anything of this one has."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Raises HungUp, Unavailable, and the library's own errors."""
        watch: Watch | None = getattr(_here, "watch", None)
        try:
            data = self._read(watch, max_bytes, timeout)
        except Exception as error:
            if isinstance(error.__cause__, ConnectionError) and self._is_left(watch):
                raise HungUp from None
            raise
        if not data and self._is_left(watch):
            raise HungUp
        self._heard = True
        return data

    def _is_left(self, watch: Watch | None) -> bool:
        return self._kept and not self._heard and not (watch and watch.verdict())

    def _read(self, watch: Watch | None, max_bytes: int, timeout: float | None) -> bytes:
        if watch is None:
            return bytes(self._inner.read(max_bytes, timeout))
        if verdict := watch.verdict():  # a server that never pauses would never be late
            raise verdict
        with watch.using(self._inner.get_extra_info("socket")):
            return bytes(self._inner.read(max_bytes, watch.left()))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        watch: Watch | None = getattr(_here, "watch", None)
        self._kept, self._heard = self._kept or self._heard, False
        if watch is None:
            self._inner.write(buffer, timeout)
            return
        with watch.using(self._inner.get_extra_info("socket")):
            self._inner.write(buffer, timeout)

    def start_tls(self, *args: Any, **kwargs: Any) -> WatchedConnection:
        return WatchedConnection(self._inner.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()
