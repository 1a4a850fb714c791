"""The demo's workers: who is killed has a successor, who ends by itself has none, and nobody else is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.page.staff import FIRST, SECOND, Staff
from simulator.processes import Processes, wait_until

PRETEND = """
import os, sys, time
from pathlib import Path
if Path("ends").exists():
    sys.exit("a setting is wrong")
time.sleep(600)
"""


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    """A receiver and a worker that do nothing."""
    for name in ("bot", "workers"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__main__.py").write_text(PRETEND)
    monkeypatch.chdir(tmp_path)
    found = Processes({"PYTHONPATH": str(tmp_path)}, tmp_path)
    found.start("receiver", "bot", "serve")
    found.start(FIRST, "workers", "run")
    yield found
    found.close()


@pytest.fixture
def staff(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Staff]:
    monkeypatch.setattr("simulator.page.staff.SUCCESSOR_SECONDS", 0.2)
    found = Staff(processes)
    found.open()
    yield found
    found.close()


def test_who_is_killed_has_a_successor(staff: Staff) -> None:
    before = staff.pids()
    assert set(before) == {FIRST, SECOND}
    killed = staff.kill(FIRST)
    assert killed is not None
    assert killed.pid == before[FIRST]
    assert FIRST not in staff.pids()
    assert staff.ended() == []
    assert wait_until(lambda: staff.pids().get(FIRST, killed.pid) != killed.pid, 10)
    assert staff.pids()[SECOND] == before[SECOND]
    assert staff.killed == [killed]


def test_who_is_killed_from_elsewhere_has_one_too(staff: Staff) -> None:
    pid = staff.pids()[SECOND]
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: staff.pids().get(SECOND, pid) != pid, 10)
    assert [one.pid for one in staff.killed] == [pid]


def test_only_its_own_workers_are_killed(staff: Staff, processes: Processes) -> None:
    for name in ("receiver", "redis", "", str(os.getpid())):
        assert staff.kill(name) is None
    assert processes.ended() == []


def test_who_is_dead_is_not_killed_again(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.page.staff.SUCCESSOR_SECONDS", 60)
    assert staff.kill(FIRST)
    assert staff.kill(FIRST) is None
    assert len(staff.killed) == 1


def test_who_ends_by_itself_is_told_and_not_started_again(staff: Staff, tmp_path: Path) -> None:
    (tmp_path / "ends").touch()
    assert staff.kill(FIRST)
    assert wait_until(lambda: FIRST in staff.ended(), 10)
    assert FIRST not in staff.pids()


def test_before_the_page_is_open_nobody_is_killed_or_succeeded(processes: Processes) -> None:
    staff = Staff(processes)
    assert staff.kill(FIRST) is None
    processes.running[FIRST].kill()
    processes.running[FIRST].wait()
    assert staff.ended() == [FIRST]
    staff.close()


def test_a_closed_staff_starts_nobody(staff: Staff) -> None:
    killed = staff.kill(FIRST)
    staff.close()
    assert killed
    assert FIRST not in staff.pids()


def test_what_the_dead_had_in_hand_is_known(staff: Staff) -> None:
    """It was asked while they lived."""
    alive = staff.pids()[SECOND]
    staff.holds = lambda pid: ("telegram:7:1",) if pid == alive and staff.pids().get(SECOND) == pid else ()
    killed = staff.kill(SECOND)
    assert killed is not None
    assert killed.held == ("telegram:7:1",)
