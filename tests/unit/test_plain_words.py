"""Orders in plain words: what is one, and above all what is none."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.message import Message
from bot.plain_words import asking_for_person, order_in
from bot.stores.entries import kind

OPT_OUT = ("STOP", "stop", "Stop.", " stop ", "¡STOP!", "*STOP*", "«Stop»", '"stop"', "STOP!!!", "Stop\n", "BAJA",
           "baja", "¡Baja!", "Baja.", "bája", "UNSUBSCRIBE", "Stop all", "stopall", "opt out", "opt-out", "Opt-Out.",
           "\uff33\uff34\uff2f\uff30", "st\u200bop")  # fmt: skip
OPT_IN = ("ALTA", "alta", "Alta.", "¡alta!", "UNSTOP", "opt in", "Opt-in")
FOR_A_PERSON = (
    "quiero hablar con una persona", "Quiero hablar con una persona.", "QUIERO HABLAR CON UNA PERSONA!!!",
    "¿Puedo hablar con una persona?", "puedo hablar con alguien", "Hola, quisiera hablar con un agente, por favor",
    "hablar con un humano", "Hablar con una persona real", "necesito hablar con un asesor",
    "prefiero hablar con alguien", "me gustaría hablar con el encargado", "¿Se puede hablar con el dueño?",
    "quiero hablar con la dueña", "agente por favor", "Agente", "un agente", "humano", "Humano, por favor",
    "un humano por favor", "persona real", "operador", "una asesora", "quiero un humano", "necesito un agente",
    "pásame con una persona", "¿me pasas con alguien?", "me puedes poner con un agente",
    "¿Puedes pasarme con una persona?", "póngame con el responsable", "comuníqueme con un operador",
    "quiero que me atienda una persona", "que me atienda un humano", "¿me puede atender una persona?",
    "contactar con un agente", "quiero chatear con una persona de verdad", "hay alguien con quien pueda hablar",
    "mejor hablar con alguien", "Quiero hablar con una persona sobre mi pedido",
    "quiero hablar con alguien del equipo", "¿Cómo puedo hablar con una persona?",
    "Quiero hablar con una persona de atención al cliente", "queremos hablar con alguien de la tienda",
    "quiero hablar con una persona ya", "can I talk to a human?", "Can I speak to a person please?",
    "I want to talk to a real person", "I'd like to speak with someone", "i\u2019d like to speak to an agent",
    "talk to a human", "Speak to a representative", "human", "Human please", "agent", "AGENT!!", "live agent",
    "real person", "a real person please", "operator", "connect me to an agent", "Can you transfer me to a human",
    "please connect me with a person", "let me talk to a person", "I need a human", "get me a human",
    "is there someone I can talk to?", "Is there a person I can speak with", "how can I talk to someone?",
    "can I speak to the manager", "hi, I need to speak to someone from your team",
    "I want to speak to a person about my order", "could you put me through to a human please",
    "No me entiendes, quiero hablar con una persona real", "esto es inútil, pásame con un humano",
    "No entiendes nada. Quiero hablar con alguien", "estoy harto, quiero hablar con una persona",
    "You don't understand me. I want to talk to a person", "this isn't helping, can I speak to someone?",
    "You're useless!! Let me talk to a human",
)  # fmt: skip
NO_ORDERS = (
    "", " ", "?", "¿?", "...", "🙂", "hola", "hello", "gracias", "no", "sí", "ok", "1", "24",
    # stop and baja are words like others
    "stop by tomorrow?", "Can I stop by tomorrow?", "stop?", "¿stop?", "don't stop", "non stop", "nonstop",
    "full stop", "bus stop", "stop it", "please stop", "stop the delivery", "I want to stop my subscription",
    "stop stop", "stops", "stopped", "STOP 2", "2 stop", "the next stop", "STOP & go", "pit stop",
    "stop, look, listen", "stop/start", "baja el volumen", "¿baja?", "la planta baja", "planta baja", "estoy de baja",
    "baja médica", "¿me das de baja?", "quiero darme de baja", "quiero darme de baja del gimnasio",
    "dar de baja la luz", "temporada baja", "¿baja el precio?", "baja 2", "bajas", "bajar", "baja california",
    "presión baja", "alta costura", "temporada alta", "¿alta?", "dar de alta a un empleado", "quiero darme de alta",
    "alta mar", "voz alta", "altas", "opt", "out", "start", "unsubscribe me from the newsletter of your competitor",
    "/stop", "/baja", "/alta", "/start",
    # people are counted, described and talked about
    "¿cuántas personas caben?", "una persona", "Una persona, por favor", "1 persona", "somos dos personas", "persona",
    "mesa para una persona", "¿cuánto cuesta por persona?", "para una persona", "una persona real?", "alguien",
    "¿eres una persona?", "¿eres humano?", "¿humano?", "¿Eres una persona real o un robot?",
    "¿hablo con una persona?", "¿estoy hablando con un humano?", "no quiero hablar con una persona",
    "no hablar con un agente", "ayer hablé con una persona", "hablé con un agente", "voy con una persona",
    "quiero hablar con mi madre", "quiero hablar de una persona", "¿puedo ir con una persona?",
    "¿puedo llevar a una persona?", "recursos humanos", "derechos humanos", "el cuerpo humano", "agente inmobiliario",
    "un agente inmobiliario", "agente de seguros", "necesito un agente inmobiliario", "soy agente",
    "soy el encargado", "operador de cámara", "asesor fiscal", "quiero hablar con el agente Smith de Matrix",
    "¿tenéis asesor?", "¿qué hace un asesor?", "¿hay alguien?", "¿hay alguien ahí?", "alguien me dijo que cerráis",
    "dile a una persona que venga", "mi jefe quiere hablar", "¿con quién hablo?", "quiero hablar", "hablar",
    "quiero hablar contigo", "¿puedo hablar contigo?", "pásame el precio", "pásame la carta", "ponme dos cafés",
    "ponme con leche", "me pasas el menú", "me pone una caña", "quiero una persona", "necesito una persona",
    "busco una persona para cuidar a mi madre", "necesito alguien que me arregle el baño",
    "quiero contratar a una persona", "contactar", "¿cómo contactar?", "quiero que me atienda bien",
    "que me atiendan rápido", "me gustaría hablar con alguien que sepa de tartas sin gluten", "persona física",
    "¿persona física o jurídica?", "responsable", "el responsable", "gerente", "jefe", "dueño", "person", "a person",
    "one person", "per person", "table for one person", "how many people?", "people", "someone", "are you a human?",
    "human?", "are you a real person?", "is this a real person?", "am I talking to a human?",
    "I don't want to talk to a human", "do not connect me to an agent", "I talked to a person yesterday",
    "I spoke to an agent", "human resources", "human rights", "the human body", "real estate agent", "travel agent",
    "agent of change", "I am an agent", "talk to you later", "talk to me", "can I talk to you?", "I want to talk",
    "talk", "speak", "speak to my wife", "can someone help me find my order", "someone called me",
    "somebody stole my bike", "I need someone to fix my sink", "I need a person to clean my house",
    "do you have a manager?", "who is the owner?", "manager", "owner", "the owner", "staff",
    "a member of staff was rude", "sales representative position", "customer representative salary",
    "operator manual", "smooth operator", "connect me", "connect me to the wifi", "transfer me the money",
    "put me down for two people", "get me a table",
    "no me entiendes", "esto es inútil", "eres un robot", "no entiendo el agente de seguros", "you're a bot",
    "no me ayuda mi jefe", "no quiero hablar con una persona, esto me sirve",
    "get me a person's size", "is there someone there",
    (
        "quiero hablar con una persona y también saber el horario, los precios de las tartas, si hacéis "
        "envíos a domicilio, cuánto tardan, si se puede pagar con tarjeta, qué alérgenos tienen, y si tenéis "
        "algo sin gluten para el sábado que viene por la tarde"
    ),
)  # fmt: skip


@pytest.mark.parametrize("text", OPT_OUT)
def test_stop_and_baja_as_the_whole_message_opt_out(text: str) -> None:
    assert order_in(text) == "baja"
    assert asking_for_person(text) == ""


@pytest.mark.parametrize("text", OPT_IN)
def test_alta_as_the_whole_message_opts_in(text: str) -> None:
    assert order_in(text) == "alta"


@pytest.mark.parametrize("text", FOR_A_PERSON)
def test_a_request_for_a_person_is_understood(text: str) -> None:
    assert (order_in(text), asking_for_person(text)) == ("humano", "humano")


@pytest.mark.parametrize("text", NO_ORDERS)
def test_everything_else_is_for_the_model(text: str) -> None:
    """A false alarm would end the conversation with somebody who only asked something."""
    assert order_in(text) == ""


@pytest.mark.parametrize("text", ["quiero hablar con una persona", "humano"])
def test_an_order_in_plain_words_is_a_batch_of_its_own(text: str) -> None:
    """As a command is: nothing that is said beside it is lost in it."""
    ordered = Message("1", "whatsapp:1:2", text, order=order_in(text))

    assert ordered.command == "humano"
    assert kind(ordered) == "c"


WORDS = sorted({word for text in (*FOR_A_PERSON, *NO_ORDERS) for word in text.split()})


@given(st.lists(st.sampled_from(WORDS), max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_order_is_given_in_a_long_message(words: list[str]) -> None:
    text = " ".join(words)

    assert order_in(f"{text} {'mañana ' * 40}") == ""


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_text_is_too_odd(text: str) -> None:
    assert order_in(text) in {"", "baja", "alta", "humano"}


def test_no_text_takes_long_to_be_read() -> None:
    """The receiver reads every message: whatever somebody repeats must not stall it."""
    chance = random.Random(5)
    texts = [" ".join(chance.choices(WORDS, k=60))[:240] for _ in range(100)]
    texts += [
        (word + " ") * (240 // (len(word) + 1)) + "persona" for word in ("por favor", "hola", "ahora mismo", "can i")
    ]
    texts = [text[:240] for text in texts]
    started = time.process_time()
    for text in texts:
        order_in(text)

    assert time.process_time() - started < 5
