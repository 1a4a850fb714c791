"""The faq backend: the right entry, or an honest "I do not know"."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.business import Business, Question, Service
from bot.message import Turn
from bot.settings import load_settings
from bot.texts import Language
from workers.backends import Prompt
from workers.backends._words import stem
from workers.backends.faq import Faq

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
HOURS, ADDRESS, CONTACT, PARKING, CARD = "lunes a viernes", "Calle Mayor", "600 000", "detrás", "aceptamos tarjeta"

KNOWN = [
    ("¿A qué hora abren?", "es", HOURS),
    ("a que hora abren", "es", HOURS),
    ("A QUÉ HORA CIERRAN HOY???", "es", HOURS),
    ("horario", "es", HOURS),
    ("cual es su horaio", "es", HOURS),
    ("abren los domingos?", "es", HOURS),
    ("Hola, buenas tardes, quería saber si abren el sábado", "es", HOURS),
    ("opening hours?", "en", HOURS),
    ("what time do you close on saturday", "en", HOURS),
    ("When do you open?", "en", HOURS),
    ("¿dónde están?", "es", ADDRESS),
    ("cual es la direcion", "es", ADDRESS),
    ("where are you located?", "en", ADDRESS),
    ("what's your address", "en", ADDRESS),
    ("teléfono?", "es", CONTACT),
    ("quiero hablar con una persona", "es", CONTACT),
    ("can I talk to a human", "en", CONTACT),
    ("¿Cuánto cuesta el corte de pelo?", "es", "15 €"),
    ("cuanto cuesta un tinte", "es", "40 €"),
    ("precio manicura", "es", "12 €"),
    ("how much is the manicura", "en", "12 €"),
    ("hacen tintes?", "es", "40 €"),
    ("qué servicios ofrecen", "es", "Manicura"),
    ("lista de precios", "es", "Manicura"),
    ("what services do you offer?", "en", "Manicura"),
    ("¿tienen estacionamiento?", "es", PARKING),
    ("tienen estacionamento", "es", PARKING),
    ("do you have parking", "en", "behind the shop"),
    ("is there parking?", "en", "behind the shop"),
    ("se puede pagar con tarjeta", "es", CARD),
    ("aceptan tarjetas?", "es", CARD),
    ("puedo pagar con bizum", "es", CARD),
    ("do you have wifi", "en", "free of charge"),
    ("hace falta cita previa", "es", "reservar"),
    ("aceptan mascotas", "es", "perros"),
    ("I want to cancel my appointment", "en", "a day before"),
    ("¿a qué se dedican?", "es", "barrio"),
]
UNKNOWN = [
    ("¿Venden coches usados?", "es"),
    ("¿Quién ganó el mundial de fútbol?", "es"),
    ("cuánto cuesta un vuelo a Marte", "es"),
    ("¿tienen terraza?", "es"),
    ("¿a qué hora es el concierto?", "es"),
    ("¿cuánto dura un tinte?", "es"),
    ("puedo pagar con bitcoin", "es"),
    ("¿cuándo llega mi pedido?", "es"),
    ("qué hora es en Tokio", "es"),
    ("¿qué hora es?", "es"),
    ("se fue la luz en mi casa", "es"),
    ("quiero devolver un producto roto", "es"),
    ("¿dónde nació Cervantes?", "es"),
    ("do you sell cars?", "en"),
    ("who won the world cup", "en"),
    ("what is the capital of France?", "en"),
    ("how much is a flight to Mars", "en"),
    ("do you have a swimming pool", "en"),
    ("open a bank account", "en"),
    ("where was Shakespeare born?", "en"),
    ("can you write my homework", "en"),
    ("call me a taxi", "en"),
]


@pytest.fixture
def salon() -> Iterator[Faq]:
    backend = Faq.from_settings(load_settings(), SALON)
    yield backend
    backend.close()


@pytest.mark.parametrize(("question", "language", "expected"), KNOWN)
def test_a_known_question_gets_its_answer(salon: Faq, question: str, language: Language, expected: str) -> None:
    """Accents, capitals, marks, word endings and small misspellings do not matter."""
    assert expected in salon.answer(question, language)


@pytest.mark.parametrize(("question", "language"), UNKNOWN)
def test_an_unknown_question_is_never_answered_with_something_else(
    salon: Faq, question: str, language: Language
) -> None:
    """It says so, and says who can be asked."""
    answer = salon.answer(question, language)

    assert answer.startswith({"es": "Lo siento, eso no lo sé.", "en": "Sorry, I do not know that."}[language])
    assert SALON.contact in answer


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
    assert "BUSINESS_FILE" in backend.check()
    backend.close()


def test_without_a_contact_none_is_offered() -> None:
    backend = Faq(Business(hours="9-17"))

    assert backend.answer("¿Venden coches?", "es") == "Lo siento, eso no lo sé."
    backend.close()


def test_what_a_person_writes_is_never_part_of_a_query(salon: Faq) -> None:
    """Marks that mean something to FTS5 or to SQL mean nothing here."""
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
        ("abren", "abrir", "abre", "abrimos"),
        ("reserva", "reservar", "reservas", "reservation"),
        ("open", "opens", "opening"),
        ("close", "closes", "closing", "closed"),
        ("tarjeta", "tarjetas"),
    ],
)
def test_endings_do_not_make_another_word(family: tuple[str, ...]) -> None:
    assert len({stem(word) for word in family}) == 1
