"""`python -m workers bench`: what it measures through the port, and what it says of what cannot be measured."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console as Terminal

from bot.errors import SettingsError
from bot.settings import load_settings
from simulator.models import ModelServer
from workers.bench import command
from workers.bench.command import Asked

ROOT = Path(__file__).parents[2]
DELAY = 0.2
WORDS = ["Abrimos ", "a ", "las ", "nueve."]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def bench(clean_env: dict[str, str], tmp_path: Path) -> Run:
    """Types ``python -m workers bench …`` with settings; ``.json`` of its folder is what it wrote down."""

    def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        typed = [sys.executable, "-m", "workers", "bench", "--repeat", "1", *words]
        env = clean_env | {"COLUMNS": "60"} | settings
        return subprocess.run(typed, env=env, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture
def rows(bench: Run, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """The rows of a bench that ended well."""

    def run(*words: str, **settings: str) -> list[dict[str, Any]]:
        file = tmp_path / "rows.json"
        ended = bench(*words, "--json", str(file), **settings)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        found: list[dict[str, Any]] = json.loads(file.read_text())["rows"]
        return found

    return run


def questions(server: ModelServer) -> list[Any]:
    """What was asked but for the backend's own greeting."""
    asked = [request.json for request in server.requests]
    return [body for body in asked if re.match(r"(Pedido|Order) \d+\. ", body["messages"][-1]["content"])]


def test_a_server_is_measured_through_the_port(rows: Callable[..., list[dict[str, Any]]]) -> None:
    """As many at once as was said, twice each (a warm-up, a round), in replies as long as was said."""
    with ModelServer(DELAY, lambda _: WORDS, pace=0.02) as server:
        one, four = rows("--concurrency", "4,1", "--tokens", "7", LLM_PROVIDER="ollama", LLM_BASE_URL=server.url)
        asked, peak = questions(server), server.peak

    assert (one["concurrency"], four["concurrency"], peak) == (1, 4, 4)
    assert len(asked) == 2 * (1 + 4)
    assert {body["options"]["num_predict"] for body in asked} == {7}
    for row in (one, four):
        assert len(row["rounds"]) == 1
        assert DELAY <= row["first"] < row["reply"]
        assert row["reply"] >= DELAY + 3 * 0.02
        assert row["tokens"] > len(WORDS)
        assert row["rate"] <= row["concurrency"] * row["tokens"] / (DELAY + 3 * 0.02)
    assert four["rate"] > one["rate"]


def test_no_prompt_is_asked_twice(rows: Callable[..., list[dict[str, Any]]]) -> None:
    """Nor in a second run: else a server's cache would be measured. Both languages and the instructions are there."""
    with ModelServer(reply=lambda _: WORDS) as server:
        for _ in range(2):
            rows("--concurrency", "2", LLM_PROVIDER="ollama", LLM_BASE_URL=server.url)
        asked = questions(server)

    said = [body["messages"][-1]["content"] for body in asked]
    assert len(set(said)) == len(said) == 8
    assert {text.split()[0] for text in said} == {"Pedido", "Order"}
    assert {body["messages"][0]["role"] for body in asked} == {"system"}


def test_memory_is_that_of_the_process_with_the_model(rows: Callable[..., list[dict[str, Any]]]) -> None:
    """A model that is elsewhere has none here."""
    with ModelServer(reply=lambda _: WORDS) as server:
        here, there = rows(
            "--config", "faq,openai", "--concurrency", "1", "--url", f"openai={server.url}",
            LLM_PROVIDER="faq", BUSINESS_FILE=str(ROOT / "business.example.toml"),
        )  # fmt: skip

    assert 1 < here["before"] <= here["after"]
    assert here["peak"] >= here["before"]
    assert [there[name] for name in ("before", "peak", "after", "gpu_peak")] == [None] * 4
    assert (here["device"], there["device"]) == ("CPU", "a server")


def test_what_cannot_be_measured_is_a_row_that_says_why(bench: Run, tmp_path: Path) -> None:
    """The others are measured, and all is well."""
    with ModelServer(0.5, lambda _: WORDS, parallel=1, queue=0) as server:
        ended = bench(
            "--config", "ollama,openai,huggingface", "--concurrency", "1,4", "--json", str(tmp_path / "rows.json"),
            LLM_PROVIDER="ollama", LLM_BASE_URL=server.url, LLM_PARALLEL="4",
        )  # fmt: skip
    reasons = {
        (row["configuration"], row["concurrency"]): row["reason"]
        for row in json.loads((tmp_path / "rows.json").read_text())["rows"]
    }

    assert ended.returncode == 0
    assert reasons["ollama", 1] == ""
    assert "503" in reasons["ollama", 4]
    assert "--url openai=" in reasons["openai", 1]
    assert reasons["openai", 4] == reasons["openai", 1]
    assert reasons["huggingface", 1]
    assert f"* ollama (4 at once) not measured: {reasons['ollama', 4]}" in ended.stdout
    assert ended.stdout.count(reasons["openai", 1]) == 1
    assert "Traceback" not in ended.stdout + ended.stderr


def test_nothing_measured_is_a_failure_in_words(bench: Run) -> None:
    ended = bench("--config", "openai", LLM_PROVIDER="faq")

    assert ended.returncode == 1
    assert "openai *          1    n/a" in ended.stdout
    assert ended.stderr == "No configuration could be measured; the table says why.\n"


def test_another_key_is_not_shown_to_a_server(rows: Callable[..., list[dict[str, Any]]]) -> None:
    """Neither key nor model nor address of the installation's provider is meant for another one."""
    with ModelServer(reply=lambda _: WORDS, models=["tiny:latest"]) as server:
        rows(
            "--config", "ollama", "--concurrency", "1", "--url", f"ollama={server.url}", "--model", "ollama=tiny",
            LLM_PROVIDER="openai", LLM_BASE_URL="http://127.0.0.1:1", LLM_API_KEY="abcdefgh", LLM_MODEL="large",
        )  # fmt: skip

        assert server.requests
        assert all("abcdefgh" not in str(request.headers) for request in server.requests)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (Asked("base,5bit"), "'5bit'"),
        (Asked(concurrency="1,none"), "1,4,16"),
        (Asked(concurrency="0"), "1,4,16"),
        (Asked(concurrency="2000"), "from 1 to 1024"),
        (Asked(models=["tiny"]), "ollama="),
        (Asked(urls=["nobody=http://localhost"]), "ollama="),
        (Asked(json_file=Path("/no/such/folder/rows.json")), "/no/such/folder"),
        (Asked(plot_file=Path("/tmp")), "--plot: /tmp"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_measured(asked: Asked, named: str) -> None:
    with ModelServer() as server:
        settings = load_settings(llm_provider="ollama", llm_base_url=server.url)
        with pytest.raises(SettingsError) as refused:
            command.measure(asked, settings, Terminal(file=io.StringIO()))

        assert server.requests == []
    assert named in str(refused.value)


@pytest.mark.parametrize("words", [("--config", "5bit"), ("--tokens", "0"), ("--repeat", "0")])
def test_a_wrong_option_is_told_in_words(bench: Run, words: tuple[str, ...]) -> None:
    ended = bench(*words, LLM_PROVIDER="faq")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert words[0] in ended.stderr
    assert "Traceback" not in ended.stderr


def test_who_ends_the_bench_ends_what_it_measures(clean_env: dict[str, str]) -> None:
    """The process with the model does not stay behind."""
    with ModelServer() as server:
        server.hang_next(times=100)
        env = clean_env | {"LLM_PROVIDER": "ollama", "LLM_BASE_URL": server.url}
        with subprocess.Popen([sys.executable, "-m", "workers", "bench"], env=env, stderr=subprocess.PIPE) as process:
            assert server.wait_until(lambda: server.running == 1, 60)
            process.terminate()
            process.wait(60)

            assert server.wait_until(lambda: server.running == 0, 60)
    assert [request.outcome for request in server.requests] == ["left"]


def test_a_picture_needs_a_package(bench: Run, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['matplotlib'] = None")
    ended = bench("--plot", str(tmp_path / "rows.png"), LLM_PROVIDER="faq", PYTHONPATH=str(tmp_path))

    assert (ended.returncode, ended.stderr) == (2, "--plot needs matplotlib: make install EXTRAS=local\n")
