"""The pages on models say the same in both languages, and name nothing that is not there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot.settings import ENV_FILE, Settings, load_settings
from workers.backends.local.hub import DEFAULT_MODEL

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ("models.md", "models.es.md")
ELSEWHERE = {"OLLAMA_NUM_PARALLEL", "OLLAMA_KV_CACHE_TYPE", "VLLM_API_KEY"}
"""Names that the pages may use although they are no settings of ours: Ollama's and vLLM's."""


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str, language: str = r"\w*") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(name), re.MULTILINE | re.DOTALL)


def shape(name: str) -> list[str]:
    """The page's skeleton: the depth of each heading, the columns of each row, the start of each item."""
    lines = re.sub(r"^```.*?^```", "", text(name), flags=re.MULTILINE | re.DOTALL).splitlines()
    marks = (re.match(r"#+ |\||\d+\. ", line) for line in lines)
    return [
        f"{mark[0]}{line.count('|') if mark[0] == '|' else ''}" for mark, line in zip(marks, lines, strict=True) if mark
    ]


def named(name: str) -> set[str]:
    """Settings as they are written: capitals with an underscore."""
    return set(re.findall(r"(?<!-)\b[A-Z]+(?:_[A-Z0-9]+)+\b", text(name)))


def numbers(name: str) -> list[str]:
    """Every figure of the page's tables, whichever way its language writes it."""
    rows = [line for line in text(name).splitlines() if line.startswith("|")]
    found = (re.findall(r"\d+(?:[.,]\d+)*", row) for row in rows)
    return [re.sub(r"[.,]", "", number) for row in found for number in row]


def test_both_languages_show_the_same_commands_and_env_lines() -> None:
    assert blocks("models.md") == blocks("models.es.md")
    assert blocks("models.md", "sh")
    assert blocks("models.md", "ini")


def test_both_languages_have_the_same_headings_tables_and_sources() -> None:
    english, spanish = (shape(name) for name in PAGES)

    assert english == spanish
    assert english.count("## ") > 5
    assert re.findall(r"<(https://[^>]+)>", text("models.md")) == re.findall(r"<(https://[^>]+)>", text("models.es.md"))


def test_both_languages_name_the_same_settings_and_models() -> None:
    english, spanish = (sorted(re.findall(r"`([^`\n]+)`", text(name))) for name in PAGES)

    assert named("models.md") == named("models.es.md")
    assert english == spanish


def test_a_figure_in_a_table_is_the_same_in_both_languages() -> None:
    """The bench may fill in rows; both pages change together."""
    english, spanish = (numbers(name) for name in PAGES)

    assert english
    assert english == spanish


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    known = {field.upper() for field in Settings.model_fields} | ELSEWHERE

    assert {"LLM_PROVIDER", "LLM_KV_TOKENS", "LLM_PARALLEL"} <= named(name) <= known


def test_every_setting_of_the_local_backend_is_explained() -> None:
    """What .env.example has under the local provider's heading."""
    part = (ROOT / ".env.example").read_text(encoding="utf-8").partition("LLM_PROVIDER=local) ---\n")[2]
    settings = set(re.findall(r"^([A-Z_]+)=", part.partition("\n# ---")[0], re.MULTILINE))

    assert "LLM_ENGINE" in settings
    assert settings - named("models.md") == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_to_a_file_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text(name))

    assert links
    assert [link for link in links if not (DOCS / link).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_source_is_listed_and_every_one_is_used(name: str) -> None:
    prose, _, listed = text(name).rpartition("\n## ")
    used = {int(number) for number in re.findall(r"\[(\d+)\]", prose)}

    assert used == {int(number) for number in re.findall(r"^(\d+)\. <https://", listed, re.MULTILINE)}


def subcommands() -> list[str]:
    pages = "\n".join(text(name) for name in PAGES)
    return sorted(set(re.findall(r"python -m ((?:bot|workers|simulator) [a-z]+)", pages)))


@pytest.mark.parametrize("command", subcommands())
def test_every_command_exists(command: str) -> None:
    """And takes the options with which it is shown."""
    shown = re.findall(rf"python -m {command}([^\n`]*)", "\n".join(blocks("models.md", "sh")))
    result = subprocess.run(
        [sys.executable, "-m", *command.split(), "--help"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], ENV_FILE: "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    plain = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    assert [option for option in re.findall(r"--[a-z-]+", " ".join(shown)) if option not in plain] == []


@pytest.mark.parametrize("block", [b for b in blocks("models.md", "ini") if "LLM_PROVIDER" in b])
def test_every_env_line_is_taken_as_it_stands(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    file = tmp_path / "env"
    file.write_text(block, encoding="utf-8")
    monkeypatch.setenv(ENV_FILE, str(file))
    settings = load_settings()

    assert {name for name in dotenv_values(file) if getattr(settings, name.lower(), None) in (None, "", ())} == set()


def test_the_model_without_a_name_is_the_one_that_the_pages_say() -> None:
    rows = [line for name in PAGES for line in text(name).splitlines() if f"`{DEFAULT_MODEL}`" in line]

    assert [re.findall(r"the default of `local`|el predeterminado de `local`", row) != [] for row in rows] == [True] * 2


def test_the_defaults_that_the_pages_give_are_the_settings_own() -> None:
    for name in PAGES:
        given = dict(re.findall(r"^\| `([A-Z_]+)` \(([\d.]+)\) \|", text(name), re.MULTILINE))

        assert {"LLM_TEMPERATURE", "LLM_TOP_P", "LLM_REPETITION_PENALTY", "REPLY_TOKENS"} == set(given)
        assert {key: float(value) for key, value in given.items()} == {
            key: float(Settings.model_fields[key.lower()].default) for key in given
        }
