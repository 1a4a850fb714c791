"""What a file holds is judged by its bytes, and a hostile one harms nobody."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter

from bot.errors import Rejected
from tests.unit.files import JPEG, OGG, PNG, WEBP, pdf
from workers import contents


@pytest.mark.parametrize(("data", "mime"), [(JPEG, "image/jpeg"), (PNG, "image/png"), (WEBP, "image/webp")])
def test_a_picture_is_known_by_its_first_bytes(data: bytes, mime: str) -> None:
    found = contents.image(data)

    assert found is not None
    assert (found.mime, found.data) == (mime, data)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"GIF89a" + bytes(20), b"RIFF\x00\x00\x00\x00WAVE", b"<svg/>", b"%PDF-1.7", b"MZ\x90"]
)
def test_what_is_no_picture_is_none(data: bytes) -> None:
    """Whatever its name says; an SVG may name addresses, and is none either."""
    assert contents.image(data) is None


def test_a_picture_that_no_request_should_carry_is_none() -> None:
    assert contents.image(JPEG.ljust(contents.IMAGE_MOST, b"x")) is not None
    assert contents.image(JPEG.ljust(contents.IMAGE_MOST + 1, b"x")) is None


def test_a_pictures_bytes_stand_in_no_log() -> None:
    assert "data" not in repr(contents.image(JPEG))


SOUNDS = {"ogg": OGG, "mp3": b"ID3\x04", "plain mp3": b"\xff\xfb\x90", "aac": b"\xff\xf1`@", "wav": b"RIFF....WAVE",
          "flac": b"fLaC", "m4a": b"\0\0\0\x1cftypM4A ", "webm": b"\x1aE\xdf\xa3", "amr": b"#!AMR\n",
          "caf": b"caff\0\1", "aiff": b"FORM\0\0\x96.AIFF"}  # fmt: skip
PLAYLISTS = {
    "m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://10.0.0.1/a.ts\n",
    "concat": b"ffconcat version 1.0\nfile data/a.wav\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>',
    "sdp": b"v=0\no=- 0 0 IN IP4 10.0.0.1\nc=IN IP4 10.0.0.1\nm=audio 5004 RTP/AVP 0\n",
}


@pytest.mark.parametrize("data", SOUNDS.values(), ids=SOUNDS)
def test_a_sound_is_known_by_its_first_bytes(data: bytes) -> None:
    assert contents.is_sound(data)


@pytest.mark.parametrize("data", [b"", b"hello", JPEG, PNG, WEBP, *PLAYLISTS.values()])
def test_what_may_name_an_address_is_no_sound(data: bytes) -> None:
    assert not contents.is_sound(data)


@pytest.mark.parametrize(
    "data",
    [
        "año;precio\nqué;12 €\n".encode(),
        b"\xef\xbb\xbf" + "año;precio\nqué;12 €\n".encode(),
        "año;precio\nqué;12 €\n".encode("utf-16"),
        "año;precio\r\nqué;12 €\r\n".encode("cp1252"),
    ],
    ids=["utf-8", "utf-8 with its mark", "utf-16", "what Windows writes"],
)
def test_a_text_is_read_in_whatever_it_was_written(data: bytes) -> None:
    assert contents.text(data) == "año;precio\nqué;12 €"


@pytest.mark.parametrize(
    "data",
    [b"", b"  \n ", b"PK\x03\x04" + bytes(40), JPEG, PNG, b"\x7fELF\x02", bytes(range(256)), b"OggS\x00\x02"],
)
def test_what_is_no_text_has_no_words(data: bytes) -> None:
    assert contents.text(data) == ""


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    """A character of several bytes may lie across the place where it is cut."""
    assert contents.text(("ñ" * (contents.TEXT_MOST * 3)).encode()) == "ñ" * contents.TEXT_MOST


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything(data: bytes) -> None:
    if not data.startswith(b"%PDF-"):
        contents.text(data)
    contents.image(data)


@given(st.text(max_size=200))
def test_every_utf8_text_that_could_be_typed_is_read(words: str) -> None:
    plain = "".join(letter for letter in words if letter.isprintable() or letter == "\n").lstrip("\ufeff")

    assert contents.text(plain.encode()) == plain.strip() or plain.startswith("%PDF-")


def test_a_pdfs_words_are_read() -> None:
    assert contents.text(pdf("Corte de pelo 15 euros")) == "Corte de pelo 15 euros"


def test_a_pdf_without_words_has_none() -> None:
    """A scanned page is a picture."""
    writer, file = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.write(file)

    assert contents.text(file.getvalue()) == ""


@pytest.mark.parametrize("data", [b"%PDF-1.7", b"%PDF-1.7\n" + bytes(range(256)) * 50], ids=["empty", "rubbish"])
def test_a_broken_pdf_is_rejected(data: bytes) -> None:
    with pytest.raises(Rejected):
        contents.text(data)


def test_a_pdf_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "PDF_SECONDS", 0.001)

    with pytest.raises(Rejected, match="not read within"):
        contents.text(pdf("hola"))


def test_a_pdf_that_unpacks_to_more_memory_than_it_may_have_is_rejected() -> None:
    """A few kilobytes that unpack to very much end their own process, and no worker."""
    with pytest.raises(Rejected):
        contents.text(pdf("hola", bomb=100 << 20))


def test_no_more_than_a_few_pdfs_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends many that unpack to all the memory they may have does not take the worker's neighbours with it."""
    running = tmp_path / "running"
    running.mkdir()
    reader = tmp_path / "_pdf.py"
    reader.write_text(
        "import os, pathlib, sys, time\n"
        f"mine = pathlib.Path({str(running)!r}, str(os.getpid()))\n"
        "mine.touch()\n"
        "time.sleep(0.2)\n"
        "print(len(list(mine.parent.iterdir())))\n"
        "mine.unlink()\n"
    )
    monkeypatch.setattr(contents, "__file__", str(tmp_path / "contents.py"))
    with ThreadPoolExecutor(8) as many:
        found = list(many.map(contents.text, [b"%PDF-"] * 8))

    assert max(map(int, found)) <= contents.PDFS_AT_ONCE


def test_a_pdf_is_read_without_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program that reads it gets none of this process' environment but the path."""
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "7123:secret")
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")

    assert set(contents.environment()) <= {"PATH", "SYSTEMROOT", "LANG"}
