"""The page on the chat page says the same in both languages, and nothing that is not so."""

from __future__ import annotations

import re

import pytest

from bot.settings import Settings
from tests.unit.deploying import compose
from tests.unit.test_docs_models import blocks, named, shape, text
from workers.ui import words
from workers.ui.command import PASSWORD
from workers.ui.door import DAYS

ENGLISH, SPANISH = PAGES = ("chat-page.md", "chat-page.es.md")


def test_both_languages_have_the_same_shape_commands_and_settings() -> None:
    assert shape(ENGLISH) == shape(SPANISH)
    assert blocks(ENGLISH) == blocks(SPANISH)
    assert named(ENGLISH) == named(SPANISH) >= {"UI_HOST", "UI_PORT", "UI_PASSWORD", "BUSINESS_FILE"}


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    assert named(name) <= {field.upper() for field in Settings.model_fields}


@pytest.mark.parametrize(("name", "language"), [(ENGLISH, "en"), (SPANISH, "es")])
def test_its_buttons_and_words_are_the_pages_own(name: str, language: str) -> None:
    page = text(name)

    for label in (words.AGAIN, words.CLEAR, words.DARK):
        assert f"| {getattr(label, language)} |" in page
    for quoted in re.findall(r"^\| [«\"](.+?)[»\"] \|", page, re.MULTILINE)[:2]:
        assert any(quoted in getattr(one, language) for one in (words.NOBODY, words.AWAY))


def test_the_profile_of_compose_that_is_shown_is_this_page() -> None:
    """At the address that the page names for it without Docker."""
    (profile,) = re.findall(r"^docker compose --profile (\w+) up -d --build$", text(ENGLISH), re.MULTILINE)
    service = compose()["services"][profile]
    port = Settings.model_fields["ui_port"].default

    assert service["profiles"] == [profile]
    assert service["ports"] == [f"127.0.0.1:${{UI_PORT:-{port}}}:{port}"]
    assert all(f"`http://127.0.0.1:{port}/`" in text(name) for name in PAGES)
    assert all(f"docker compose logs {profile}" in text(name) for name in PAGES)


def test_the_figures_are_the_codes_own() -> None:
    assert PASSWORD == 12
    assert DAYS == 7
    for name, seven in ((ENGLISH, "seven days"), (SPANISH, "siete días")):
        assert " 12 " in text(name)
        assert seven in text(name)
