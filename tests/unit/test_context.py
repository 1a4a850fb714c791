"""The prompt: it always fits, always ends with the person's words, and rarely changes its beginning."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.business import Business, Question, Service
from bot.message import Turn
from bot.texts import DEFAULT_SYSTEM_PROMPT, Language
from workers import context
from workers.backends import estimate
from workers.context import ELLIPSIS, note, system_turn

BUDGET = 1000
fit = partial(context.fit, count=estimate)
SYSTEM = Turn("system", "s", 100)
SALON = Business(
    name="Lola",
    hours="9-19 h",
    services=(Service(name="Corte", price="15 €", description="Con lavado."),),
    faq=(
        Question(question="¿Wifi?", answer="Sí.", language="es"),
        Question(question="Wifi?", answer="Yes.", language="en"),
        Question(question="¿Bizum?", answer="También."),
    ),
)


def said(number: int, tokens: int, answer_tokens: int | None = None) -> list[Turn]:
    """A question and its answer, each a text of its own."""
    answer = tokens if answer_tokens is None else answer_tokens
    return [
        Turn("user", f"question {number}", tokens, number),
        Turn("assistant", f"answer {number}", answer, number),
    ]


def total(turns: tuple[Turn, ...]) -> int:
    return sum(turn.tokens for turn in turns)


def text_of(turns: tuple[Turn, ...]) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in turns]


def test_the_prompt_is_system_then_the_past_then_the_newest_turn() -> None:
    asked = Turn("user", "now", 10, 3, note="Today is Monday.")
    fitted = fit(SYSTEM, [*said(1, 20), *said(2, 20)], asked, window=0, budget=BUDGET)

    assert fitted.turns == (SYSTEM, *said(1, 20), *said(2, 20), asked)
    assert fitted.window == 0


def test_what_was_cut_once_stays_out() -> None:
    """Also when it would fit again: the beginning of the prompt must not change."""
    fitted = fit(SYSTEM, [*said(1, 20), *said(2, 20)], Turn("user", "now", 10, 3), window=2, budget=BUDGET)

    assert fitted.turns[1].text == "question 2"
    assert fitted.window == 2


def test_over_budget_the_oldest_turns_go_in_one_step_to_sixty_percent() -> None:
    past = [turn for number in range(1, 11) for turn in said(number, 50)]
    fitted = fit(SYSTEM, past, Turn("user", "now", 10, 11), window=0, budget=BUDGET)

    assert fitted.window == 7
    assert fitted.turns[1].text == "question 7"
    assert total(fitted.turns) == 510


def test_a_question_never_goes_without_its_answer() -> None:
    past = [turn for number in range(1, 11) for turn in said(number, 10, 90)]
    fitted = fit(SYSTEM, past, Turn("user", "now", 10, 11), window=0, budget=BUDGET)

    assert fitted.turns[1].role == "user"
    assert len({turn.number for turn in fitted.turns[1:-1]}) * 2 == len(fitted.turns[1:-1])


def test_when_nothing_old_fits_the_window_moves_to_the_newest_turn() -> None:
    fitted = fit(SYSTEM, said(1, 500), Turn("user", "now", 700, 2), window=0, budget=BUDGET)

    assert text_of(fitted.turns) == [("system", "s"), ("user", "now")]
    assert fitted.window == 2


def test_a_text_longer_than_the_budget_loses_its_middle() -> None:
    long = "begin " + "palabra " * 5000 + "end"
    asked = Turn("user", long, estimate(long), 2, note="Hoy es lunes.")
    fitted = fit(SYSTEM, said(1, 20), asked, window=0, budget=BUDGET)
    newest = fitted.turns[-1]

    assert newest.text.startswith("begin ")
    assert newest.text.endswith(" end")
    assert ELLIPSIS.strip() in newest.text
    assert newest.note == "Hoy es lunes."
    assert BUDGET * 0.95 < total(fitted.turns) <= BUDGET
    assert newest.tokens == estimate(newest.prompt)


def test_a_system_turn_longer_than_the_budget_leaves_room_for_the_person() -> None:
    long = "x" * 30_000
    fitted = fit(Turn("system", long, estimate(long)), [], Turn("user", "now", 10, 1), window=0, budget=BUDGET)

    assert fitted.turns[-1].text == "now"
    assert total(fitted.turns) <= BUDGET


def test_a_stray_answer_at_the_beginning_is_left_out() -> None:
    """History may begin in the middle of a turn; models want the person first."""
    past = [Turn("assistant", "stray", 10, 1), *said(2, 10)]
    fitted = fit(SYSTEM, past, Turn("user", "now", 10, 3), window=0, budget=BUDGET)

    assert [turn.role for turn in fitted.turns] == ["system", "user", "assistant", "user"]


def test_neighbours_of_one_role_become_one_turn() -> None:
    past = [Turn("user", "first", 10, 1), Turn("user", "second", 12, 2)]
    newest = fit(SYSTEM, past, Turn("user", "now", 5, 3, note="today"), window=0, budget=BUDGET).turns[-1]

    assert newest.prompt == "today\n\nfirst\n\nsecond\n\nnow"
    assert newest.tokens == 27


sizes = st.integers(min_value=1, max_value=1500)
dialogues = st.lists(st.tuples(sizes, sizes), max_size=40)


@settings(max_examples=200, deadline=None)
@given(dialogues, sizes, st.integers(0, 45), st.integers(100, 5000))
def test_any_prompt_fits_and_ends_with_the_newest_turn(
    dialogue: list[tuple[int, int]], asked_tokens: int, window: int, budget: int
) -> None:
    """Roles alternate, the newest turn is there, and every turn says how large it is."""
    past = [turn for number, (q, a) in enumerate(dialogue, 1) for turn in said(number, q, a)]
    text = "abc" * max(asked_tokens - 4, 1)
    asked = Turn("user", text, estimate(text), len(dialogue) + 1)
    window = min(window, asked.number)
    fitted = fit(SYSTEM, past, asked, window=window, budget=budget)

    assert total(fitted.turns) <= budget
    assert fitted.turns[-1].role == "user"
    assert fitted.turns[-1].number == asked.number
    assert fitted.turns[-1].text[:1] == "a"
    assert all(turn.tokens > 0 for turn in fitted.turns)
    assert fitted.window >= window
    assert all(turn.number >= fitted.window for turn in fitted.turns[1:])
    roles = [turn.role for turn in fitted.turns]
    assert all(a != b for a, b in pairwise(roles))


small = st.integers(min_value=1, max_value=100)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(small, small), min_size=20, max_size=120))
def test_a_prompt_begins_with_the_last_one_unless_it_was_cut_and_cuts_are_rare(dialogue: list[tuple[int, int]]) -> None:
    """Between two cuts at least two fifths of the budget (less one turn) were said."""
    past: list[Turn] = []
    window, before, since_cut = 0, (), BUDGET
    for number, (question, answer) in enumerate(dialogue, 1):
        asked = Turn("user", f"question {number}", question, number, note=f"note {number}")
        fitted = fit(SYSTEM, past, asked, window=window, budget=BUDGET)
        if fitted.window == window:
            assert text_of(fitted.turns)[: len(before)] == list(before)
        else:
            assert since_cut >= BUDGET * 0.4 - 200
            assert total(fitted.turns) <= BUDGET * 0.6
            since_cut = 0
        past += said(number, question, answer)
        window, before = fitted.window, tuple(text_of(fitted.turns))
        since_cut += question + answer


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_system_turn_has_every_fact_once(language: Language) -> None:
    turn = system_turn("", SALON, language, estimate)

    assert turn.text.startswith(DEFAULT_SYSTEM_PROMPT.to(language))
    assert turn.tokens == estimate(turn.text)
    for fact in ("Lola", "9-19 h", "Corte", "15 €", "Con lavado.", "¿Bizum?", "También."):
        assert turn.text.count(fact) == 1, fact


def test_the_system_turn_speaks_the_persons_language() -> None:
    spanish, english = (system_turn("", SALON, language, estimate).text for language in ("es", "en"))

    assert "Horario" in spanish
    assert "¿Wifi?" in spanish
    assert "Yes." not in spanish
    assert "Opening hours" in english
    assert "Yes." in english


def test_the_owners_own_prompt_replaces_ours() -> None:
    turn = system_turn("Eres Lola.", Business(), "es", estimate)

    assert turn == Turn("system", "Eres Lola.", estimate("Eres Lola."))


def test_the_note_says_the_date_in_words() -> None:
    day = datetime(2026, 11, 22)  # noqa: DTZ001 - only the date is said

    assert note(day, "es") == "Hoy es domingo, 22 de noviembre de 2026."
    assert note(day, "en") == "Today is Sunday, 22 November 2026."
    assert len({note(day + timedelta(days=n), "es") for n in range(400)}) == 400


COUNTED = {
    "¿Tenéis pan sin gluten los domingos, o hay que encargarlo antes del viernes? Son para doce personas.": (31, 25),
    "Buenos días, quería pedir cita para cortarme el pelo mañana por la tarde, a ser posible después de las cinco.": (
        33,
        25,
    ),
    "Do you have gluten-free bread on Sundays, or do I have to order it before Friday? It is for twelve people.": (
        28,
        25,
    ),
    "Abrimos de lunes a viernes de 9:00 a 14:00 y de 17:00 a 20:30; los sábados, solo por la mañana. Estamos en la "
    "calle Mayor, 12, 28013 Madrid. Teléfono: 910 000 000.": (88, 81),
    "We are open Monday to Friday from 9:00 to 14:00 and from 17:00 to 20:30; on Saturdays only in the morning. "
    "Phone: 910 000 000.": (59, 59),
    "910000000 2026-11-22 18:30": (27, 26),
    "No": (1, 1),
}
"""What the tokenizers of Mistral 7B (v0.3) and of Mistral Nemo make of a text, counted with mistral-common 1.13."""


@pytest.mark.parametrize("text", COUNTED)
def test_a_text_is_not_larger_than_it_is_estimated_nor_much_smaller(text: str) -> None:
    """An estimate that is too small would let a prompt overflow; one that is too large would waste the context."""
    assert max(COUNTED[text]) <= estimate(text) <= 2 * min(COUNTED[text]) + 4
