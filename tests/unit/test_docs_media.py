"""The page on photos, voice notes and documents says the same in both languages, and nothing that is not so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.settings import Settings
from tests.unit.test_docs_models import blocks, named, shape, text
from workers.backends import IMAGE_TOKENS
from workers.contents import IMAGE_MOST
from workers.look import FILE_MOST, IMAGES_MOST

PAGES = ("media.md", "media.es.md")


def test_both_languages_have_the_same_shape_commands_and_settings() -> None:
    english, spanish = PAGES

    assert shape(english) == shape(spanish)
    assert blocks(english) == blocks(spanish)
    assert named(english) == named(spanish) >= {"LLM_VISION", "TRANSCRIBER_MODEL", "TRANSCRIBER_BASE_URL"}


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    assert named(name) <= {field.upper() for field in Settings.model_fields}


def test_every_setting_of_media_is_named() -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    part = example.partition("# --- Photos and voice notes ---\n")[2].partition("\n# ---")[0]
    settings = set(re.findall(r"^([A-Z_]+)=", part, re.MULTILINE))

    assert settings - {"TRANSCRIBER", "TRANSCRIBER_API_KEY"} <= named("media.md")


def test_the_figures_are_the_codes_own() -> None:
    for name, thousands, most in (("media.md", ",", "five"), ("media.es.md", ".", "cinco")):
        assert f"{IMAGE_TOKENS:,}".replace(",", thousands) in text(name)
        assert f"{FILE_MOST >> 20} MB" in text(name)
        assert f" {IMAGE_MOST >> 20} MB |" in text(name)
        assert most in text(name)
    assert IMAGES_MOST == 5
