"""Photos, voice notes and documents, the whole way: from the person's telephone to the model, with real processes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from bot import texts
from simulator.voices import VoiceServer
from tests.e2e.conftest import Installation
from tests.unit.files import JPEG, OGG, PNG

_chats = count(500)


@pytest.fixture
def chat() -> int:
    return next(_chats)


def answers(one: Installation, chat: int, number: int = 1) -> list[str]:
    """The bot's bubbles in a chat, once there are so many and nothing is left to do."""
    there = one.telegram.wait_until(lambda: len(one.telegram.answers(chat)) >= number and not one.due(), 20)
    assert there, one.processes.log_tails(30)
    return [bubble.text for bubble in one.telegram.answers(chat)]


def shown(one: Installation) -> list[bytes]:
    return one.model.requests[-1].images


def test_a_photo_reaches_the_model_and_is_answered(seeing: Installation, chat: int) -> None:
    """In its largest size, with its caption."""
    seeing.telegram.send_file(chat, "photo", JPEG, caption="¿qué es esto?")

    assert answers(seeing, chat) == ["re: [foto]\n¿qué es esto?"]
    assert shown(seeing) == [JPEG]
    assert "getFile" in [call.method for call in seeing.telegram.calls]


def test_an_album_is_answered_once(seeing: Installation, chat: int) -> None:
    for picture in (JPEG, PNG):
        seeing.telegram.send_file(chat, "photo", picture, album="a1", caption="mira" if picture is JPEG else "")

    assert answers(seeing, chat) == ["re: [foto]\nmira\n[foto]"]
    assert shown(seeing) == [JPEG, PNG]


def test_a_voice_note_is_answered_as_if_it_were_written(seeing: Installation, voices: VoiceServer, chat: int) -> None:
    seeing.telegram.send_file(chat, "voice", OGG)

    assert answers(seeing, chat) == ["re: [nota de voz] ¿abrís los domingos?"]
    assert (voices.notes[-1].sound, voices.notes[-1].mime) == (OGG, "audio/ogg")


def test_a_text_document_is_read(seeing: Installation, chat: int) -> None:
    seeing.telegram.send_file(
        chat, "document", b"corte;15", mime="text/csv", name="precios.csv", caption="\u00bfcu\u00e1nto?"
    )

    (said,) = answers(seeing, chat)
    assert "precios.csv" in said
    assert "corte;15" in said
    assert said.endswith("¿cuánto?")


def test_a_file_that_telegram_does_not_give_is_said_so(seeing: Installation, chat: int) -> None:
    """Telegram gives bots no more than 20 MB; nobody even asks for it."""
    seeing.telegram.calls.clear()
    seeing.telegram.send_file(chat, "document", b"x", mime="text/plain", name="x.txt", size=30 << 20, language="en")

    assert answers(seeing, chat) == [texts.TOO_LARGE.to("en", megabytes=20)]
    assert "getFile" not in [call.method for call in seeing.telegram.calls]


def test_a_download_that_fails_for_now_is_tried_again(seeing: Installation, chat: int) -> None:
    """Nothing is lost, and nothing is said twice."""
    seeing.telegram.fail_next("file", 502)
    seeing.telegram.send_file(chat, "photo", PNG, caption="¿y esto?")

    assert answers(seeing, chat) == ["re: [foto]\n¿y esto?"]


def test_neither_token_nor_content_stands_in_a_log(seeing: Installation, chat: int) -> None:
    """The address of a file holds the token, and what is in it is the person's."""
    seeing.telegram.fail_next("file", 502)
    seeing.telegram.send_file(chat, "document", b"clave 4711", mime="text/plain", name="claves.txt")
    answers(seeing, chat)

    logs = "".join(seeing.processes.log(name).read_text() for name in ("receiver", "worker"))
    for word in (seeing.telegram.token, "clave", "4711", "domingos"):
        assert word not in logs


def test_a_model_that_does_not_see_is_answered_for(install: Callable[..., Installation]) -> None:
    """Kindly, in the person's language, and a worker that dies at it says it once."""
    one = install()
    one.start("receiver", "worker")
    one.telegram.send_file(1, "photo", JPEG)
    one.telegram.send_file(2, "voice", OGG, language="en")

    assert answers(one, 1) == [texts.NO_PHOTOS.to("es")]
    assert answers(one, 2) == [texts.NO_VOICE.to("en")]
    assert one.model.requests == []


def test_a_worker_killed_while_it_fetches_answers_once(install: Callable[..., Installation]) -> None:
    """kill -9 in the middle of a download: the next one fetches again."""
    one = install()
    one.model.host.sees = True
    one.start("receiver", "worker")
    one.telegram.slow_next("file", 5)
    one.telegram.send_file(1, "photo", JPEG, caption="hola")
    assert one.telegram.wait_until(lambda: any(call.method.lower() == "getfile" for call in one.telegram.calls), 20)
    one.kill("worker")
    one.start("second worker")

    assert answers(one, 1) == ["re: [foto]\nhola"]
    assert [request.images for request in one.model.requests] == [[JPEG]]
