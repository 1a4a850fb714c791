"""Files that nobody can open, that cannot be had now, or that come in masses: who is told what, and who waits."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from bot import texts
from bot.errors import Blocked, Halted, RateLimited, Refused, TooLarge, Unavailable, Undelivered, Unknown
from bot.message import Attachment, Message
from bot.stores.connection import Store
from bot.texts import Language, Text
from tests.unit.files import JPEG, OGG, PNG
from tests.unit.mailboxes import ANA, until
from tests.unit.shelf import PHOTO, VOICE, Gallery, Scribe, asked, document, remembered
from workers import look
from workers.look import FILE_MOST


@pytest.fixture
def gallery(store: Store) -> Gallery:
    return Gallery(store, scribe=Scribe(hello="do you open on Sundays?"), context_tokens=8192)


# -- what cannot be opened -------------------------------------------------------------------------

UNOPENED = [
    (PHOTO, texts.NO_PHOTOS),
    (document("a.jpg", "image/jpeg"), texts.NO_PHOTOS),
    (VOICE, texts.NO_VOICE),
    (Attachment("audio", "a1", "audio/mpeg"), texts.NO_VOICE),
    (document(), texts.NO_FILES),
    (Attachment("sticker", "s1"), texts.NO_TEXT),
    (Attachment("location", ""), texts.NO_TEXT),
]


@pytest.mark.parametrize(("sent", "words"), UNOPENED, ids=lambda value: getattr(value, "kind", ""))
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_what_nobody_can_open_is_answered_kindly_and_not_fetched(
    store: Store, sent: Attachment, words: Text, language: Language
) -> None:
    """A model without eyes that reads no documents, and nobody who listens."""
    gallery = Gallery(store, eyes=False, reads=False)
    gallery.send(sent, language=language)

    assert gallery.told() == [words.to(language)]
    assert gallery.channel.fetched == []
    assert gallery.backend.prompts == []


@pytest.mark.parametrize(
    ("language", "kinds"),
    [
        ("es", "mensajes de texto, fotos, notas de voz y documentos de texto o PDF"),
        ("en", "text messages, photos, voice notes and text or PDF documents"),
    ],
)
def test_who_sends_what_we_never_understand_hears_what_we_do(gallery: Gallery, language: Language, kinds: str) -> None:
    gallery.send(Attachment("sticker", "s1"), language=language)

    assert gallery.told() == [texts.NOT_UNDERSTOOD.to(language, kinds=kinds)]


@pytest.mark.parametrize("sent", [document("a.zip", "application/zip"), document("a.docx", ""), document("a.gif", "")])
def test_a_document_that_nobody_reads_is_answered_kindly(gallery: Gallery, sent: Attachment) -> None:
    gallery.channel.files["d1"] = b"GIF89a" + bytes(30)
    gallery.send(sent)

    (said,) = gallery.told()
    assert said == texts.NO_FILE.to("en", kinds="text messages, photos, voice notes and text or PDF documents")


def test_words_beside_what_cannot_be_opened_are_answered(store: Store) -> None:
    """The model knows that there was something and makes nothing up; the person learns why below the answer."""
    gallery = Gallery(store, eyes=False)
    gallery.send(PHOTO, text="how much is this?", language="en")

    (said,) = gallery.told()
    assert asked(gallery).text == "[photo: you cannot open it, and the person is being told so]\nhow much is this?"
    assert said == f"re: {asked(gallery).text}\n\n{texts.NO_PHOTOS.to('en')}"
    assert remembered(gallery)[1] == f"re: {asked(gallery).text}"


def test_a_channel_that_fetches_nothing_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = Gallery(store)
    monkeypatch.setattr(type(gallery.channel), "fetches", False)
    gallery.send(PHOTO)

    assert gallery.told() == [texts.NO_PHOTOS.to("en")]


def test_what_is_too_large_is_not_even_asked_for(gallery: Gallery) -> None:
    gallery.send(document(size=FILE_MOST + 1))

    assert gallery.told() == [texts.TOO_LARGE.to("en", megabytes=20)]
    assert gallery.channel.fetched == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TooLarge("40 MB"), texts.TOO_LARGE.to("en", megabytes=20)),
        (Refused("gone"), texts.NOT_FETCHED.to("en")),
        (Blocked("closed"), texts.NOT_FETCHED.to("en")),
    ],
)
def test_what_fails_for_good_is_told(gallery: Gallery, error: Exception, words: str) -> None:
    gallery.channel.files["v1"] = error
    gallery.send(VOICE)

    assert gallery.told() == [words]
    assert gallery.rest()


@pytest.mark.parametrize(
    "sent", [document("a.png", "image/png"), document("a.pdf", "application/pdf")], ids=["picture", "PDF"]
)
def test_a_file_that_is_not_what_it_says_is_told(gallery: Gallery, sent: Attachment) -> None:
    gallery.channel.files["d1"] = b"%PDF-1.7 rubbish"
    gallery.send(sent)

    assert "cannot open that file" in gallery.told()[0]
    assert gallery.backend.prompts == []


# -- not now ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [Undelivered("no net"), Unknown("lost"), RateLimited("later", 3.0)])
def test_what_cannot_be_fetched_now_makes_the_turn_wait_and_blames_no_model(store: Store, error: Exception) -> None:
    """Nothing is said, nothing is lost; the model server stays in use, and the photo is fetched anew."""
    gallery = Gallery(store, slow_notice_seconds=1000)
    gallery.served_by("http://a")
    gallery.channel.files["p1"] = error
    gallery.send(PHOTO)
    for _ in range(6):  # more often than a server may fail before it is left alone
        assert gallery.told() == []
        store.client.hdel(f"recado:c:{ANA}:state", "think_at")
        gallery.think_again()
    assert gallery.backend.prompts == []
    gallery.channel.files["p1"] = JPEG
    gallery.think_again()

    assert gallery.channel.spoken == ["re: [photo]"]


def test_who_waits_for_a_transcriber_is_not_forgotten(store: Store) -> None:
    scribe = Scribe(hello=Unavailable("busy"))
    gallery = Gallery(store, scribe=scribe, slow_notice_seconds=1000)
    gallery.channel.files["v1"] = b"OggShello"
    gallery.send(VOICE)
    assert gallery.told() == []
    scribe.heard[b"hello"] = "good morning"
    gallery.think_again()

    assert gallery.channel.spoken == ["re: [voice note] good morning"]


@pytest.mark.parametrize(("minutes", "told"), [(1, []), (60, [texts.NOT_FETCHED.to("en")])])
def test_a_note_that_breaks_its_listener_each_time_does_not_stop_its_conversation_for_ever(
    store: Store, minutes: int, told: list[str]
) -> None:
    """At first it is thought to be the listener's trouble, and is waited for."""
    gallery = Gallery(store, scribe=Scribe(hello=Unavailable("HTTP 500")), slow_notice_seconds=100_000)
    gallery.channel.files["v1"] = b"OggShello"
    sent_at = time.time() - 60 * minutes
    gallery.mailbox.accept([Message("1", ANA, "", sent_at=sent_at, attachments=(VOICE,))])

    assert gallery.told() == told


def test_a_file_is_waited_for_as_long_as_its_account_is_on_hold(gallery: Gallery) -> None:
    """Nothing could be said meanwhile, either: a dead token costs nobody their voice note."""
    gallery.channel.files["v1"] = Halted("190: the token has expired")
    gallery.mailbox.accept([Message("1", ANA, "", sent_at=time.time() - 7200, attachments=(VOICE,))])
    assert gallery.told() == []
    gallery.channel.files["v1"] = b"OggShello"
    gallery.think_again()

    assert gallery.channel.spoken[-1] == "re: [voice note] do you open on Sundays?"


def test_while_nobody_knows_whether_the_model_sees_the_turn_waits(store: Store) -> None:
    """Who sends a photo while the server is away is not told that photos cannot be seen."""
    gallery = Gallery(store, eyes=Unavailable("away"), slow_notice_seconds=1000)
    gallery.channel.files["p1"] = JPEG
    gallery.send(PHOTO)
    assert gallery.told() == []
    gallery.backend.eyes = True
    gallery.think_again()

    assert gallery.channel.spoken == ["re: [photo]"]


def test_a_worker_that_dies_while_it_fetches_loses_nothing(gallery: Gallery) -> None:
    gallery.channel.files["p1"] = JPEG
    gallery.send(PHOTO)
    gallery.channel.open.clear()
    thread = threading.Thread(target=gallery.answerer.answer, args=(ANA,), daemon=True)
    thread.start()
    until(lambda: gallery.channel.fetched)
    dead = gallery.answerer
    gallery.crash()
    for held in dead.held:
        held.lose()
    thread.join(5)
    gallery.channel.open.set()

    assert not thread.is_alive()
    assert gallery.told() == ["re: [photo]"]
    assert len(gallery.backend.prompts) == 1


def test_a_stop_ends_a_download_at_once(gallery: Gallery) -> None:
    """Nobody waits for a file that is not wanted any more, and no model is asked about it."""
    gallery.channel.files["p1"] = JPEG
    gallery.send(PHOTO)
    gallery.channel.open.clear()
    thread = threading.Thread(target=gallery.answerer.answer, args=(ANA,), daemon=True)
    thread.start()
    until(lambda: gallery.channel.fetched)
    (held,) = gallery.answerer.held
    held.stopped.set()
    assert held.stream
    held.stream.close()
    thread.join(5)
    gallery.channel.open.set()

    assert not thread.is_alive()
    assert gallery.backend.prompts == []


# -- in groups, and in logs ------------------------------------------------------------------------


def test_what_was_not_said_to_us_is_not_fetched(gallery: Gallery) -> None:
    """In a group others' photos are their own matter."""
    gallery.channel.files |= {"p1": JPEG, "p2": PNG}
    gallery.send(PHOTO, text="look", addressed=False)
    gallery.send(Attachment("photo", "p2"), text="what is it?")

    gallery.told()
    assert gallery.channel.fetched == ["p2"]
    assert [image.mime for image in asked(gallery).images] == ["image/png"]


def test_nothing_that_was_sent_stands_in_a_log(gallery: Gallery, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gallery.channel.files |= {"v1": b"OggShello", "d1": b"a very secret price", "p1": Refused("gone")}
    gallery.send(VOICE, document("secret-name.txt"), PHOTO)
    gallery.told()

    assert asked(gallery).text.count("secret") == 2
    assert "secret" not in caplog.text
    assert "Sundays" not in caplog.text


def test_whoever_sends_very_much_does_not_keep_a_place_for_hours(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the time for a turn's files is over, the rest of them is not even fetched, and the words are answered."""
    monkeypatch.setattr(look, "OPEN_SECONDS", -1.0)
    gallery.channel.files["v1"] = b"OggShello"
    gallery.send(VOICE, text="hello?")

    (said,) = gallery.told()
    assert said.endswith(texts.NOT_FETCHED.to("en"))
    assert gallery.channel.fetched == []


def test_a_quota_counts_what_was_heard(store: Store) -> None:
    """A voice note is a message as any other."""
    gallery = Gallery(store, scribe=Scribe(hello="hi"), quota_messages_per_day=1)
    gallery.channel.files["v1"] = b"OggShello"
    gallery.send(VOICE)
    gallery.told()
    gallery.send(VOICE)

    assert gallery.told() == [texts.QUOTA.to("en")]
    assert gallery.channel.fetched == ["v1"]


def test_ogg_is_no_text() -> None:
    """What a telephone sends as a document is not taken for one by its bytes."""
    from workers import contents

    assert contents.text(OGG) == ""
