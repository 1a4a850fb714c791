"""Whole answers as models write them, and what a person sees of them on WhatsApp: tests/whatsapp_answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.channels._whatsapp_markup import render

ANSWERS = sorted((Path(__file__).parents[1] / "whatsapp_answers").glob("*.md"))


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda path: path.stem)
def test_an_answer_is_one_bubble_in_whatsapps_own_marks(answer: Path) -> None:
    [piece] = render(answer.read_text())

    assert piece.text == answer.with_suffix(".txt").read_text().removesuffix("\n")
    assert (piece.entities, piece.file) == ((), "")
