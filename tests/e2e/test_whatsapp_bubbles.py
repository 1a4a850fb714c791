"""What a person on WhatsApp sees of an answer: one bubble for all of it, read and typing before; real processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from simulator.calls import Call
from simulator.models import echo
from tests.e2e.conftest import Installation

SECONDS = 20.0
_people = count(34_611_001_000)


@pytest.fixture
def person() -> str:
    return str(next(_people))


@pytest.fixture(autouse=True)
def as_before(running: Installation) -> Iterator[None]:
    """The model is everybody's."""
    yield
    running.model.reply, running.model.pace = echo, 0.0


def said(one: Installation, person: str, number: int) -> list[Call]:
    """The calls that showed the bot's bubbles in a chat, once there are so many and nothing is left to do."""
    there = one.whatsapp.wait_until(lambda: len(one.whatsapp.answers(person)) >= number and not one.due(), SECONDS)
    assert there, one.processes.log_tails(30)
    return [call for call in one.whatsapp.calls if call.method == "messages" and call.chat_id == person]


def wamid(body: dict[str, object]) -> str:
    value = body["entry"][0]["changes"][0]["value"]  # type: ignore[index]
    return str(value["messages"][0]["id"])


def test_a_long_answer_that_streams_is_one_bubble_in_whatsapps_marks(running: Installation, person: str) -> None:
    """Nothing of it is shown before it is whole: Meta bills bubbles, and cannot edit them."""
    pieces = [
        "## Nuestras **tartas**\n\n",
        *(f"- Tarta {number}: [foto](https://a.example/{number})\n" for number in range(60)),
    ]
    running.model.reply, running.model.pace = lambda _: pieces, 0.01
    running.whatsapp.say(person, "¿qué tartas hay?")

    (call,) = said(running, person, 1)
    text = call.params["text"]["body"]
    assert text.startswith("*Nuestras tartas*\n\n- Tarta 0: foto (https://a.example/0)\n- Tarta 1:")
    assert text.endswith("- Tarta 59: foto (https://a.example/59)")
    assert call.time > (running.model.requests[-1].ended or 0)


def test_an_answer_beyond_the_limit_comes_in_as_few_bubbles_as_hold_it(running: Installation, person: str) -> None:
    paragraphs = [f"Párrafo {number}: {'palabra ' * 120}".strip() for number in range(9)]
    running.model.reply = lambda _: "\n\n".join(paragraphs)
    running.whatsapp.say(person, "cuéntamelo todo")

    texts = [call.params["text"]["body"] for call in said(running, person, 3)]
    assert len(texts) == 3
    assert "\n\n".join(texts).split("\n\n") == paragraphs


def test_read_and_typing_come_at_once_and_in_one_call(running: Installation, person: str) -> None:
    """For the message that is answered, while the model has not said a word."""
    running.model.delay = 0.4
    message = wamid(running.whatsapp.say(person, "hola"))

    (bubble,) = said(running, person, 1)
    (read,) = [call for call in running.whatsapp.calls if call.method == "read"]
    assert read.params["message_id"] == message
    assert read.params["typing_indicator"] == {"type": "text"}
    assert read.time < (running.model.requests[-1].ended or 0) < bubble.time


def test_what_is_not_answered_is_not_read(running: Installation, person: str) -> None:
    """A reaction, and what somebody says to Meta's own assistant: nobody sees typing for it."""
    message = wamid(running.whatsapp.say(person, "hola"))
    said(running, person, 1)
    running.whatsapp.calls.clear()
    running.whatsapp.react(person, message, "👍")
    running.whatsapp.stand_by(person, "¿y mañana?")

    assert running.whatsapp.wait_until(lambda: not running.whatsapp.delivery.pending and not running.due(), SECONDS)
    assert [call.method for call in running.whatsapp.calls] == []


def test_an_answer_quotes_its_question_where_more_has_been_said_since(running: Installation, person: str) -> None:
    """Two questions are open: the first answer says which one it is about, the second need not."""
    running.model.slow_first(1.5)
    first = wamid(running.whatsapp.say(person, "¿abrís hoy?"))
    assert running.model.wait_until(lambda: running.model.running == 1, SECONDS)
    running.whatsapp.say(person, "¿y mañana?")

    calls = said(running, person, 2)
    assert [call.params["text"]["body"] for call in calls] == ["re: ¿abrís hoy?", "re: ¿y mañana?"]
    assert [call.params.get("context") for call in calls] == [{"message_id": first}, None]


def test_the_first_bubble_to_each_new_person_says_who_answers(
    install: Callable[..., Installation], person: str
) -> None:
    """Below the answer, in the same bubble, which costs nothing more; and only once."""
    one = install(AI_NOTICE="on")
    one.start("receiver", "worker")
    one.whatsapp.say(person, "hola")
    said(one, person, 1)
    one.whatsapp.say(person, "¿y hoy?")

    first, second = (call.params["text"]["body"] for call in said(one, person, 2))
    assert first.startswith("re: hola\n\n")
    assert "asistente automático" in first
    assert second == "re: ¿y hoy?"
