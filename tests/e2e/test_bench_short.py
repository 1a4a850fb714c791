"""What all benches share: a missed bound fails the run, and whatever was started ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.processes import wait_until

BENCH = Path(__file__).parents[2] / "bench"


def table(figures: str) -> subprocess.CompletedProcess[str]:
    code = f"from _installation import Figure, run; run('title', lambda: [{figures}])"
    return subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=BENCH, capture_output=True, text=True, timeout=30
    )


def test_a_bound_that_holds_lets_the_bench_pass() -> None:
    done = table("Figure('wait', '1 s', '<= 2 s', True), Figure('beside', '9 s')")

    assert (done.returncode, done.stderr) == (0, "")
    assert "ok" in done.stdout


def test_one_missed_bound_fails_the_bench_and_is_named() -> None:
    done = table("Figure('wait', '1 s', '<= 2 s', True), Figure('cost', '9 us', '<= 5 us', False)")

    assert done.returncode == 1
    assert [line.split()[1] for line in done.stdout.splitlines() if "missed" in line] == ["cost"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """One with a short path: pytest's own may be too long for a socket, which would then lie elsewhere."""
    with tempfile.TemporaryDirectory(prefix="recado-test-") as found:
        yield Path(found)


def test_a_bench_that_is_told_to_end_leaves_no_process_and_no_folder(folder: Path) -> None:
    """SIGTERM in the middle of a run: receiver, worker and the embedded server end too."""
    environment = os.environ | {"TMPDIR": str(folder), "SHORT": "1"}
    bench = subprocess.Popen([sys.executable, str(BENCH), "latency"], env=environment)
    try:
        assert wait_until(lambda: any(folder.glob("recado-bench-*/worker.log")), 20)
        pids = members(folder)
    finally:
        bench.send_signal(signal.SIGTERM)
        bench.wait(30)

    assert len(pids) >= 2
    assert wait_until(lambda: not members(folder), 5)
    assert not list(folder.iterdir())


def members(folder: Path) -> list[int]:
    """The running processes that keep their data in ``folder``, found by their environment or their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if f"{folder}/recado-bench-".encode() in told:
            found.append(int(process.name))
    return found
