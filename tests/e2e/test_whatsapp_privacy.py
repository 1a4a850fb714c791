"""What is kept of a person on WhatsApp, handed over and erased: on their own order and on the operator's."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import count

import pytest

from bot.stores import erase
from bot.stores.person import Person, find
from simulator.calls import Call
from simulator.processes import wait_until
from tests.e2e.conftest import Installation
from tests.unit.everything import everything

SECONDS = 20.0
_people = count(34_611_002_000)  # nobody of `simulator.people`, who may have talked to the shared installation


@pytest.fixture
def person(running: Installation) -> str:
    """Somebody with a phone number and a user id, whose words have been answered; their name holds the number too."""
    phone = str(next(_people))
    running.whatsapp.contacts.meet(phone, f"ES.{phone}9", name=f"Fulana{phone}")
    running.whatsapp.say(phone, f"soy Canario{phone}", name=f"Fulana{phone}")
    said(running, phone, 1)
    return phone


def said(one: Installation, person: str, number: int) -> list[Call]:
    """The calls that showed the bot's bubbles in a chat, once there are so many and nothing is left to do."""
    there = one.whatsapp.wait_until(lambda: len(one.whatsapp.answers(person)) >= number and not one.due(), SECONDS)
    assert there, one.processes.log_tails(30)
    return [call for call in one.whatsapp.calls if call.method == "messages" and call.chat_id == person]


def run(one: Installation, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *command], env=one.processes.environment, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def is_unknown(one: Installation, *names: str) -> bool:
    """Whether nothing of the person is left under any name, once the worker has erased what an order leaves to it."""
    return not one.redis.exists(erase.ERASING, erase.BUSY) and not any(
        find(one.store, Person.parse(name)) for name in names
    )


def words_left(one: Installation, person: str) -> list[str]:
    """The keys that hold the person's words or name, whatever they are."""
    words = (f"Canario{person}", f"Fulana{person}")
    return [key for key, value in everything(one.store).items() if any(word in str(value) for word in words)]


def test_privacy_tells_what_is_kept(running: Installation, person: str) -> None:
    running.whatsapp.say(person, "/privacy")

    text = said(running, person, 2)[-1].params["text"]["body"]
    assert "/privacy export" in text
    assert "/privacy erase" in text


def test_what_is_kept_comes_as_a_document(running: Installation, person: str) -> None:
    """Uploaded, and then sent by its id with a line above it, as one message."""
    running.whatsapp.say(person, "/privacy export")

    sent = said(running, person, 2)[-1].params
    assert sent["type"] == "document"
    assert sent["document"]["filename"] == "recado.json"
    assert sent["document"]["caption"] == "Aquí está todo lo que guardo de ti."
    kept = json.loads(running.whatsapp.files.kept[sent["document"]["id"]].content)
    assert kept["conversations"][0]["history"][0]["text"] == f"soy Canario{person}"
    assert f"Fulana{person}" in json.dumps(kept)


def test_whoever_wants_everything_erased_is_asked_first_and_then_unknown(running: Installation, person: str) -> None:
    running.whatsapp.say(person, "/privacy erase")
    assert "¿Lo borro todo?" in said(running, person, 2)[-1].params["text"]["body"]
    assert not is_unknown(running, f"whatsapp:{person}")

    running.whatsapp.say(person, "/privacy erase yes")
    assert "he borrado todo" in said(running, person, 3)[-1].params["text"]["body"]
    assert wait_until(lambda: is_unknown(running, f"whatsapp:{person}", f"whatsapp:ES.{person}9"), SECONDS)
    assert words_left(running, person) == []


def test_after_an_erasure_a_person_is_new(running: Installation, person: str) -> None:
    """Answered once more, without a word of what was."""
    running.whatsapp.say(person, "/privacy erase yes")
    said(running, person, 2)
    assert wait_until(lambda: is_unknown(running, f"whatsapp:{person}"), SECONDS)
    running.whatsapp.say(person, "hola otra vez")

    assert said(running, person, 3)[-1].params["text"]["body"] == "re: hola otra vez"
    assert running.model.requests[-1].said == (("user", "hola otra vez"),)


def test_the_operator_exports_a_person_by_phone_number_or_user_id(running: Installation, person: str) -> None:
    for name in (f"+{person}", f"whatsapp:ES.{person}9"):
        done = run(running, "export", name)
        assert done.returncode == 0, done.stderr
        assert f"soy Canario{person}" in done.stdout, name
        json.loads(done.stdout)


def test_the_operator_erases_a_person_by_any_of_their_names(running: Installation, person: str) -> None:
    assert len(words_left(running, person)) >= 2
    done = run(running, "erase", f"whatsapp:ES.{person}9", "--yes")

    assert done.returncode == 0, done.stderr
    assert is_unknown(running, f"whatsapp:{person}", f"whatsapp:ES.{person}9")
    assert words_left(running, person) == []
    exported = run(running, "export", person)
    assert exported.returncode == 1, exported.stdout
