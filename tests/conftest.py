"""What every test stands on: a clean environment, no network but this machine's, a real Redis-compatible server."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.settings import ENV_FILE, Settings
from bot.stores import embedded
from bot.stores.connection import CLIENT, Store, connect
from bot.stores.mailbox import Mailbox
from tests.servers import serving

LOCAL = ("127.0.0.1", "::1", "localhost")

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Of torch, before it is loaded: the threads of several test processes wait for each other, and burn all time."""


@pytest.fixture(autouse=True)
def _only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches anything but this machine, and no setting of the developer's leaks in."""
    connect_to = socket.socket.connect

    def connect_local(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in LOCAL:
            raise AssertionError(f"a test tried to reach {address}")
        connect_to(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_local)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(ENV_FILE, "")


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A command line that ran in this process has set up its own logs; the next test's are pytest's again."""
    root, level = logging.getLogger(), logging.getLogger().level
    handlers = list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture(scope="session")
def redis_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A server for the whole run; it does not wait for the disk, for no test here pulls the plug."""
    folder = tmp_path_factory.mktemp("redis")
    with serving(folder, "--appendfsync", "no"):
        yield folder


@pytest.fixture
def store(redis_dir: Path) -> Iterator[Store]:
    """An empty Redis that nobody uses: an earlier test's receiver may have left its connections open."""
    found = connect(f"unix://{embedded.socket_path(redis_dir)}", redis_dir, 5)
    for client in found.client.client_list():
        if client["name"].startswith(CLIENT):
            found.client.client_kill_filter(_id=client["id"])
    found.client.flushall()
    yield found
    found.close()


@pytest.fixture
def mailbox(store: Store) -> Mailbox:
    """A mailbox that does not listen for the end of a burst."""
    return Mailbox(store, lease=15, quiet=0, cap=0, days=30)


@pytest.fixture
def clean_env() -> dict[str, str]:
    """An environment for the processes that a test starts."""
    ours = {name.upper() for name in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name not in ours} | {ENV_FILE: ""}
