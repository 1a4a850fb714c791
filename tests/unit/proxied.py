"""A Redis of its own behind a proxy, and clients that never try again, for the tests of the proxy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from simulator.faults import RedisProxy, kill
from simulator.faults.plan import When
from simulator.ports import free_port
from tests.servers import PATIENCE, start

Client = Callable[..., Any]
WHEN: tuple[When, When] = ("before", "after")


class Server:
    """A Redis on a port of its own, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()

    def start(self) -> None:
        self.process = start(self.folder, "--appendfsync", "no", "--enable-debug-command", "yes", port=self.port)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("behind"))
    found.start()
    yield found
    kill(found.process)


@pytest.fixture
def through(server: Server) -> Iterator[RedisProxy]:
    direct = redis.Redis(port=server.port)
    direct.flushall()
    direct.script_flush()
    direct.close()
    with RedisProxy("127.0.0.1", server.port) as found:
        yield found
    assert [thread for thread in threading.enumerate() if thread.name == "RedisProxy"] == []


@pytest.fixture
def client() -> Iterator[Client]:
    """Opens clients that never try again by themselves."""
    opened: list[Any] = []

    def make(at: RedisProxy | Server, **options: Any) -> Any:
        url = at.url if isinstance(at, RedisProxy) else f"redis://127.0.0.1:{at.port}/0"
        options = {"retry": Retry(NoBackoff(), 0), "socket_timeout": PATIENCE} | options
        opened.append(redis.Redis.from_url(url, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def port_of(through: RedisProxy) -> int:
    return int(through.url.removesuffix("/0").rpartition(":")[2])


def names(through: RedisProxy) -> list[str]:
    return [passed.name for passed in through.trace]
