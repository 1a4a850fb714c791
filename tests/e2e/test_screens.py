"""The pictures in the README are what people see."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from simulator import drawing, screens
from simulator.bubble import Bubble

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def words(picture: str) -> str:
    return " ".join(" ".join(text.itertext()) for text in ET.fromstring(picture).iter(f"{SVG}text"))


@pytest.fixture(scope="module")
def pictures() -> dict[str, str]:
    return screens.pictures()


@pytest.mark.parametrize("language", screens.PLAYS)
def test_the_pictures_are_those_of_a_conversation_now(language: str, pictures: dict[str, str]) -> None:
    """Where the assistant's words have changed: python -m simulator screens."""
    assert pictures[language] == (ROOT / "docs" / "screens" / f"chat.{language}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(("language", "stop"), [("es", "Parar"), ("en", "Stop")])
def test_the_last_answer_is_still_growing_and_can_be_stopped(
    language: str, stop: str, pictures: dict[str, str]
) -> None:
    play = screens.PLAYS[language]
    shown = words(pictures[language])

    assert shown.endswith(f"{screens.MORE} {stop}")
    assert all(asked.split()[0] in shown for asked in play.asked)
    assert "**" not in shown


@pytest.mark.parametrize("language", screens.PLAYS)
def test_the_readme_shows_its_own_languages_picture(language: str) -> None:
    readme = (ROOT / ("README.md" if language == "en" else f"README.{language}.md")).read_text(encoding="utf-8")

    assert f"(docs/screens/chat.{language}.svg)" in readme


def test_a_chat_is_drawn_with_its_formatting_and_nothing_of_it_is_markup() -> None:
    """Entities count UTF-16 units; a long line is wrapped between words."""
    text = "🙂 fat <b>&amp; code\n" + "word " * 30
    entities = [{"type": "bold", "offset": 3, "length": 3}, {"type": "code", "offset": 16, "length": 4}]
    picture = drawing.draw([Bubble("1", "assistant", text, entities=entities)], "A & B", "<i>")
    spans = [span.text for span in ET.fromstring(picture).iter(f"{SVG}tspan")]

    assert spans == ["fat", "code"]
    assert "<b>&amp;" in words(picture)
    assert len(list(ET.fromstring(picture).iter(f"{SVG}text"))) > 5
    assert "<i>" not in picture
