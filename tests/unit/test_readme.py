"""The READMEs and the docs name nothing that is not there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.settings import ENV_FILE, Settings

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.es.md")
FIRST_SCREEN = 30
ELSEWHERE = {"OLLAMA_SHA256", "OLLAMA_NUM_PARALLEL", "DASHBOARD_PASSWORD", "GRAFANA_PASSWORD", "REDIS_PASSWORD"}
"""Names that a README may use although they are no settings of ours: Ollama's, the script's and compose's."""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str = r"\w*") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(name), re.MULTILINE | re.DOTALL)


def lines() -> list[list[str]]:
    """Every line of every shell block of the README, in words."""
    return [shlex.split(line) for block in blocks("README.md", "sh") for line in block.splitlines()]


def said(name: str) -> str:
    """A page without its blocks: what stands between backticks in it."""
    prose = re.sub(r"^```.*?^```", "", text(name), flags=re.MULTILINE | re.DOTALL)
    return "\n".join(re.findall(r"`([^`\n]+)`", prose))


def test_both_readmes_show_the_same_commands() -> None:
    assert blocks("README.md") == blocks("README.es.md")


def test_both_readmes_have_the_same_sections_rows_and_names() -> None:
    """What is said in one language is said in the other."""
    english, spanish = (text(name) for name in READMES)
    for pattern in (r"^#+ ", r"^\|", r"^- ", r"^\d\. "):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, spanish, re.MULTILINE))
    assert sorted(said("README.md").splitlines()) == sorted(said("README.es.md").splitlines())


@pytest.mark.parametrize("name", READMES)
def test_the_first_screen_holds_the_first_two_commands(name: str) -> None:
    start = text(name).splitlines()[:FIRST_SCREEN]
    place = start.index("```sh")

    assert start[place : place + 4] == ["```sh", "make demo", "make test", "```"]


def test_every_make_command_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    shown = re.findall(r"^make ([a-z]+)", "\n".join([*blocks("README.md", "sh"), said("README.md")]), re.MULTILINE)

    assert {"demo", "test", "run", "install"} <= set(shown) <= targets


def test_every_file_that_is_run_or_copied_exists() -> None:
    named = [words[1] for words in lines() if words[0] == "cp"] + [w[0] for w in lines() if w[0].startswith("./")]
    links = [link for page in READMES for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text(page))]

    assert named
    assert [name for name in (*named, *links) if not (ROOT / name).exists()] == []


def test_going_live_is_three_commands() -> None:
    """Install, setup, run; nothing else is needed before the first message."""
    start = text("README.md").index("## Going live")
    (first, *_) = re.findall(r"^```sh\n(.*?)^```", text("README.md")[start:], re.MULTILINE | re.DOTALL)

    assert first.splitlines() == ["make install", ".venv/bin/python -m bot setup", "make run"]


def test_every_webhook_command_exists() -> None:
    shown = {words[4] for words in lines() if words[:4] == [".venv/bin/python", "-m", "bot", "webhook"]}
    command = [sys.executable, "-m", "bot", "webhook", "--help"]
    env = {"PATH": os.environ["PATH"], ENV_FILE: "", "COLUMNS": "200"}
    found = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=True).stdout

    assert shown == {"info", "set", "delete"}
    assert all(name in found for name in (*shown, "secret"))


def test_every_profile_of_compose_that_is_shown_exists() -> None:
    shown = set(re.findall(r"--profile (\w+)", text("README.md")))

    there = set(re.findall(r"profiles: \[(\w+)\]", text("docker-compose.yml")))

    assert {"https", "poll", "ollama", "gpu", "metrics", "dashboard", "ui"} <= shown <= there


def subcommands() -> list[str]:
    pages = "\n".join(text(name) for name in READMES)
    return sorted(set(re.findall(r"python -m ((?:bot|workers|simulator) [a-z]+)", pages)))


@pytest.mark.parametrize("command", subcommands())
def test_every_command_exists(command: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command.split(), "--help"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], ENV_FILE: ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert result.returncode == 0, result.stderr


def test_the_commands_of_today_are_all_shown() -> None:
    names = "access backup dead doctor erase export handover poll redis replay restore serve setup show status webhook"
    bot = [f"bot {name}" for name in (*names.split(), "whatsapp")]
    assert subcommands() == [*bot, "simulator capacity", "workers chat", "workers check", "workers run", "workers ui"]


@pytest.mark.parametrize("name", READMES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z0-9]+)+\b", text(name)))
    known = {field.upper() for field in Settings.model_fields} | ELSEWHERE

    assert {"PUBLIC_URL", "LLM_PROVIDER"} <= named <= known


def test_the_python_example_gives_an_answer(tmp_path: Path) -> None:
    """With the business file of the example and no model."""
    (example,) = blocks("README.md", "python")
    settings = {"LLM_PROVIDER": "faq", "BUSINESS_FILE": str(ROOT / "business.example.toml"), "DATA_DIR": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], ENV_FILE: "", "PYTHONIOENCODING": "utf-8", **settings},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert "8:00" in result.stdout


def test_ci_runs_the_command_that_the_readme_tells() -> None:
    (pattern,) = re.findall(r"grep -m 1 -E '([^']+)' README.md", text(".ci/run"))
    found = [line for line in text("README.md").splitlines() if re.search(pattern, line)]

    assert found[0] == "make test"


def test_the_architecture_page_names_every_layer() -> None:
    rules = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = [
        name
        for rule in rules
        if rule["type"] == "layers"
        for layer in rule["layers"]
        for name in re.findall(r"\w+", layer)
    ]
    page = text("docs/architecture.md")

    assert [name for name in layers if f"`{name}`" not in page] == []


def test_decisions_are_short_and_numbered() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    firsts = [page.read_text(encoding="utf-8").splitlines() for page in pages]

    assert [int(page.name[:3]) for page in pages] == list(range(1, len(pages) + 1))
    assert all(first[0].startswith(f"# {i}. ") and len(first) <= 12 for i, first in enumerate(firsts, 1))
