"""The page on WhatsApp says the same in both languages, and nothing that is not so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer

from bot.__main__ import app
from bot.business import Business
from bot.channels._whatsapp_errors import Meaning, meaning_of
from bot.channels.whatsapp import WhatsApp
from bot.meta.subscription import FIELDS
from bot.numbers import Number
from bot.plain_words import order_in
from bot.settings import Settings
from bot.stores.meter import FREE_MONTHLY
from tests.unit.test_docs_models import blocks, named, shape, text
from workers.budget import FREE_WARNED, WARNED

ROOT = Path(__file__).parents[2]
PAGES = ("whatsapp.md", "whatsapp.es.md")
OF_NUMBERS = {"WHATSAPP_TOKEN", "WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_APP_SECRET", "WHATSAPP_BUSINESS_ACCOUNT_ID"}
"""Settings that the setup writes, and the page names by what they are."""


def test_both_languages_have_the_same_shape_commands_and_settings() -> None:
    english, spanish = PAGES

    assert shape(english) == shape(spanish)
    assert blocks(english) == blocks(spanish)
    assert named(english) == named(spanish)


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    assert named(name) <= {field.upper() for field in Settings.model_fields}


def test_every_setting_of_whatsapp_and_of_hand_overs_is_named() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    whatsapp = example.partition("# --- WhatsApp ---\n")[2].partition("\n# ---")[0]
    people = example.partition("# --- People first ---\n")[2].partition("\n# ---")[0]
    settings = set(re.findall(r"^([A-Z_]+)=", whatsapp + people, re.MULTILINE))
    usual = {"WHATSAPP_API_URL", "WHATSAPP_MESSAGES_PER_SECOND", "WHATSAPP_PERSON_SECONDS", "WHATSAPP_STATUS_SECONDS"}

    assert settings - OF_NUMBERS - usual <= named("whatsapp.md")


def test_every_command_that_is_shown_exists() -> None:
    shown = {
        tuple(word for word in line.split()[3:] if word.isalpha())
        for block in blocks("whatsapp.md", "sh")
        for line in block.splitlines()
        if line.startswith(".venv/bin/python -m bot ")
    }
    group = typer.main.get_command(app)
    known = {(name,) for name in group.commands} | {  # type: ignore[attr-defined]
        (name, sub)
        for name, one in group.commands.items()  # type: ignore[attr-defined]
        for sub in getattr(one, "commands", ())
    }

    assert len(shown) > 4
    assert shown <= known


@pytest.mark.parametrize("name", PAGES)
def test_the_figures_are_the_codes_own(name: str) -> None:
    thousand, days = (".", "tres días") if name.endswith("es.md") else (",", "three days")
    page = text(name)

    assert f"{FREE_MONTHLY:,}".replace(",", thousand) in page
    assert f"{FREE_WARNED} " in page
    assert f"{WARNED:.0%}".replace("%", " %") in page
    assert f"{WhatsApp.bubble_units:,}".replace(",", thousand) in page
    assert f"{WhatsApp.window_seconds / 3600:g} " in page
    assert days in page
    assert WhatsApp.raw_hours == 3 * 24
    assert all(f"`{field}`" in page for field in FIELDS)


@pytest.mark.parametrize("name", PAGES)
def test_each_code_means_what_its_row_says(name: str) -> None:
    rows = re.findall(r"^\| ([\d, ]+) \| ", text(name), re.MULTILINE)
    found: list[set[Meaning]] = [{meaning_of(int(code)) for code in row.split(",")} for row in rows]

    assert found == [
        {"token"}, {"account"}, {"busy"}, {"pair"}, {"parked"}, {"fault", "service"}, {"failed"}, {"blocked"},
    ]  # fmt: skip


def test_the_words_do_what_is_said_of_them() -> None:
    """In the table, in any capitals; inside a sentence they are words."""
    assert [order_in(word) for word in ("STOP", "stop", "Baja", "ALTA")] == ["baja", "baja", "baja", "alta"]
    assert order_in("I want to talk to a person") == order_in("quiero hablar con una persona") == "humano"
    assert order_in("can I stop by today?") == order_in("¿me doy de baja en el gimnasio?") == ""


def test_the_files_that_are_shown_can_be_read() -> None:
    opening, further = blocks("whatsapp.md", "toml")
    business = Business.model_validate(tomllib.loads(opening))
    (values,) = tomllib.loads(further)["numbers"].values()

    assert business.opening
    assert business.opening.answers_when_closed
    assert Number.model_validate({"app_secret": "", "verify_token": "", **values}).language == "es"


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_is_linked_exists(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text(name))

    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
