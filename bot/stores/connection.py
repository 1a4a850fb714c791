"""How every store reaches Redis, and where Redis' errors become ours."""

from __future__ import annotations

import hashlib
import socket
import struct
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import redis
from hiredis import pack_command
from redis.backoff import ConstantBackoff
from redis.connection import ConnectionInterface
from redis.retry import Retry

from bot.errors import SettingsError, StoreUnavailable
from bot.stores.embedded import EmbeddedConnection

Argument = str | int | bytes

PREFIX = "recado:"
DUE = PREFIX + "due"
"""Sorted set: conversation by the time (ms, Redis' clock) at which somebody must look at it."""
WAITING = PREFIX + "waiting"
"""Sorted set: conversation by when (ms) the oldest of its messages was accepted that is neither answered nor heard."""
LISTENING = PREFIX + "listening"
"""Sorted set: conversation by when (ms) the burst is over that is listened to."""
PAUSED = PREFIX + "paused"
"""Sorted set: conversation by when (ms) the pause ends in which nothing is answered."""


CLIENT = "recado-"
"""How the names of our processes begin in Redis' list of its clients."""


def key(conversation: str, part: str) -> str:
    """The Redis key of one part of a conversation, such as ``in`` or ``history``."""
    return f"{PREFIX}{{{conversation}}}:{part}"


def _exchange(connection: ConnectionInterface, packed: bytes) -> Any:
    """Send and read. Whatever goes wrong on the way, but Redis' own refusal, ends the connection."""
    try:
        if not connection.is_connected:
            connection.connect()  # type: ignore[no-untyped-call]
            _let_the_kernel_wait(connection._sock)  # type: ignore[attr-defined]  # noqa: SLF001 - see there
        connection.send_packed_command([packed])  # type: ignore[no-untyped-call]
        return connection.read_response()
    except redis.exceptions.ResponseError:
        raise
    except BaseException as error:
        connection.disconnect()  # type: ignore[no-untyped-call]
        if isinstance(error.__context__, BlockingIOError):  # the kernel's way to say that the time is over
            raise redis.exceptions.TimeoutError("no answer in time") from error
        raise


def _let_the_kernel_wait(link: socket.socket) -> None:
    """Give the socket's time limit to the kernel: Python's own costs a poll and a turn of its lock for each
    send and each receive, a tenth of an acknowledgement's CPU (bench/receiver.py). TLS keeps Python's."""
    seconds = link.gettimeout()
    if type(link) is socket.socket and seconds:
        limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            link.setsockopt(socket.SOL_SOCKET, option, limit)
        link.settimeout(None)


class Script:
    """A Lua script that stands beside the file that calls it; ``uses`` are put before it.

    Each script bears being run twice with the same arguments, because a client that lost the
    answer asks again.
    """

    def __init__(self, name: str, *uses: str) -> None:
        folder = resources.files("bot.stores")
        self.source = "\n".join(folder.joinpath(f"{part}.lua").read_text() for part in (*uses, name))
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


LOADING_SECONDS = 600.0
"""So long an operator's command waits for a Redis that reads its data, which takes seconds for each gigabyte: the
embedded server is started by the command itself, and ended with it where nothing else runs."""

MAX_CONNECTIONS = 10_000
"""redis-py's own limit of 100 is less than a worker may have turns."""


class Store:
    """Redis for our scripts: one retry on a broken connection, every failure a StoreUnavailable.

    A script's call goes past redis-py's client, straight to one of its connections: that is where
    most of an acknowledgement's CPU would go (bench/receiver.py). ``client`` is for everything else.
    """

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self._idle: deque[ConnectionInterface] = deque()

    def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """Run ``script``; answers are bytes, integers and lists. Raises StoreUnavailable."""
        with translated():
            try:
                return self._call(b"EVALSHA", script.sha, len(keys), *keys, *args)
            except redis.exceptions.NoScriptError:
                return self._call(b"EVAL", script.source, len(keys), *keys, *args)

    def call(self, *words: Argument) -> Any:
        """One command, as a script is called. Raises StoreUnavailable."""
        with translated():
            return self._call(*words)

    def _call(self, *words: Argument) -> Any:
        """One command on a connection of our own. One that broke connects anew and asks again, once:
        every script bears it. An answer that does not come in time is not waited for again."""
        packed = pack_command(words)  # type: ignore[arg-type]
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self.client.connection_pool.make_connection()
        try:
            try:
                return _exchange(connection, packed)
            except redis.exceptions.ConnectionError:
                return _exchange(connection, packed)
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        while self._idle:
            self._idle.pop().disconnect()  # type: ignore[no-untyped-call]
        self.client.close()

    def ping(self) -> None:
        """Raises StoreUnavailable when Redis does not answer."""
        with translated():
            self._call(b"PING")

    def await_data(self, seconds: float = LOADING_SECONDS) -> None:
        """Wait while Redis reads its data, as it does after its start. Raises StoreUnavailable."""
        until = time.monotonic() + seconds
        while True:
            try:
                return self.ping()
            except StoreUnavailable as error:
                if not isinstance(error.__cause__, redis.exceptions.BusyLoadingError) or time.monotonic() > until:
                    raise
            time.sleep(0.05)


@contextmanager
def translated() -> Iterator[None]:
    """The one border at which redis-py's errors become ours."""
    try:
        yield
    except redis.exceptions.AuthenticationError as error:
        raise StoreUnavailable(f"Redis refuses the password in REDIS_URL ({error})") from error
    except redis.exceptions.ResponseError as error:
        raise StoreUnavailable(f"Redis refuses: {error}. Look at its memory, its disk and its rights.") from error
    except redis.exceptions.RedisError as error:
        raise StoreUnavailable(f"Redis does not answer: {error} Is it running, and is REDIS_URL right?") from error


def connect(url: str, data_dir: Path, timeout: float, process: str = "") -> Store:
    """Reach the Redis at ``url``, or, when it is empty, the embedded one in ``data_dir``.

    ``timeout`` is in seconds, for connecting and for each answer; ``process`` is what Redis' list of its clients calls
    us. Raises SettingsError for an address that is none. Nothing is sent yet.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(ConstantBackoff(0.05), 1),
        "max_connections": MAX_CONNECTIONS,
    }
    if process:
        options["client_name"] = CLIENT + process
    try:
        if url:
            return Store(redis.Redis.from_url(url, **options))
    except ValueError as error:
        raise SettingsError(f"REDIS_URL: {error}. It looks like redis://:password@localhost:6379/0.") from None
    pool = redis.ConnectionPool(connection_class=EmbeddedConnection, data_dir=data_dir, **options)
    return Store(redis.Redis(connection_pool=pool))
