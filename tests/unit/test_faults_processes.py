"""What befalls processes: killed and gone, stopped and going on."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.faults import kill, pause, resume
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
