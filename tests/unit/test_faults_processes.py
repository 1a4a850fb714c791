"""What befalls processes: killed and gone, stopped and going on, killed again and again by a seed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.faults import Killer, kill, pause, resume
from simulator.processes import wait_until

PATIENCE = 30.0
Process = subprocess.Popen[bytes]

COUNT = """
import pathlib, sys, threading, time
def count():
    n = 0
    while True:
        n += 1
        pathlib.Path(sys.argv[1]).write_text(str(n))
        time.sleep(0.002)
for _ in range(3):
    threading.Thread(target=time.sleep, args=(1000,)).start()
count()
"""


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Starts Python programs, and ends every one of them."""
    started: list[Process] = []

    def begin(code: str = "import time; time.sleep(1000)", *args: str) -> Process:
        started.append(subprocess.Popen([sys.executable, "-c", code, *args]))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_killed_means_gone(start: Callable[..., Process]) -> None:
    process = start("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)")
    kill(process)
    assert process.returncode == -signal.SIGKILL
    kill(process)
    assert process.returncode == -signal.SIGKILL


def test_a_paused_process_does_nothing_until_it_is_resumed(start: Callable[..., Process], tmp_path: Path) -> None:
    """With all its threads, from the moment at which pause returns."""
    counter = tmp_path / "n"
    process = start(COUNT, str(counter))
    assert wait_until(lambda: counter.exists() and counter.read_text() > "0", PATIENCE)
    pause(process)
    before = counter.read_text()
    pause(process)
    assert not wait_until(lambda: counter.read_text() != before, 0.1)
    resume(process)
    assert wait_until(lambda: counter.read_text() != before, PATIENCE)


@pytest.mark.parametrize("act", [pause, resume])
def test_what_has_ended_can_be_neither_paused_nor_resumed(
    start: Callable[..., Process], act: Callable[[Process], None]
) -> None:
    process = start("raise SystemExit(3)")
    process.wait(PATIENCE)
    with pytest.raises(ProcessLookupError, match="ended with 3"):
        act(process)


class Crew:
    """Workers by name; each restarts under its own name, never beyond the three there are."""

    def __init__(self, start: Callable[..., Process]) -> None:
        self._start = start
        self.workers = {name: start() for name in ("a", "b", "c")}
        self.restarted: list[str] = []
        self.lock = threading.Lock()

    def choose(self) -> dict[str, Process]:
        with self.lock:
            return dict(self.workers)

    def restart(self, name: str) -> None:
        with self.lock:
            assert self.workers[name].returncode == -signal.SIGKILL
            self.workers[name] = self._start()
            self.restarted.append(name)


def test_workers_are_killed_and_restarted_so_often_and_no_more(start: Callable[..., Process]) -> None:
    crew = Crew(start)
    first = {process.pid for process in crew.workers.values()}
    with Killer(crew.choose, crew.restart, every=0.01, seed=7, most=12) as killer:
        assert killer.done.wait(PATIENCE)
    assert len(killer.kills) == 12
    assert [one.name for one in killer.kills] == crew.restarted
    assert len({one.pid for one in killer.kills}) == 12
    assert {one.pid for one in killer.kills} >= first or len(set(crew.restarted)) < 3
    assert killer.kills == sorted(killer.kills)
    assert all(process.poll() is None for process in crew.workers.values())


def test_a_seed_kills_the_same_ones_again(start: Callable[..., Process]) -> None:
    def victims(seed: int) -> list[str]:
        crew = Crew(start)
        with Killer(crew.choose, crew.restart, every=0.001, seed=seed, most=6) as killer:
            assert killer.done.wait(PATIENCE)
        return [one.name for one in killer.kills]

    assert victims(1) == victims(1)
    assert len({tuple(victims(seed)) for seed in (1, 2)}) == 2


def test_leaving_ends_the_killing(start: Callable[..., Process]) -> None:
    crew = Crew(start)
    with Killer(crew.choose, crew.restart, every=1000, seed=1, most=5) as killer:
        pass
    assert killer.kills == []
    assert killer.done.is_set()


def test_nobody_to_kill_is_no_kill(start: Callable[..., Process]) -> None:
    gone = start("pass")
    gone.wait(PATIENCE)
    asked = threading.Semaphore(0)

    def choose() -> dict[str, Process]:
        asked.release()
        return {"gone": gone}

    with Killer(choose, str, every=0.001, seed=1, most=1) as killer:
        assert all(asked.acquire(timeout=PATIENCE) for _ in range(3))
    assert killer.kills == []


def test_a_restart_that_fails_is_no_secret(start: Callable[..., Process]) -> None:
    crew = Crew(start)

    def fail(name: str) -> None:
        raise OSError("no more processes")

    def run() -> None:
        with Killer(crew.choose, fail, every=0.001, seed=1, most=5) as killer:
            assert killer.done.wait(PATIENCE)

    with pytest.raises(OSError, match="no more processes"):
        run()
