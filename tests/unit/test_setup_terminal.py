"""The setup in a real terminal: what is secret is never seen there."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
from pathlib import Path
from time import monotonic

import pytest
from dotenv import dotenv_values

from bot.settings import ENV_FILE
from simulator.processes import wait_until
from simulator.telegram import TelegramServer
from tests.unit.polling import TOKEN, telegram

__all__ = ["telegram"]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the example in it, as a fresh checkout has it."""
    (tmp_path / ".env.example").write_bytes((ROOT / ".env.example").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_in_a_real_terminal_a_secret_is_never_seen(
    folder: Path, telegram: TelegramServer, clean_env: dict[str, str]
) -> None:
    """The whole setup in a terminal, letter by letter: the token is typed, and does not appear."""
    env = clean_env | {"TELEGRAM_API_URL": telegram.url, ENV_FILE: str(folder / ".env"), "TERM": "dumb"}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bot", "setup"]
    with subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as run:
        os.close(theirs)
        try:
            seen = "".join(
                answer_to(ours, question, answer)
                for question, answer in [
                    ("Idioma", ""), ("Nombre", "La Espiga"), ("Horario", "9 a 17"), ("persona", ""), ("Token", TOKEN),
                    ("https", ""), ("Ids", ""), ("piensa", "faq"), ("Redis", ""), ("make run", ""),
                ]
            )  # fmt: skip
            assert run.wait(30) == 0
        finally:
            run.kill()
            os.close(ours)

    assert "@recado_bot" in seen
    assert TOKEN not in seen
    assert dotenv_values(folder / ".env")["TELEGRAM_BOT_TOKEN"] == TOKEN


def answer_to(terminal: int, question: str, answer: str) -> str:
    """Read until the question stands there, then answer it; what was seen."""
    seen, until = "", monotonic() + 60
    while question not in seen.rpartition("\n")[2] and not (question == "make run" and question in seen):
        assert monotonic() < until, seen
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")
    if answer == TOKEN:
        assert wait_until(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO, 30)  # the prompt comes before it
    os.write(terminal, f"{answer}\n".encode())
    return seen
