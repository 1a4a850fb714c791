"""The demo's processes are shut off from this machine's settings and end with it; its business is well formed."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from pathlib import Path
from time import monotonic

import pytest

from bot.business import load_business
from bot.settings import load_settings
from simulator.demo import BUSINESS, DATA, Demo, Voice, run
from simulator.platforms import Bubble
from simulator.processes import NotReady, Processes, redis_socket
from simulator.telegram import TelegramServer

PRETEND = """
import http.server, json, os, signal, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" and sys.argv[1] == "serve" else 503)
        self.end_headers()
        self.wfile.write(b"no redis")
if sys.argv[1] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[1] == "crash":
    sys.exit("PORT is wrong")
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready)
print(json.dumps(dict(os.environ)), flush=True)
server.serve_forever()
"""


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    (tmp_path / "pretend.py").write_text(PRETEND)
    return Processes({"PYTHONPATH": str(tmp_path), "LLM_PROVIDER": "faq"}, tmp_path)


def test_a_process_is_awaited_and_sees_only_its_own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pretend.py").write_text(PRETEND)
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:real")
    monkeypatch.setenv("REDIS_URL", "redis://real")
    child = Processes({"PYTHONPATH": str(tmp_path), "LLM_PROVIDER": "faq"}, tmp_path)
    child.start("receiver", "pretend", "serve")
    try:
        child.wait_ready(10)
        seen = json.loads(child.log("receiver").read_text().splitlines()[0])
        assert "1:real" not in seen.values()
        assert "redis://real" not in seen.values()
        assert (seen["RECADO_ENV_FILE"], seen["HOST"], seen["LLM_PROVIDER"]) == ("", "127.0.0.1", "faq")
    finally:
        child.close()
    assert child.running["receiver"].returncode == -15


def test_a_process_that_ends_at_once_is_reported_with_its_log(processes: Processes) -> None:
    processes.start("receiver", "pretend", "crash")
    with pytest.raises(NotReady, match="receiver ended with exit code 1"):
        processes.wait_ready(10)
    assert "PORT is wrong" in processes.log_tails()


def test_a_receiver_without_its_redis_is_not_ready_and_says_why(processes: Processes) -> None:
    processes.start("receiver", "pretend", "unready")
    try:
        with pytest.raises(NotReady, match=r"503 no redis|nobody answers"):
            processes.wait_ready(1.5)
    finally:
        processes.close()


def test_who_does_not_listen_is_killed(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.processes.STOP_SECONDS", 0.5)
    processes.start("receiver", "pretend", "deaf")
    with pytest.raises(NotReady):
        processes.wait_ready(1)
    processes.close()
    assert processes.running["receiver"].returncode == -9


def test_nothing_is_started_once_all_is_being_ended(processes: Processes) -> None:
    processes.close()
    with pytest.raises(NotReady, match="receiver was not started"):
        processes.start("receiver", "pretend", "serve")
    assert not processes.running


def test_the_demos_settings_are_complete_random_and_reach_no_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    from rich.console import Console

    for _ in range(2):
        demo = Demo(Console(quiet=True))
        for name, value in demo.processes.environment.items():
            monkeypatch.setenv(name, value)
        seen.append(load_settings())
        demo.telegram.close()
        demo.whatsapp.close()

    one, two = seen
    assert one.telegram_api_url.startswith("http://127.0.0.1:")
    assert one.whatsapp_api_url.startswith("http://127.0.0.1:")
    assert len(one.whatsapp_app_secret.get_secret_value()) == 64
    assert (one.llm_provider, one.redis_url, one.data_dir) == ("faq", "", DATA)
    for name in ("telegram_bot_token", "telegram_webhook_secret", "whatsapp_app_secret", "whatsapp_verify_token"):
        assert getattr(one, name) != getattr(two, name)
    assert os.environ["RECADO_ENV_FILE"] == ""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run the demo in, with the product still importable."""
    monkeypatch.setenv("PYTHONPATH", str(BUSINESS.parent.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_demo_answers_every_message_and_leaves_nothing_running(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both people are told, once, how to reach a person."""
    assert run(once=True) == 0
    assert " ".join(capsys.readouterr().out.split()).count("Para hablar con una persona") == 2
    log = (elsewhere / ".demo/worker.log").read_text()
    assert log.count("outcome=answered") == 4
    with socket.socket(socket.AF_UNIX) as left:
        assert left.connect_ex(str(redis_socket(elsewhere / DATA))) != 0


def test_a_demo_that_cannot_start_fails_and_shows_why(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("simulator.demo.BUSINESS", elsewhere / "nowhere.toml")
    monkeypatch.setattr("simulator.demo.ANSWER_SECONDS", 120)
    start = monotonic()
    assert run(once=True) == 1
    assert monotonic() - start < 120  # nobody waits for a worker that is gone
    assert "nowhere.toml" in capsys.readouterr().out.replace("\n", "")


def test_two_demos_do_not_share_a_folder(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / ".demo").mkdir()
    with (elsewhere / ".demo/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run(once=True) == 1
    assert "already running" in capsys.readouterr().out


def test_the_demos_business_answers_in_both_languages() -> None:
    business = load_business(BUSINESS)
    assert {entry.language for entry in business.faq} == {"es", "en"}
    assert business.name


def test_an_answer_is_taken_only_when_it_has_stopped_changing() -> None:
    with TelegramServer("7:t") as telegram:

        def write(text: str) -> str:
            said = str(telegram.say(5, text)["message"]["message_id"])
            bubble = Bubble("99", "assistant", "…")
            telegram.show("5", bubble)
            telegram.change(bubble, "Hola, soy", [])
            telegram.change(bubble, "Hola, soy el asistente.", [])
            return said

        exchange = Voice("Ana", telegram, "5", write).ask("hola")
    assert [bubble.text for bubble in exchange.bubbles] == ["Hola, soy el asistente."]


def test_no_answer_is_reported_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.demo.ANSWER_SECONDS", 0.3)
    with TelegramServer("7:t") as telegram:
        voice = Voice("Ana", telegram, "5", lambda text: str(telegram.say(5, text)["message"]["message_id"]))
        assert voice.ask("hola").bubbles == []
