"""Numbered questions: each is answered with its own number, and the demo's other answers stay what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.business import load_business
from simulator.demo import BUSINESS, TELEGRAM_LINES, WHATSAPP_LINES
from simulator.ledger.records import marks_of
from simulator.page.bags import ANSWERS, BAGS, QUESTIONS, Language, Marks, business
from workers.backends.faq import Faq


@pytest.fixture(scope="module")
def faq(tmp_path_factory: pytest.TempPathFactory) -> Faq:
    """The demo's business as the page has it."""
    file = tmp_path_factory.mktemp("business") / "business.toml"
    file.write_text(business(BUSINESS), encoding="utf-8")
    return Faq(load_business(file))


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("conversation", ["es", "en"])
def test_each_bag_has_an_answer_with_its_number(faq: Faq, language: Language, conversation: Language) -> None:
    """Also in a conversation in the other language, such as WhatsApp's, which names none."""
    for bag in (1, 2, 11, 12, BAGS):
        assert faq.answer(QUESTIONS[language].format(bag), conversation) == ANSWERS[language].format(bag)


def test_several_in_one_turn_are_answered_one_by_one_in_order(faq: Faq) -> None:
    said = "\n".join(QUESTIONS["es"].format(bag) for bag in (7, 8, 9))
    assert faq.answer(said, "es") == "\n\n".join(ANSWERS["es"].format(bag) for bag in (7, 8, 9))


def test_the_demos_own_answers_stay_what_they_were(faq: Faq) -> None:
    plain = Faq(load_business(BUSINESS))
    asked = [line for line in (*TELEGRAM_LINES, *WHATSAPP_LINES) if not line.startswith("/")]
    asked += ["¿Cómo encargo una tarta de cumpleaños?", "¿Qué pan tenéis?", "Do you have gluten-free bread?"]
    for line in asked:
        assert faq.answer(line, "es") == plain.answer(line, "es")
        assert faq.answer(line, "en") == plain.answer(line, "en")


def test_a_ledger_reads_a_mark_where_a_bag_stands_that_was_asked_for() -> None:
    marks = Marks()
    mark = marks.note(7, 1)
    for language in ("es", "en"):
        assert marks_of(marks.put_into(ANSWERS[language].format(7))) == [mark]
        assert marks_of(marks.put_into(QUESTIONS[language].format(7))) == [mark]
        assert marks_of(marks.put_into(ANSWERS[language].format(77))) == []


def test_no_business_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        business(tmp_path / "nowhere.toml")
