"""The page for whoever looks after an installation says the same in both languages, and nothing that is not so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.settings import Settings
from tests.unit.test_docs_models import blocks, named, shape, text

ROOT = Path(__file__).parents[2]
PAGES = ("operations.md", "operations.es.md")


def first_cells(name: str) -> list[str]:
    return re.findall(r"^\| ([A-Z][A-Za-z]+) \|", text(name), re.MULTILINE)


def test_both_languages_have_the_same_shape_commands_settings_and_alarms() -> None:
    english, spanish = PAGES

    assert shape(english) == shape(spanish)
    assert blocks(english) == blocks(spanish)
    assert named(english) == named(spanish)
    assert first_cells(english) == first_cells(spanish)


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    assert named(name) <= {field.upper() for field in Settings.model_fields}


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_is_linked_exists(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text(name))

    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def commands() -> list[tuple[str, ...]]:
    """Every command line of the page, without its values."""
    lines = "\n".join(blocks("operations.md", "sh"))
    found = re.findall(r"-m bot ((?:[a-z]+ ?)+)((?: ?[^\n&]*)?)", lines)
    return sorted({(*words.split()[:2], *re.findall(r"--[a-z]+", rest)) for words, rest in found})


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_that_is_shown_exists(command: tuple[str, ...], clean_env: dict[str, str]) -> None:
    words = [word for word in command if not word.startswith("--")]
    shown = [sys.executable, "-m", "bot", *words, "--help"]
    done = subprocess.run(shown, env=clean_env, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert [word for word in command if word.startswith("--") and word not in done.stdout] == []


def test_every_alarm_is_explained() -> None:
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    alarms = [rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule]

    assert alarms
    assert sorted(first_cells("operations.md")) == sorted(alarms)
