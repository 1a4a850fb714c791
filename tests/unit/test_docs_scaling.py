"""The pages on scaling say the same in both languages, and name nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.settings import Settings
from simulator.__main__ import app
from workers.backends.openai import SESSION_HEADERS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("scaling.md", "scaling.es.md")
ELSEWHERE = {"REDIS_PASSWORD", "CUDA_VISIBLE_DEVICES"}
"""Names that the pages may use although they are no settings of ours: compose's and CUDA's."""


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def prose(name: str) -> str:
    return re.sub(r"^```.*?^```", "", text(name), flags=re.MULTILINE | re.DOTALL)


def blocks(name: str) -> list[str]:
    return re.findall(r"^```\w*\n.*?^```", text(name), re.MULTILINE | re.DOTALL)


def shape(name: str) -> list[str]:
    """The depth of each heading, the columns of each row, the start of each item."""
    found = (re.match(r"#+ |\||- |\d+\. ", line) for line in prose(name).splitlines())
    return [f"{one[0]}{one.string.count('|')}" for one in found if one]


def figures(name: str) -> list[str]:
    """Every figure of the page, whichever way its language writes it."""
    return sorted(re.sub(r"[.,]", "", one) for one in re.findall(r"\d+(?:[.,]\d+)*", prose(name)))


def test_both_languages_say_the_same() -> None:
    english, spanish = PAGES

    assert blocks(english) == blocks(spanish)
    assert len(blocks(english)) > 5
    assert shape(english) == shape(spanish)
    assert figures(english) == figures(spanish)
    code = [sorted(re.findall(r"`([^`\n]+)`", prose(name))) for name in PAGES]
    assert code[0] == code[1]


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_command_link_and_source_exists(name: str) -> None:
    named = set(re.findall(r"(?<!-)\b[A-Z]+(?:_[A-Z0-9]+)+\b", text(name)))
    assert named <= {field.upper() for field in Settings.model_fields} | ELSEWHERE

    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text(name))
    assert [link for link in links if not (DOCS / link).exists()] == []

    above, _, listed = prose(name).rpartition("\n## ")
    sources = {int(number) for number in re.findall(r"^(\d+)\. <https://", listed, re.MULTILINE)}
    assert {int(number) for number in re.findall(r"\[(\d+)\]", above)} == sources


@pytest.mark.parametrize("name", PAGES)
def test_the_headers_for_routers_are_those_that_are_sent(name: str) -> None:
    assert set(re.findall(r"`(X-[A-Za-z-]+)`", text(name))) == set(SESSION_HEADERS)


def test_the_command_takes_the_options_with_which_it_is_shown() -> None:
    told = (
        CliRunner().invoke(app, ["capacity", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}).output
    )
    shown = {
        one
        for line in re.findall(r"simulator capacity([^\n`]*)", text(PAGES[0]))
        for one in re.findall(r"--[a-z-]+", line)
    }

    assert "--messages-per-day" in shown
    assert [option for option in {*shown, "--no-keep"} if option not in told] == []
