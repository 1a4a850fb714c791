"""Yes and no, as people type them in their own language."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from bot.setup.asking import Asker
from bot.texts import Language, Text

QUESTION = Text(es="¿Seguimos?", en="Shall we go on?")


def confirmed(language: Language, *typed: str, default: bool = True) -> tuple[bool, str]:
    """What was meant, and what was seen."""
    with CliRunner().isolation(input="\n".join(typed) + "\n") as (out, err, _):
        meant = Asker(language, interactive=True).confirm(QUESTION, default=default)
        return meant, (out.getvalue() + err.getvalue()).decode()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("s", True), ("S", True), ("sí", True), ("Si", True), ("y", True), ("YES", True), ("n", False), ("No", False)],
)
@pytest.mark.parametrize("language", ["es", "en"])
def test_yes_and_no_are_understood_in_both_languages(language: Language, typed: str, meant: bool) -> None:
    assert confirmed(language, typed, default=not meant)[0] is meant


@pytest.mark.parametrize("default", [True, False])
def test_enter_is_the_default_and_the_question_shows_which(default: bool) -> None:
    meant, seen = confirmed("es", "", default=default)
    assert meant is default
    assert ("[S/n]" if default else "[s/N]") in seen
    assert ("[Y/n]" if default else "[y/N]") in confirmed("en", "", default=default)[1]


def test_anything_else_is_asked_again_with_the_way_out() -> None:
    meant, seen = confirmed("es", "quizás", "no")
    assert not meant
    assert "s (sí) o n (no)" in seen
    assert seen.count("¿Seguimos?") == 2
