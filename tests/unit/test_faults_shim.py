"""The shim: one process' wall clock steps and its disk fills, and nobody else's."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from time import monotonic, time

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from simulator.faults import Shim, kill
from simulator.ports import free_port
from simulator.processes import wait_until

ROOT = Path(__file__).parents[2]
HOUR = 3600
PATIENCE = 30.0
CLOCKS = """
import datetime, time
while True:
    input()
    coarse = time.clock_gettime(5)  # CLOCK_REALTIME_COARSE
    print(time.time(), datetime.datetime.now().timestamp(), coarse, time.monotonic(), flush=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled once for all tests here."""
    return tmp_path_factory.mktemp("shim")


@pytest.fixture
def shim(folder: Path) -> Shim:
    found = Shim(folder)
    if not found.available:
        pytest.skip(found.reason)
    return found


@contextmanager
def server(shim: Shim, folder: Path, env: dict[str, str]) -> Iterator[tuple[redis.Redis, subprocess.Popen[bytes]]]:
    """The product's own Redis, with the shim."""
    port = free_port()
    environment = env | shim.environment | {"DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "bot", "redis", "--port", str(port)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    client = redis.Redis(port=port, socket_timeout=PATIENCE, retry=Retry(NoBackoff(), 0))
    try:
        assert wait_until(lambda: answers(client), PATIENCE), (folder / "log").read_text()
        yield client, process
    finally:
        client.close()
        kill(process)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.exceptions.ConnectionError:
        return False


def is_ahead(client: redis.Redis, seconds: float) -> bool:
    return abs(client.time()[0] - time() - seconds) < HOUR / 10


def test_a_process_sees_its_clock_step_and_no_other(shim: Shim) -> None:
    """Wall clocks move together, there and back, at once; the monotonic one goes on."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLOCKS], env=shim.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    try:
        for step, ahead in ((0, 0), (2 * HOUR, 2 * HOUR), (-3.5 * HOUR, -1.5 * HOUR), (1.5 * HOUR, 0)):
            shim.step(step)
            process.stdin.write("\n")
            process.stdin.flush()
            *walls, steady = (float(word) for word in process.stdout.readline().split())
            assert [round((wall - time() - ahead) / HOUR, 1) for wall in walls] == [0, 0, 0]
            assert abs(steady - monotonic()) < HOUR / 10
    finally:
        process.kill()
        process.communicate()


def test_redis_lives_by_the_clock_it_is_given(shim: Shim, tmp_path: Path, clean_env: dict[str, str]) -> None:
    with server(shim, tmp_path, clean_env) as (client, _):
        client.set("an hour", "yes", ex=HOUR)
        for step, ahead in ((2 * HOUR, 2 * HOUR), (-4 * HOUR, -2 * HOUR)):
            shim.step(step)
            assert wait_until(partial(is_ahead, client, ahead), PATIENCE), "it reads the clock a few times a second"
            assert client.get("an hour") is None
        client.set("back", "yes", ex=HOUR)
        shim.step(2 * HOUR)
        assert wait_until(lambda: client.get("back") is None, PATIENCE)


def test_a_full_disk_loses_nothing_that_was_acknowledged(shim: Shim, tmp_path: Path, clean_env: dict[str, str]) -> None:
    """Redis goes, for it promised to write before it answers; with room again it has all that it said it had."""
    with server(shim, tmp_path, clean_env) as (client, process):
        for n in range(200):
            client.rpush("acknowledged", n)
        shim.fill_disk()
        with pytest.raises(redis.exceptions.RedisError):
            client.rpush("acknowledged", "never")
        assert wait_until(lambda: process.poll() is not None, PATIENCE)
    shim.free_disk()
    with server(shim, tmp_path, clean_env) as (client, process):
        assert client.lrange("acknowledged", 0, -1) == [str(n).encode() for n in range(200)]
        assert client.rpush("acknowledged", "more") == 201


WRITE = """
import os, sys
for name in sys.argv[1:]:
    file = os.open(name, os.O_WRONLY | os.O_CREAT)
    for way in (lambda: os.write(file, b"x"), lambda: os.writev(file, [b"x"]), lambda: os.pwrite(file, b"x", 0),
                lambda: os.fdatasync(file), lambda: os.fsync(file)):
        try:
            way()
        except OSError as error:
            print(error.errno)
        else:
            print("written")
"""


def test_only_the_files_that_are_named_find_no_room(folder: Path, shim: Shim, tmp_path: Path) -> None:
    full = Shim(folder, suffix=".full")
    full.fill_disk()
    names = [str(tmp_path / name) for name in ("a.full", "b.full.not", "c")]
    done = subprocess.run(
        [sys.executable, "-c", WRITE, *names], env=full.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["28"] * 5 + ["written"] * 10


def test_shims_in_one_folder_are_apart(folder: Path, shim: Shim) -> None:
    other = Shim(folder)
    other.step(HOUR)
    done = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"],
        env=shim.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert abs(float(done.stdout) - time()) < HOUR / 10
    assert len(list(folder.glob("*.so"))) == 1, "compiled once"


def test_without_a_compiler_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    shim = Shim(tmp_path)
    assert not shim.available
    assert "install it" in shim.reason
    assert shim.environment == {}
    with pytest.raises(RuntimeError, match="gcc is missing"):
        shim.step(1)


def test_a_compiler_that_fails_is_a_reason_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "gcc"
    broken.write_text("#!/bin/sh\necho no headers >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    shim = Shim(tmp_path)
    assert not shim.available
    assert "no headers" in shim.reason
    assert list(tmp_path.glob("shim-*")) == []


def test_the_source_is_installed_with_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    assert any(fnmatch("shim.c", pattern) for pattern in patterns)
