"""Photos, voice notes and documents on WhatsApp, the whole way, with real processes; tests/e2e/test_media.py has
Telegram's. A file is asked for by its id and read from the address that Meta names, both with the token."""

from __future__ import annotations

from itertools import count

import pytest
from werkzeug.wrappers import Request, Response

from bot import texts
from simulator.platforms import json_response
from simulator.server import Server
from simulator.voices import VoiceServer
from tests.e2e.conftest import Installation
from tests.unit.files import JPEG, OGG, PNG

_people = count(34_611_000_500)


class Stranger(Server):
    """Somebody else's server, who wants to know the token."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def respond(self, request: Request) -> Response:
        with self.changed:
            self.asked.append(request.headers.get("Authorization", ""))
        return json_response({})


@pytest.fixture
def person() -> str:
    return str(next(_people))


def answers(one: Installation, person: str, number: int = 1) -> list[str]:
    """The bot's bubbles in a chat, once there are so many and nothing is left to do."""
    there = one.whatsapp.wait_until(lambda: len(one.whatsapp.answers(person)) >= number and not one.due(), 20)
    assert there, one.processes.log_tails(30)
    return [bubble.text for bubble in one.whatsapp.answers(person)]


def calls(one: Installation, method: str) -> int:
    return sum(call.method == method for call in one.whatsapp.calls)


def test_a_photo_reaches_the_model_with_its_caption(seeing: Installation, person: str) -> None:
    seeing.whatsapp.calls.clear()
    seeing.whatsapp.send_file(person, "image", JPEG, caption="¿qué es esto?")

    assert answers(seeing, person) == ["re: [foto]\n¿qué es esto?"]
    assert seeing.model.requests[-1].images == [JPEG]
    assert (calls(seeing, "file"), calls(seeing, "fetch")) == (1, 1)


def test_a_voice_note_is_answered_as_if_it_were_written(seeing: Installation, voices: VoiceServer, person: str) -> None:
    seeing.whatsapp.send_file(person, "voice", OGG)

    assert answers(seeing, person) == ["re: [nota de voz] ¿abrís los domingos?"]
    assert (voices.notes[-1].sound, voices.notes[-1].mime) == (OGG, "audio/ogg")


def test_a_voice_note_on_telegram_has_the_same_transcriber(seeing: Installation, voices: VoiceServer) -> None:
    seeing.telegram.send_file(500, "voice", OGG)

    assert seeing.telegram.wait_until(lambda: bool(seeing.telegram.answers(500)) and not seeing.due(), 20)
    assert seeing.telegram.answers(500)[0].text == "re: [nota de voz] ¿abrís los domingos?"
    assert voices.notes[-1].model == voices.notes[0].model


def test_a_text_document_is_read(seeing: Installation, person: str) -> None:
    seeing.whatsapp.send_file(
        person, "document", b"corte;15", mime="text/csv", name="precios.csv", caption="\u00bfcu\u00e1nto?"
    )

    (said,) = answers(seeing, person)
    assert "precios.csv" in said
    assert "corte;15" in said
    assert said.endswith("¿cuánto?")


def test_other_bytes_than_were_sent_are_not_shown_to_the_model(seeing: Installation, person: str) -> None:
    """The hash is not theirs: they are fetched once more, and then the person is told."""
    seeing.whatsapp.calls.clear()
    asked = len(seeing.model.requests)
    seeing.whatsapp.send_file(person, "image", JPEG, serves=PNG)

    assert answers(seeing, person) == [texts.NOT_FETCHED.to("es")]
    assert len(seeing.model.requests) == asked
    assert calls(seeing, "fetch") == 2


def test_a_file_that_meta_keeps_no_longer_is_said_so(seeing: Installation, person: str) -> None:
    """And nobody waits for what will not come."""
    file = seeing.whatsapp.files.keep(seeing.whatsapp.phone_number_id, JPEG, "image/jpeg")
    seeing.whatsapp.files.expire(file.id)
    sent = {"type": "image", "image": {"id": file.id, "mime_type": file.mime, "sha256": file.sha256}}
    seeing.whatsapp.send(person, sent)

    assert answers(seeing, person) == [texts.NOT_FETCHED.to("es")]


def test_nobody_but_meta_is_asked_for_a_file(
    seeing: Installation, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where a webhook says it is, nor where the answer about it says: the token goes to Meta's hosts only."""
    with Stranger() as stranger:
        file = seeing.whatsapp.files.keep(seeing.whatsapp.phone_number_id, JPEG, "image/jpeg")
        part = {"id": file.id, "mime_type": file.mime, "sha256": file.sha256, "url": f"{stranger.url}/webhook.jpg"}
        monkeypatch.setattr(seeing.whatsapp.files, "host", stranger.url)
        seeing.whatsapp.send(person, {"type": "image", "image": part})

        assert answers(seeing, person) == [texts.NOT_FETCHED.to("es")]
        assert stranger.asked == []


def test_a_download_that_fails_for_now_is_tried_again(seeing: Installation, person: str) -> None:
    """Nothing is lost, and nothing is said twice."""
    seeing.whatsapp.fail_next("fetch", 502)
    seeing.whatsapp.send_file(person, "image", PNG, caption="¿y esto?")

    assert answers(seeing, person) == ["re: [foto]\n¿y esto?"]


def test_neither_token_nor_address_nor_content_stands_in_a_log(seeing: Installation, person: str) -> None:
    seeing.whatsapp.fail_next("fetch", 502)
    seeing.whatsapp.send_file(person, "document", b"clave 4711", mime="text/plain", name="claves.txt")
    answers(seeing, person)

    logs = "".join(seeing.processes.log(name).read_text() for name in ("receiver", "worker"))
    for word in (seeing.whatsapp.token, "/media/", "clave", "4711", "domingos"):
        assert word not in logs
