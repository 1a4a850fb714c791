"""What `python -m workers bench` shows of a configuration whose process does not end well."""

from __future__ import annotations

import os
import re
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from simulator.models import ModelServer
from workers.bench.configurations import Job
from workers.bench.processes import measured

WORDS = ["Abrimos ", "a ", "las ", "nueve."]
QUESTION = re.compile(r"(Pedido|Order) \d+\. ")


def test_a_process_that_dies_leaves_what_it_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the rows that it did not live to say tell how it ended."""
    gate = threading.Event()

    def reply(_: Any) -> list[str]:
        if len([one for one in server.requests if QUESTION.match(one.said[-1][1])]) > 2:
            gate.wait()
        return WORDS

    def tell(step: str) -> None:
        if step.startswith("4 at once"):
            kill_child()

    with ModelServer(reply=reply) as server:
        monkeypatch.setenv("LLM_PROVIDER", "ollama")
        monkeypatch.setenv("LLM_BASE_URL", server.url)
        try:
            first, *others = measured(Job("ollama", (1, 4, 16), repeat=1), tell)
        finally:
            gate.set()

    assert first.measured
    assert [row.concurrency for row in others] == [4, 16]
    assert {row.reason for row in others} == {"its process was ended by SIGKILL; was there memory enough?"}


def kill_child() -> None:
    """End the measuring process that this test has started."""
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"workers.bench.row" in (folder / "cmdline").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)


def test_an_error_that_nobody_foresaw_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its last line stands in the row; a library's chatter on the standard output is no row."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'workers.backends.faq':\n"
        "            print('chatter')\n"
        "            raise RuntimeError('the library fell over')\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("LLM_PROVIDER", "faq")
    rows = list(measured(Job("faq", (1,)), lambda _: None))

    assert [row.reason for row in rows] == ["its process ended with exit code 1: RuntimeError: the library fell over"]
