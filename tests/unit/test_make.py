"""make and `make run`: what they start, what they install, and what they say when something is missing."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.settings import ENV_FILE, Settings
from simulator.processes import wait_until

ROOT = Path(__file__).parents[2]
RUN = runpy.run_path(str(ROOT / "deploy" / "run.py"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Settings.model_fields, ENV_FILE):
        monkeypatch.delenv(name.upper(), raising=False)


def copy_of_make(folder: Path, python: str = "") -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    if python:
        script(folder / ".venv" / "bin" / "python", python)


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def make(folder: Path, *words: str, path: str = os.defpath) -> subprocess.CompletedProcess[str]:
    program = shutil.which("make") or "make"
    return subprocess.run(
        [program, *words], cwd=folder, env={"PATH": path}, capture_output=True, text=True, timeout=20, check=False
    )


LOGGED = 'echo "$*" >> log'


def test_make_installs_once_until_the_dependencies_change(tmp_path: Path) -> None:
    copy_of_make(tmp_path, LOGGED)
    for _ in range(2):
        assert make(tmp_path, "install").returncode == 0
    first = (tmp_path / "log").read_text().splitlines()
    os.utime(tmp_path / "pyproject.toml", (4e9, 4e9))
    assert make(tmp_path, "install").returncode == 0

    assert [line[:14] for line in first] == ["-m pip install"]
    assert len((tmp_path / "log").read_text().splitlines()) == 2


def test_the_demo_needs_no_more_than_the_light_side(tmp_path: Path) -> None:
    copy_of_make(tmp_path, LOGGED)
    assert make(tmp_path, "demo", "ONCE=1").returncode == 0
    pip, demo = (tmp_path / "log").read_text().splitlines()

    assert pip.endswith("--editable .")
    assert demo == "-m simulator demo --once"


def test_an_extra_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    copy_of_make(tmp_path, LOGGED)
    assert make(tmp_path, "install", "EXTRAS=local,ui").returncode == 0
    wrong = make(tmp_path, "install", "EXTRAS=locale")

    assert wrong.returncode == 2
    assert "no extra called locale" in wrong.stderr
    assert (tmp_path / "log").read_text().rstrip().endswith("--editable .[local,ui]")


def test_make_without_a_python_says_what_is_needed(tmp_path: Path) -> None:
    copy_of_make(tmp_path)
    result = make(tmp_path, "install", path=str(tmp_path))

    assert result.returncode == 2
    assert "Python 3.11 or newer" in result.stderr


def test_make_passes_over_a_python_that_is_too_old(tmp_path: Path) -> None:
    copy_of_make(tmp_path)
    script(tmp_path / "bin" / "python3", "exit 1")
    good = 'case "$*" in "-m venv"*) mkdir -p .venv/bin && cp bin/python3.12 .venv/bin/python;; esac'
    script(tmp_path / "bin" / "python3.12", good)

    assert make(tmp_path, "install", path=f"{tmp_path}/bin:{os.defpath}").returncode == 0
    assert (tmp_path / ".venv" / "bin" / "python").read_bytes() == (tmp_path / "bin" / "python3.12").read_bytes()


def test_make_alone_lists_every_target() -> None:
    targets = re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
    listed = [line.split()[1] for line in make(ROOT).stdout.splitlines()]

    assert sorted(listed) == sorted(targets)


def run_with(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "deploy" / "run.py")]
    env = {"PATH": os.environ["PATH"], ENV_FILE: "", **environment}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=30, check=False)


def test_run_starts_the_procfile_on_the_configured_port(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text('receiver: echo "port $PORT by $(command -v python)"\n')
    result = run_with(tmp_path, PORT="8123")

    assert f"port 8123 by {Path(sys.executable).parent}" in result.stdout
    assert result.returncode == 0


def test_run_names_the_setting_that_is_wrong(tmp_path: Path) -> None:
    result = run_with(tmp_path, PORT="many")

    assert result.returncode == 2
    assert "PORT" in result.stderr
    assert "Traceback" not in result.stderr


TOKEN = "7123456:abcdefghijklmnopqrstuvwxyz123456789"


@pytest.mark.parametrize(
    ("settings", "words", "polls"),
    [
        ({}, "Telegram: off", False),
        ({"TELEGRAM_BOT_TOKEN": TOKEN}, "Telegram: polled", True),
        (
            {"TELEGRAM_BOT_TOKEN": TOKEN, "PUBLIC_URL": "https://chat.my-shop.com"},
            "Telegram: webhook, https://chat.my-shop.com/webhook/telegram",
            False,
        ),
    ],
)
def test_run_says_how_telegram_reaches_us(tmp_path: Path, settings: dict[str, str], words: str, *, polls: bool) -> None:
    """And polls only where Telegram cannot call; a poller says what is wrong with its Redis, and ends everything."""
    (tmp_path / "Procfile").write_text(f"receiver: sleep {25 if polls else 0}\n")
    result = run_with(tmp_path, **settings, REDIS_URL="redis://10.0.0.1:6379", COLUMNS="200")

    assert words in result.stdout
    assert ("poller.1" in result.stdout) is polls
    assert ("its password is missing" in result.stdout) is polls
    assert TOKEN not in result.stdout


@contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(ROOT / "deploy" / "run.py")]
    env = {"PATH": os.environ["PATH"], ENV_FILE: ""}
    with subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], *words: str) -> None:
    assert process.stdout
    seen = ""
    while not all(word in seen for word in words):
        seen += (line := process.stdout.readline())
        assert line, seen


def test_run_ends_also_when_it_is_told_to_before_everything_has_started(tmp_path: Path) -> None:
    """No matter whether honcho knows yet what it has started."""
    (tmp_path / "Procfile").write_text("".join(f"p{number}: exec sleep 57\n" for number in range(20)))
    with running(tmp_path) as process:
        read_until(process, "Who thinks")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        assert wait_until(lambda: bool(children.read_text()), 10)
        process.terminate()
        rest = process.communicate(timeout=10)[0]
    assert rest.count("stopped (rc=-15)") == 20


SLOW = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(time.sleep(6) or print('done')))"


def test_a_stopping_worker_gets_the_time_it_needs(tmp_path: Path) -> None:
    """A process that takes 6 s to end finishes, though the other one has left at once and honcho waits 5 s by itself.

    That the drain, DRAIN_SECONDS, is waited for too, only the number says.
    """
    (tmp_path / "Procfile").write_text(
        f"worker: exec python -uc \"{SLOW}; print('up'); time.sleep(60)\"\nreceiver: exec sleep 60\n"
    )
    with running(tmp_path) as process:
        read_until(process, "| up", "receiver.1 started")
        process.terminate()
        rest = process.communicate(timeout=20)[0]

    assert "done" in rest
    assert "SIGKILL" not in rest
    assert RUN["GRACE_SECONDS"] > 0


def programs(folder: Path, *names: str) -> str:
    """A search path with nothing on it but these."""
    for name in names:
        (folder / name).symlink_to(shutil.which(name) or name)
    return str(folder)


def test_the_browser_tests_say_what_is_missing(tmp_path: Path) -> None:
    """A browser, where we may not install one; with one, they must run and may not be left out."""
    copy_of_make(tmp_path, 'echo "$*" >> log')
    script(tmp_path / ".venv" / "bin" / "pytest", 'echo "$BROWSER_TESTS $*" >> log')
    judge = tmp_path / ".venv/axe/node_modules/axe-core/axe.min.js"
    judge.parent.mkdir(parents=True)
    judge.touch()
    os.utime(judge, (4e9, 4e9))
    found = tmp_path / "found"
    script(found / "id", "echo 1000")
    path = programs(found, "sh", "touch", "grep")

    missing = make(tmp_path, "browser", path=path)
    script(found / "chromium", "true")
    there = make(tmp_path, "browser", path=path)

    assert (missing.returncode, "sudo apt install chromium" in missing.stderr) == (2, True)
    assert there.returncode == 0
    assert (tmp_path / "log").read_text().splitlines() == [
        "-m pip install -qq --disable-pip-version-check --no-input --editable .[dev,ui,browser]",
        "required tests/browser",
    ]
