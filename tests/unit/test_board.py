"""The board: each second anew on a terminal, once for whatever else reads it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bot import status
from bot.board import live
from bot.board.live import Board, watch
from bot.board.spans import size, span
from bot.errors import StoreUnavailable
from bot.status import Status
from bot.stores import embedded
from bot.stores.connection import Store

COMMAND = [sys.executable, "-m", "bot", "status"]
ALTERNATE, BACK, CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
"""What a terminal is told: another screen, the one from before, and to show its cursor
(https://invisible-island.net/xterm/ctlseqs/ctlseqs.html)."""


def drawn(board: Board) -> str:
    terminal = Console(width=200, record=True, file=StringIO())
    terminal.print(board.picture())
    return terminal.export_text()


def test_a_redis_that_goes_away_is_said_and_what_was_seen_stays(store: Store) -> None:
    """It comes back, and all is as before."""
    answers: list[Status | StoreUnavailable] = [status.read(store), StoreUnavailable("no link"), status.read(store)]

    def look() -> Status:
        answer = answers.pop(0)
        if isinstance(answer, StoreUnavailable):
            raise answer
        return answer

    board = Board(look, "en")
    first, away, back = drawn(board), drawn(board), drawn(board)
    assert "DOES NOT ANSWER" not in first
    assert "DOES NOT ANSWER" in away
    assert "no link" in away
    assert "nobody waits" in away
    assert "DOES NOT ANSWER" not in back
    assert "Ctrl-C" in first


def test_a_redis_that_is_away_from_the_start_is_waited_for() -> None:
    def look() -> Status:
        raise StoreUnavailable("no link")

    assert "REDIS NO RESPONDE desde hace 0.0 s" in drawn(Board(look, "es"))


def test_the_board_is_drawn_again_until_ctrl_c(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And then nothing is left of it."""
    monkeypatch.setattr(live, "EVERY_SECONDS", 0)
    looks = []

    def look() -> Status:
        looks.append(1)
        if len(looks) == 3:
            raise KeyboardInterrupt
        return status.read(store)

    told = StringIO()
    watch(look, "en", Console(width=80, height=40, force_terminal=True, file=told))
    assert told.getvalue().count("nobody waits") == 2
    assert told.getvalue().rindex(BACK) > told.getvalue().rindex("nobody waits")


@pytest.fixture
def environment(clean_env: dict[str, str], redis_dir: Path, store: Store) -> dict[str, str]:
    url = f"unix://{embedded.socket_path(redis_dir)}"
    return clean_env | {"REDIS_URL": url, "DEFAULT_LANGUAGE": "en", "TERM": "xterm", "COLUMNS": "80", "LINES": "40"}


def test_whoever_reads_it_through_a_pipe_reads_it_once(environment: dict[str, str]) -> None:
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert "waiting 0 · listening 0" in done.stdout
    assert "\x1b" not in done.stdout

    done = subprocess.run([*COMMAND, "--json"], env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(done.stdout)["turns"]["waiting"] == 0
    assert done.stdout.count("\n") == 1


def test_a_terminal_sees_it_until_ctrl_c_and_is_left_clean(environment: dict[str, str]) -> None:
    """Exit 0, the screen from before, its cursor, and no traceback."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(COMMAND, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = _read(ours, until="Ctrl-C")
    process.send_signal(signal.SIGINT)
    seen += _read(ours)
    os.close(ours)
    assert process.wait(30) == 0
    assert seen.count(ALTERNATE) == seen.count(BACK) == 1
    assert "waiting 0" in seen
    assert "Traceback" not in seen
    assert seen.rindex(CURSOR) > seen.rindex("Ctrl-C")


def _read(terminal: int, until: str = "") -> str:
    """What comes until some words came, or until nothing comes any more."""
    seen, end = b"", time.monotonic() + 30
    while time.monotonic() < end:
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # Linux' way to say that nobody writes there any more
            break
        seen += part
        if not part or (until and until.encode() in seen):
            break
    return seen.decode()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0.0 s"), (9.94, "9.9 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_a_span_is_short(seconds: float, said: str) -> None:
    assert span(seconds) == said


@pytest.mark.parametrize(("count", "said"), [(0, "-"), (12, "12 B"), (150 << 20, "150 MB"), (3 << 29, "1.5 GB")])
def test_a_size_is_short(count: int, said: str) -> None:
    assert size(count) == said
