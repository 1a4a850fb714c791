"""The faq backend: the right entry, or an honest "I do not know"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.business import Business, Question, Service, load_business
from bot.errors import Rejected
from bot.message import Turn
from bot.settings import load_settings
from bot.texts import Language
from workers.backends import Prompt
from workers.backends._words import stem
from workers.backends.faq import Faq

ROOT = Path(__file__).parents[2]
QUESTIONS = Path(__file__).with_name("faq_questions.txt").read_text(encoding="utf-8")
BAKERIES = ("simulator/demo.toml", "business.example.toml")
SALON = Business(
    name="Peluquería Lola",
    description="Peluquería de barrio para toda la familia.",
    hours="De lunes a viernes de 9 a 19 h, sábados de 9 a 14 h.",
    address="Calle Mayor 5, Sevilla",
    contact="+34 600 000 000",
    services=(
        Service(name="Corte de pelo", price="15 €", description="Con lavado."),
        Service(name="Corte de barba", price="8 €"),
        Service(name="Tinte", price="40 €"),
        Service(name="Manicura", price="12 €"),
    ),
    faq=(
        Question(question="¿Tienen estacionamiento?", answer="Sí, detrás del local.", language="es"),
        Question(question="Do you have parking?", answer="Yes, behind the shop.", language="en"),
        Question(question="¿Puedo pagar con tarjeta?", answer="Sí, aceptamos tarjeta y Bizum."),
        Question(question="¿Hay wifi?", answer="Sí, gratis.", language="es"),
        Question(question="Is there wifi for guests?", answer="Yes, free of charge.", language="en"),
        Question(question="¿Necesito cita previa?", answer="Sí, escríbenos para reservar.", language="es"),
        Question(question="¿Aceptan mascotas?", answer="Solo perros pequeños.", language="es"),
        Question(question="How can I cancel my appointment?", answer="Write to us a day before.", language="en"),
    ),
)
HOURS, ADDRESS = "lunes a viernes", "Calle Mayor"
BAKERY_SAYS = dict(re.findall(r"^= (\S+): (.*)", QUESTIONS, re.MULTILINE))
SALON_SAYS = BAKERY_SAYS | {
    "about": "de barrio | de barrio",
    "hair": "15 € | 15 €",
    "dye": "40 € | 40 €",
    "nails": "12 € | 12 €",
    "parking": "detrás | behind the shop",
    "card": "aceptamos tarjeta | aceptamos tarjeta",
    "wifi": "gratis | free of charge",
    "visit": "reservar | reservar",
    "pets": "perros | perros",
    "cancel": "a day before | a day before",
}


def _asked(business: str) -> list[tuple[str, Language, str]]:
    """What is asked in this part of faq_questions.txt, each as: the name of the expected answer, language, question."""
    table = QUESTIONS.partition(f"[{business}]")[2].partition("\n[")[0]
    rows = re.findall(r"^(es|en) (\S+): (.*(?:\n .*)*)", table, re.MULTILINE)
    return [(name, language, ask.strip()) for language, name, asks in rows for ask in re.split(r"\s\|\s", asks)]


def _expected(says: dict[str, str], name: str, language: Language) -> str:
    return says[name].split(" | ")[language == "en"]


@pytest.fixture
def salon() -> Iterator[Faq]:
    backend = Faq.from_settings(load_settings(), SALON)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def bakeries() -> dict[str, Faq]:
    return {path: Faq(load_business(ROOT / path)) for path in BAKERIES}


@pytest.mark.parametrize(("name", "language", "question"), _asked("salon"))
def test_a_question_gets_its_answer_or_none(salon: Faq, name: str, language: Language, question: str) -> None:
    """Accents, capitals, marks, word endings and small misspellings do not matter; who does not know says so."""
    answer = salon.answer(question, language)

    assert _expected(SALON_SAYS, name, language) in answer
    assert name != "?" or SALON.contact in answer


@pytest.mark.parametrize(
    ("path", "name", "language", "question"), [(path, *row) for path in BAKERIES for row in _asked(path)]
)
def test_the_bakery_answers_what_it_knows_and_nothing_else(
    bakeries: dict[str, Faq], path: str, name: str, language: Language, question: str
) -> None:
    """The two business files that come with the product, asked as customers write."""
    assert _expected(BAKERY_SAYS, name, language) in bakeries[path].answer(question, language)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Hola", "es", "¡Hola! Soy el asistente automático de Peluquería Lola"),
        ("¡Buenos días!", "es", "¡Hola!"),
        ("hi", "en", "Hello!"),
        ("Good morning :)", "en", "Hello!"),
        ("muchas gracias", "es", "¡De nada!"),
        ("thank you very much!", "en", "You are welcome!"),
        ("👍", "es", "¿En qué puedo ayudarte?"),
        ("", "en", "How can I help you?"),
    ],
)
def test_greetings_and_thanks_are_answered_kindly(salon: Faq, text: str, language: Language, expected: str) -> None:
    assert salon.answer(text, language).startswith(expected)


def test_two_questions_in_one_batch_get_both_answers(salon: Faq) -> None:
    answer = salon.answer("Hola\n¿a qué hora abren?\n¿y dónde están?", "es")

    assert HOURS in answer
    assert ADDRESS in answer


def test_two_questions_in_one_sentence_get_both_answers_or_none(salon: Faq) -> None:
    answer = salon.answer("¿dónde estáis y a qué hora abrís?", "es")

    assert HOURS in answer
    assert ADDRESS in answer
    assert salon.answer("¿dónde estáis y vendéis coches?", "es").startswith("Lo siento")


def test_a_question_that_is_left_over_is_named(salon: Faq) -> None:
    answer = salon.answer("¿Dónde estáis? ¿Vendéis coches?", "es")

    assert ADDRESS in answer
    assert answer.endswith("Lo demás no lo sé. Puedes preguntarlo aquí: +34 600 000 000")


@pytest.mark.parametrize("serious", ["No, quiero anularlo", "¿Lleva gluten?", "el último salió mal"])
def test_beside_something_serious_nothing_cheerful_is_said(salon: Faq, serious: str) -> None:
    """A price beside a complaint or an allergy is worse than no answer."""
    assert salon.answer(f"Quiero un tinte.\n{serious}", "es").startswith("Lo siento, eso no lo sé.")


def test_services_that_fit_equally_are_all_named(salon: Faq) -> None:
    answer = salon.answer("¿cuánto cuesta un corte?", "es")

    assert "15 €" in answer
    assert "8 €" in answer
    assert "40 €" not in answer


def test_a_question_in_the_persons_language_is_preferred(salon: Faq) -> None:
    assert salon.answer("wifi?", "es") == "Sí, gratis."
    assert salon.answer("wifi?", "en") == "Yes, free of charge."


def test_a_question_asked_word_for_word_wins_over_everything() -> None:
    """An owner who writes a question down has thought about it more than the ready entries have."""
    own = Question(question="¿A qué hora abren?", answer="A las nueve en punto.")
    backend = Faq(SALON.model_copy(update={"faq": (own, Question(question="¿Quiénes son?", answer="Lola y Ana."))}))

    assert backend.answer("a que hora abren", "es") == "A las nueve en punto."
    assert backend.answer("quienes son", "es") == "Lola y Ana."
    backend.close()


def test_without_a_business_file_it_says_that_it_has_no_information() -> None:
    backend = Faq(Business())

    assert "Todavía no tengo información" in backend.answer("¿A qué hora abren?", "es")
    assert "no information about this business yet" in backend.answer("What are your opening hours?", "en")
    with pytest.raises(Rejected, match="set BUSINESS_FILE"):
        backend.check()
    backend.close()


def test_a_long_story_is_not_taken_for_a_question(salon: Faq) -> None:
    assert salon.answer("¿Horario? " * 500, "es").startswith("Lo siento, eso no lo sé.")


def test_without_a_contact_none_is_offered() -> None:
    backend = Faq(Business(hours="9-17"))

    assert backend.answer("¿Venden coches?", "es") == "Lo siento, eso no lo sé."
    backend.close()


def test_what_a_person_writes_is_never_part_of_a_query(salon: Faq) -> None:
    """Marks that mean something to a search engine or to SQL mean nothing here."""
    for text in (
        '"',
        "abren*",
        'hora" OR "',
        "NEAR(a b)",
        "'; DROP TABLE entry; --",
        "core:tinte",
        "\x00",
        "^ - + ( )",
    ):
        salon.answer(text, "es")

    assert HOURS in salon.answer("horario", "es")


def test_it_streams_word_by_word_the_whole_answer(salon: Faq) -> None:
    stream = salon.stream(Prompt((Turn("user", "¿horario?"),), language="es"))
    pieces = list(stream)

    assert len(pieces) > 5
    assert "".join(pieces) == salon.answer("¿horario?", "es")


def test_a_note_is_not_read_as_a_question(salon: Faq) -> None:
    """Today's date stands before the person's words; only the words count."""
    turn = Turn("user", "Hola", note="¿Cuánto cuesta un tinte?")

    assert "".join(salon.stream(Prompt((turn,)))).startswith("¡Hola!")


def test_many_threads_may_ask_at_once(salon: Faq) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda pair: salon.answer(pair[0], pair[1]), [("horario", "es"), ("tinte", "es")] * 40))

    assert all(HOURS in answer for answer in answers[::2])
    assert all("40 €" in answer for answer in answers[1::2])


def test_check_counts_what_can_be_answered(salon: Faq) -> None:
    assert "17 kinds" in salon.check()


@pytest.mark.parametrize(
    "family",
    [
        ("abren", "abrir", "abre", "abris"),
        ("reserva", "reservar", "reservais", "reservation"),
        ("open", "opens", "opening"),
        ("close", "closes", "closing", "closed"),
        ("tarjeta", "tarjetas"),
    ],
)
def test_endings_do_not_make_another_word(family: tuple[str, ...]) -> None:
    assert len({stem(word) for word in family}) == 1
