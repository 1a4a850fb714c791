"""Ports of this machine for servers that are started soon: no two simulators are given the same one."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

SERVERS_PORTS = range(20_000, 32_000)
"""Below those that Linux gives to clients (ip(7), ip_local_port_range): otherwise whoever calls a server that is not
up may, now and then, be connected to itself, and hold the port that the server needs."""

_SHARED = Path("/dev/shm")  # noqa: S108 - it keeps nothing: only who has which port
"""A folder in memory that is the same for everybody, whatever TMPDIR they have (shm_overview(7))."""

_ours: set[int] = set()
_dice = random.Random()


def free_port() -> int:
    """A port that nobody listens on now, and that is given to nobody else until this process ends.

    A server needs seconds until it listens, and one that is killed leaves its port for a while.
    """
    while True:
        port = _dice.choice(SERVERS_PORTS)
        with suppress(OSError), socket.socket() as probe:
            if port not in _ours:
                fcntl.lockf(_book(os.getpid()), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
                _ours.add(port)
                probe.bind(("127.0.0.1", port))
                return port


@cache
def _book(_pid: int) -> int:
    """A file of this user's, open in this process: byte N is locked by whoever has port N, as long as it lives."""
    folder = _SHARED if _SHARED.is_dir() else Path(tempfile.gettempdir())
    path = folder / f"recado-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
