"""Live in five minutes: what `setup` has written is what `make run` needs to answer a first message."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bot.stores import embedded
from simulator.ports import free_port
from simulator.processes import wait_until
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

ROOT = Path(__file__).parents[2]
TOKEN = "7123456:abcdefghijklmnopqrstuvwxyz123456789"


@contextmanager
def running(folder: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`make run` in a folder, ended with the context."""
    with (folder / "log").open("wb") as log, subprocess.Popen(
        [sys.executable, str(ROOT / "deploy" / "run.py")], cwd=folder, env=env, stdout=log, stderr=log,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(40)


def test_setup_then_run_answers_without_a_public_address(tmp_path: Path, clean_env: dict[str, str]) -> None:
    """Telegram is polled; a webhook that was set before is taken away, and what waited for it is answered too."""
    for name in (".env.example", "Procfile"):
        shutil.copy(ROOT / name, tmp_path)
    with TelegramServer(TOKEN, "http://127.0.0.1:9/webhook/telegram", retry_seconds=0.2) as telegram:
        env = {name: value for name, value in clean_env.items() if name != "RECADO_ENV_FILE"}
        env |= {"TELEGRAM_API_URL": telegram.url, "PORT": str(free_port()), "AI_NOTICE": "off"}
        telegram.say(555, "¿Cuál es el horario?")
        command = [sys.executable, "-m", "bot", "setup", "--yes", "--provider", "faq", "--hours", "de 9 a 17"]
        subprocess.run(command, cwd=tmp_path, env=env | {"TELEGRAM_BOT_TOKEN": TOKEN}, check=True, timeout=120)
        with running(tmp_path, env):
            assert wait_until(lambda: any("de 9 a 17" in one.text for one in telegram.answers(555)), 60), (
                tmp_path / "log"
            ).read_text()
        said = (tmp_path / "log").read_text()

    assert "SIGKILL" not in said
    assert "Traceback" not in said
    assert "Telegram: polled" in said
    assert len(telegram.answers(555)) == 1
    assert TOKEN not in said
    assert wait_until(lambda: not embedded.is_running(tmp_path / "data"), 20)


def test_whatsapp_setup_then_run_answers_by_what_meta_was_told(tmp_path: Path, clean_env: dict[str, str]) -> None:
    """Twice: before anything runs it writes the settings, and once the receiver runs Meta delivers to it."""
    for name in (".env.example", "Procfile"):
        shutil.copy(ROOT / name, tmp_path)
    port, secret = free_port(), "0123456789abcdef0123456789abcdef"
    public = f"http://127.0.0.1:{port}"
    setup = [sys.executable, "-m", "bot", "setup", "--yes", "--provider", "faq", "--hours", "de 9 a 17"]
    whatsapp = [sys.executable, "-m", "bot", "whatsapp", "setup", "--yes", "--subscribe", "--public-url", public]
    with WhatsAppServer("EAAGm0PX4ZCpsBO0123", "106540352242922", secret, "", retry_seconds=0.2) as graph:
        env = {name: value for name, value in clean_env.items() if name != "RECADO_ENV_FILE"}
        env |= {"WHATSAPP_API_URL": graph.url, "PORT": str(port), "AI_NOTICE": "off"}
        secrets = {"WHATSAPP_TOKEN": graph.token, "WHATSAPP_APP_SECRET": secret}
        subprocess.run(setup, cwd=tmp_path, env=env, check=True, timeout=120)
        assert subprocess.run(whatsapp, cwd=tmp_path, env=env | secrets, timeout=120, check=False).returncode == 1
        assert not graph.account.subscribed
        with running(tmp_path, env):
            assert wait_until(lambda: is_up(public), 60), (tmp_path / "log").read_text()
            subprocess.run(whatsapp, cwd=tmp_path, env=env, check=True, timeout=120)
            graph.webhook_url = graph.account.override
            graph.say("34600111222", "¿Cuál es el horario?")
            assert wait_until(lambda: any("de 9 a 17" in one.text for one in graph.answers("34600111222")), 60)
        said = (tmp_path / "log").read_text()

    assert len(graph.answers("34600111222")) == 1
    assert not any(secret in said for secret in secrets.values())
    assert wait_until(lambda: not embedded.is_running(tmp_path / "data"), 20)


def is_up(url: str) -> bool:
    """Whether a receiver answers there."""
    try:
        return httpx.get(f"{url}/readyz").is_success
    except httpx.HTTPError:
        return False
