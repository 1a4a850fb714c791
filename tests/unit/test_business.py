"""The business file: read whole, or refused with the line or the part that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.business import Business, load_business
from bot.errors import SettingsError

WHOLE = """
name = "Peluquería Lola"
description = "De barrio."
hours = "9 a 19 h"
address = "Calle Mayor 5"
contact = "+34 600 000 000"

[[services]]
name = "Corte"
price = "15 €"
description = "Con lavado."

[[services]]
name = "Tinte"

[[faq]]
question = "¿Hay wifi?"
answer = "Sí."
language = "es"

[[faq]]
question = "Parking?"
answer = "Behind."
"""


def written(tmp_path: Path, text: str | bytes) -> Path:
    file = tmp_path / "business.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_without_a_file_the_business_is_empty() -> None:
    assert load_business(None) == Business()


def test_every_part_is_read(tmp_path: Path) -> None:
    business = load_business(written(tmp_path, WHOLE))

    assert (business.name, business.hours, business.address) == ("Peluquería Lola", "9 a 19 h", "Calle Mayor 5")
    assert [(s.name, s.price) for s in business.services] == [("Corte", "15 €"), ("Tinte", "")]
    assert [(q.question, q.language) for q in business.faq] == [("¿Hay wifi?", "es"), ("Parking?", None)]


def test_every_part_may_be_left_out(tmp_path: Path) -> None:
    assert load_business(written(tmp_path, "")) == Business()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('nome = "Lola"', "nome"),
        ("hours = 9", "hours"),
        ('[[services]]\nprice = "1 €"', "services.0.name"),
        ('[[faq]]\nquestion = "?"\nanswer = ""', "faq.0.answer"),
        ('[[faq]]\nquestion = "?"\nanswer = "!"\nlanguage = "fr"', "faq.0.language"),
        ("name = Lola", "line 1"),
        (b'name = "Peluquer\xeda"', "UTF-8"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str | bytes, told: str) -> None:
    """The operator reads the file's name and the part or line to correct."""
    file = written(tmp_path, text)

    with pytest.raises(SettingsError, match="BUSINESS_FILE") as caught:
        load_business(file)

    assert told in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"BUSINESS_FILE: .*gone\.toml cannot be read"):
        load_business(tmp_path / "gone.toml")
