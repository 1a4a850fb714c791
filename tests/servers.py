"""Redis-compatible servers for tests, set up as a test wants them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.stores import embedded
from simulator.processes import wait_until

PATIENCE = 30.0


def answers(folder: Path) -> bool:
    """Whether the server of ``folder`` takes commands; one that still reads its file only accepts connections."""
    if not embedded.is_running(folder):
        return False
    with redis.Redis(unix_socket_path=str(embedded.socket_path(folder)), retry=Retry(NoBackoff(), 0)) as probe:
        try:
            return bool(probe.ping())
        except redis.RedisError:
            return False


def start(folder: Path, *options: str, port: int = 0) -> subprocess.Popen[bytes]:
    """A server with its files in ``folder``, which answers. A later option overrules an earlier one."""
    folder.mkdir(exist_ok=True)
    command = [*embedded.command(folder, port), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not wait_until(lambda: answers(folder), PATIENCE):
        process.kill()
        process.wait()
        raise AssertionError("the server did not start")
    return process


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """The address of a server's socket; the server ends with the context."""
    process = start(folder, *options)
    try:
        yield f"unix://{embedded.socket_path(folder)}"
    finally:
        process.kill()
        process.wait()
