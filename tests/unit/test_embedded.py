"""The embedded server: found or started by whoever needs it, durable, and gone when nobody does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.errors import SettingsError, StoreUnavailable
from bot.stores import embedded
from bot.stores.connection import connect

USE = """
import sys, pathlib
from bot.stores.connection import connect
store = connect("", pathlib.Path(sys.argv[1]), 5)
store.client.incr("starts")
print(store.client.info("server")["process_id"], flush=True)
sys.stdin.read()
"""


class User:
    """A process that uses the server of a folder until it is told to go, or killed."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def server(self) -> int:
        assert self.process.stdout
        return int(self.process.stdout.readline())

    def leave(self) -> None:
        self.process.communicate(timeout=20)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def eventually(check: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not check() and time.monotonic() < until:
        time.sleep(0.02)
    return check()


def test_many_processes_at_once_share_one_server_and_the_last_one_stops_it(tmp_path: Path) -> None:
    users = [User(tmp_path) for _ in range(4)]
    assert len({user.server() for user in users}) == 1
    for user in users[1:]:
        user.leave()
    assert embedded.is_running(tmp_path)
    users[0].leave()
    assert not embedded.is_running(tmp_path)


def test_all_leaving_at_the_same_time_leave_no_server(tmp_path: Path) -> None:
    users = [User(tmp_path) for _ in range(4)]
    for user in users:
        user.server()
    for user in users:
        assert user.process.stdin
        user.process.stdin.close()
    for user in users:
        user.process.wait(20)
        assert user.process.stdout
        user.process.stdout.close()
    assert not embedded.is_running(tmp_path)


def test_a_killed_parent_breaks_nothing_and_the_data_stay(tmp_path: Path) -> None:
    """kill -9 of the process that started the server: others go on, and the next one finds it."""
    first, second = User(tmp_path), User(tmp_path)
    pid = first.server()
    second.server()
    first.kill()
    third = User(tmp_path)
    assert third.server() == pid
    for user in (second, third):
        user.leave()
    assert not embedded.is_running(tmp_path)
    store = connect("", tmp_path, 5)
    assert store.client.get("starts") == b"3"
    os.kill(store.client.info("server")["process_id"], signal.SIGTERM)
    assert eventually(lambda: not embedded.is_running(tmp_path))


def test_a_killed_server_comes_back_with_its_data_when_it_is_needed(tmp_path: Path) -> None:
    """kill -9 of the server itself: whoever asks next starts it again."""
    store = connect("", tmp_path, 5)
    store.client.set("kept", "yes")
    os.kill(store.client.info("server")["process_id"], signal.SIGKILL)
    assert eventually(lambda: not embedded.is_running(tmp_path))
    assert store.client.get("kept") == b"yes"
    os.kill(store.client.info("server")["process_id"], signal.SIGTERM)


def test_a_command_waits_until_the_server_has_read_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has started it itself, and ends it when it goes: without waiting it would never be read."""
    store = connect("", tmp_path, 5)
    pipe = store.client.pipeline(transaction=False)
    for number in range(15_000):
        pipe.set(f"key{number}", number)
    pipe.execute()
    os.kill(store.client.info("server")["process_id"], signal.SIGKILL)
    command = embedded.command
    monkeypatch.setattr(embedded, "command", lambda folder, port: [*command(folder, port), "--key-load-delay", "100"])

    with pytest.raises(StoreUnavailable, match="loading"):
        store.ping()
    store.await_data()
    assert store.client.get("key14999") == b"14999"
    os.kill(store.client.info("server")["process_id"], signal.SIGTERM)


def test_it_is_durable_and_closed_to_other_machines(tmp_path: Path) -> None:
    store = connect("", tmp_path, 5)
    found = store.client.config_get("*")
    expected = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "port": "0"}
    assert {name: found[name] for name in expected} == expected
    os.kill(store.client.info("server")["process_id"], signal.SIGTERM)


def test_a_long_folder_name_is_no_obstacle(tmp_path: Path) -> None:
    """A Unix socket's address is short; the folder's need not be."""
    folder = tmp_path / ("x" * 120)
    store = connect("", folder, 5)
    assert store.client.ping()
    assert len(str(embedded.socket_path(folder))) <= 107
    os.kill(store.client.info("server")["process_id"], signal.SIGTERM)


def test_in_the_foreground_it_is_on_its_port_and_nobody_stops_it(tmp_path: Path, clean_env: dict[str, str]) -> None:
    """python -m bot redis: what leaves the folder's server alone, and what refuses a second one."""
    from simulator.ports import free_port

    port = free_port()
    command = [sys.executable, "-m", "bot", "redis", "--port", str(port)]
    server = subprocess.Popen(command, env=clean_env | {"DATA_DIR": str(tmp_path)}, stdout=subprocess.DEVNULL)
    try:
        assert eventually(lambda: embedded.is_running(tmp_path))
        assert connect(f"redis://127.0.0.1:{port}", tmp_path, 5).client.ping()
        user = User(tmp_path)
        assert user.server() == server.pid
        user.leave()
        assert embedded.is_running(tmp_path)
        with pytest.raises(SettingsError, match="already uses"):
            embedded.become(tmp_path, port)
    finally:
        server.terminate()
        server.wait(10)


def test_a_server_that_does_not_listen_yet_is_stopped_too(tmp_path: Path) -> None:
    """Told to end right after the server was launched, a process leaves none behind."""
    code = (
        "import sys, pathlib; from bot.stores import embedded\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "def interrupted(data_dir, claim):\n"
        "    launch(data_dir, claim)\n"
        "    sys.exit()\n"
        "launch, embedded._launch = embedded._launch, interrupted\n"
        "embedded.ensure(folder)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=20)
    claim = embedded._claim(tmp_path)
    assert claim is not None, "a server still lives"
    os.close(claim)
