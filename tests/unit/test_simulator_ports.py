"""Ports are given out once, whichever simulator asks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from simulator import ports

ASK = "from simulator.ports import free_port; print(*(free_port() for _ in range({count})), flush=True); input()"


@contextmanager
def another(count: int) -> Iterator[list[int]]:
    """So many ports of another process, until it ends."""
    command = [sys.executable, "-c", ASK.format(count=count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield [int(port) for port in process.stdout.readline().split()]
        process.communicate("\n", timeout=10)


def test_a_port_is_another_simulators_until_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens on it yet, and it is given to nobody else."""
    with another(12) as former:
        pass
    with another(1) as taken:
        monkeypatch.setattr(ports, "SERVERS_PORTS", former + taken)
        assert sorted(ports.free_port() for _ in former) == sorted(former)
    assert ports.free_port() == taken[0]
