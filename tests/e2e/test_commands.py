"""The commands as an operator runs them, against a running installation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bot.stores import embedded
from simulator.people import People
from tests.e2e.conftest import Installation

ROOT = Path(__file__).parents[2]


def run(one: Installation, *command: str, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """One command in the installation's environment; what it printed and how it ended."""
    return subprocess.run(
        [sys.executable, "-m", *command], env=one.processes.environment | more, input=text,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_doctor_finds_everything_well(running: Installation) -> None:
    """Redis, both platforms' credentials and the model are tried for real; who is missing is named."""
    done = run(running, "bot", "doctor", PUBLIC_URL=running.processes.url)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("Redis", "telegram", "whatsapp", "model", "workers", "@recado_bot", "mistral:7b"):
        assert words in done.stdout


def test_the_doctor_names_what_is_broken_and_the_way_out(running: Installation) -> None:
    """A wrong token and a model that was never pulled: exit code 1, and what to do about each."""
    done = run(running, "bot", "doctor", TELEGRAM_BOT_TOKEN="7123456:" + "x" * 35, LLM_MODEL="llama9:70b")
    assert done.returncode == 1
    assert "@BotFather" in done.stdout
    assert "ollama pull llama9:70b" in done.stdout


def test_status_counts_the_worker(running: Installation) -> None:
    done = run(running, "bot", "status", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["workers"]) == 1


def test_rq_info_shows_the_truth(running: Installation, chat: int) -> None:
    """RQ's own command line sees our queue and our worker."""
    People(running.telegram, 3, rate=50, first=chat).everybody()
    assert running.settle(3).ok
    url = f"unix://{embedded.socket_path(running.data)}"
    rq = Path(sys.executable).with_name("rq")
    done = subprocess.run([rq, "info", "-u", url], capture_output=True, text=True, timeout=30, check=False)
    assert "1 queues, 0 jobs total" in done.stdout, done.stdout + done.stderr
    assert "1 workers, 1 queues" in done.stdout


def test_a_conversation_in_the_terminal(running: Installation) -> None:
    """chat: questions and commands are answered as on a platform, apart from the customers' Redis; whoever sits there
    is the owner, whom nobody else need let in."""
    said = "¿Abrís los domingos?\n/help\n/reset\n/pair\n"
    faq = {"LLM_PROVIDER": "faq", "BUSINESS_FILE": str(ROOT / "simulator" / "demo.toml"), "ACCESS": "list"}
    done = run(running, "workers", "chat", text=said, **faq)
    assert done.returncode == 0, done.stderr
    for words in ("8:00 a 14:00", "/reset", "empezamos de nuevo", "/pair ACDE3467"):
        assert words in done.stdout
    assert not running.store.client.keys("*console*")


def test_get_llm_response_from_a_python_console(running: Installation) -> None:
    code = "from workers import get_llm_response; print(get_llm_response('hola'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=running.processes.environment, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "re: hola", done.stderr


def test_typing_is_shown_while_the_model_thinks(running: Installation, chat: int) -> None:
    """The person sees that an answer is on its way, on both channels, before it is there."""
    running.model.delay = 0.5
    running.telegram.say(chat, "hola")
    running.whatsapp.say(f"34{chat}", "hola")
    assert running.telegram.wait_until(lambda: len(running.telegram.answers(chat)) == 1)
    assert running.whatsapp.wait_until(lambda: len(running.whatsapp.answers(f"34{chat}")) == 1)
    for platform, shown, said in (
        (running.telegram, "sendChatAction", "sendMessage"),
        (running.whatsapp, "read", "messages"),
    ):
        methods = [call.method for call in platform.calls]
        assert methods.index(shown) < methods.index(said)


def test_no_log_holds_a_word_or_a_secret(running: Installation, chat: int) -> None:
    """Whatever happened, the logs name nobody and quote nobody."""
    running.telegram.fail_next("sendMessage", 429)
    running.telegram.fail_next("sendMessage", 500)
    running.telegram.say(chat, "my secret recipe")
    running.whatsapp.deliver(b"{}")
    assert running.telegram.wait_until(lambda: len(running.telegram.answers(chat)) >= 1, 20)
    logs = "".join(running.processes.log(name).read_text() for name in ("receiver", "worker"))
    secrets = [value for name, value in running.processes.environment.items() if "TOKEN" in name or "SECRET" in name]
    assert "turn" in logs
    for word in ("my secret recipe", "Ana", *(secret for secret in secrets if secret)):
        assert word not in logs


def test_a_port_that_is_taken_is_said_in_words(running: Installation) -> None:
    done = run(running, "bot", "serve")
    assert done.returncode == 2
    assert "PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_processes_leave_no_server_behind(fresh: Installation) -> None:
    """When receiver and worker have ended, the embedded server has too."""
    fresh.processes.close()
    assert not embedded.is_running(fresh.data)
    assert (fresh.data / "appendonlydir").exists()
