"""Stories of a customer and an owner, told from where they sit, with real processes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Installation, installation
from tests.e2e.stories import SETTINGS, Someone, owner_of
from tests.e2e.test_commands import run

_chats = itertools.count(34600700000, 7)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("shop")
    business = folder / "business.toml"
    business.write_text('name = "La Espiga"\ncontact = "hola@laespiga.example"\n')
    one = installation(folder / "installation", BUSINESS_FILE=str(business), **SETTINGS)
    try:
        one.start("receiver", "worker")
        yield one
    finally:
        one.close()


@pytest.fixture
def owner(shop: Installation) -> Someone:
    return owner_of(shop)


@pytest.fixture
def ana(shop: Installation) -> Someone:
    return Someone(shop, next(_chats))


def test_somebody_wants_a_person_and_gets_one(ana: Someone, owner: Someone) -> None:
    """On WhatsApp, in her own words; the owner answers from Telegram, and the assistant keeps out of it."""
    ana.writes("¿Tenéis pan de centeno?")
    assert ana.reads() == "re: ¿Tenéis pan de centeno?"

    ana.writes("Quiero hablar con una persona")
    assert "una persona del negocio" in ana.reads()
    notice = owner.sees()
    assert notice.text.startswith("Ref. ")
    for words in ("Ana", f"WhatsApp +{ana.chat}", "¿Tenéis pan de centeno?", "Quiere hablar con una persona"):
        assert words in notice.text

    ana.writes("Es para mañana")
    second = owner.sees()
    assert "Es para mañana" in second.text
    ana.reads_nothing()

    owner.writes("Hola, soy Eva: te lo guardo, *gratis*", answering=second)
    assert ana.reads() == "Hola, soy Eva: te lo guardo, *gratis*"
    owner.reads_nothing()

    ana.writes("¡Gracias!")
    assert "¡Gracias!" in owner.reads()
    owner.writes("/seguir", answering=notice)
    assert owner.reads() == "Hecho: a Ana le vuelve a responder el asistente."

    ana.writes("¿Y abrís el lunes?")
    assert ana.reads().endswith("¿Y abrís el lunes?")
    asked = str(ana.one.model.requests[-1])
    assert "te lo guardo, *gratis*" in asked


def test_the_owner_answers_from_the_telephone(ana: Someone, owner: Someone) -> None:
    """In the Business app itself: the assistant is silent there, knows what was said, and comes back when asked to."""
    ana.writes("Hola")
    assert ana.reads() == "re: Hola"
    ana.one.whatsapp.echo(str(ana.chat), "Hola Ana, te hemos reservado mesa")
    ana.writes("¡Qué bien!")
    ana.reads_nothing()
    owner.reads_nothing()

    ana.writes("/seguir")
    assert "vuelve a responderte" in ana.reads()
    ana.writes("¿Para cuándo era?")
    assert ana.reads().endswith("¿Para cuándo era?")
    assert "te hemos reservado mesa" in str(ana.one.model.requests[-1])


def test_it_is_the_same_on_telegram(shop: Installation, owner: Someone) -> None:
    bea = Someone(shop, next(_chats) % 10**9, on_whatsapp=False, name="Bea")
    bea.writes("/humano")
    assert "una persona del negocio" in bea.reads()
    notice = owner.sees()
    assert "Bea · Telegram" in notice.text

    owner.writes("Dime, Bea", answering=notice)
    assert bea.reads() == "Dime, Bea"
    bea.writes("/seguir")
    bea.reads()
    assert "Prefiere seguir con el asistente" in owner.reads()
    bea.writes("¿Abrís hoy?")
    assert bea.reads() == "re: ¿Abrís hoy?"


def test_a_turn_that_fails_is_a_persons(ana: Someone, owner: Someone) -> None:
    """The model refuses: Ana is told that somebody will answer, and the owner what she wanted."""
    ana.one.model.fail_next(400)
    ana.writes("¿Me hacéis una tarta?")
    words = ana.reads()
    assert words.startswith("Perdón")
    assert "He avisado a una persona" in words
    notice = owner.sees()
    assert "¿Me hacéis una tarta?" in notice.text
    owner.writes("Claro que sí", answering=notice)
    assert ana.reads() == "Claro que sí"


def test_somebody_wants_no_more_messages(ana: Someone, owner: Someone) -> None:
    """BAJA: a goodbye, one line on how to return, silence; not even the owner writes to her. ALTA: she is back."""
    ana.writes("/humano")
    ana.reads()
    notice = owner.sees()
    asked = len(ana.one.model.requests)
    ana.writes("BAJA")
    assert "/alta" in ana.reads()
    ana.writes("¿Hola?")
    assert ana.reads() == "No te respondo porque me lo pediste. Para volver, escribe /alta."
    ana.writes("¿Hola??")
    ana.reads_nothing()
    owner.reads_nothing()

    owner.writes("¿Sigues ahí?", answering=notice)
    assert "ha pedido que no se le escriba" in owner.reads()
    ana.reads_nothing()
    assert len(ana.one.model.requests) == asked

    ana.writes("Alta")
    assert "otra vez" in ana.reads()
    ana.writes("¿Abrís hoy?")
    assert ana.reads().endswith("¿Abrís hoy?")


def test_an_answer_that_comes_too_late_waits_for_its_customer(ana: Someone, owner: Someone) -> None:
    """More than 24 hours later WhatsApp takes nothing: the owner is told so, and that it came, when it did."""
    ana.writes("/humano")
    ana.reads()
    notice = owner.sees()
    ana.one.whatsapp.close_window(str(ana.chat))
    owner.waiting = ana.waiting = 1
    owner.writes("Ya está tu encargo", answering=notice)
    told = [owner.reads(), owner.reads()]
    assert any(text.startswith("Ref. ") and "Le llegará cuando escriba" in text for text in told)
    ana.reads_nothing()

    owner.waiting = ana.waiting = 0
    ana.writes("¿Está ya?")
    assert ana.reads() == "Ya está tu encargo"
    told = [owner.reads(), owner.reads()]
    assert any("Ya ha recibido tu respuesta" in text for text in told)
    assert any("¿Está ya?" in text for text in told)


def test_an_operator_ends_a_handover_on_the_command_line(ana: Someone, owner: Someone) -> None:
    ana.writes("/humano")
    ana.reads()
    reference = owner.reads().split()[1]
    listed = run(ana.one, "bot", "handover", "list")
    assert listed.returncode == 0, listed.stderr
    assert f"{reference}  whatsapp:" in listed.stdout
    assert "Ana  handed over  since" in listed.stdout

    assert run(ana.one, "bot", "handover", "resume", str(ana.chat)).returncode == 0
    again = run(ana.one, "bot", "handover", "resume", reference)
    assert again.returncode == 1
    assert "handover list" in again.stderr
    ana.writes("¿Abrís hoy?")
    assert ana.reads() == "re: ¿Abrís hoy?"
