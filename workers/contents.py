"""What a file holds, judged by its bytes: a picture, words, or nothing that we can show a model.

Neither its name nor its type is believed: both are whatever the person's telephone says.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import Final

from bot.errors import Rejected
from bot.message import Image

IMAGE_MOST: Final = 5 << 20
"""Bytes of a picture that a model is shown: in base64 a third more, in one request with all the others."""
TEXT_MOST: Final = 200_000
"""Characters of a file that are looked at; a model's context holds less."""
PDF_SECONDS: Final = 20.0
PDFS_AT_ONCE: Final = 2
"""Each may take 512 MB, and a worker has many turns."""

_reading = threading.BoundedSemaphore(PDFS_AT_ONCE)

_WEBP: Final = re.compile(rb"RIFF.{4}WEBP", re.DOTALL)
_MAGIC: Final = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))
_SOUND: Final = re.compile(
    rb"OggS|ID3|\xff[\xe0-\xff]|RIFF....WAVE|fLaC|....ftyp|\x1aE\xdf\xa3|#!AMR|caff|FORM....AIF[FC]", re.DOTALL
)
"""How the files begin in which telephones and computers keep sound."""
_MARKS: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
"""What stands in no text: a file with one of these is something else."""


def image(data: bytes) -> Image | None:
    """The picture, if it is one that model servers read, of at most IMAGE_MOST bytes: JPEG, PNG or WebP."""
    if len(data) > IMAGE_MOST:
        return None
    mime = next((mime for magic, mime in _MAGIC if data.startswith(magic)), "")
    mime = mime or ("image/webp" if _WEBP.match(data) else "")
    return Image(mime, data) if mime else None


def is_sound(data: bytes) -> bool:
    """Whether it may be played to a transcriber. Playlists and descriptions of streams are no sound: whoever opens one
    fetches what it names (https://ffmpeg.org/ffmpeg-formats.html#Demuxers)."""
    return bool(_SOUND.match(data))


def text(data: bytes) -> str:
    """The words in a file, as far as they are looked at; empty: there are none. Raises Rejected for a broken PDF."""
    words = _pdf(data) if data.startswith(b"%PDF-") else _plain(data)
    return words[:TEXT_MOST].replace("\r\n", "\n").replace("\r", "\n").strip()


def _plain(data: bytes) -> str:
    """A text file in UTF-8, UTF-16 with its mark, or what Windows and its spreadsheets write (cp1252)."""
    data = data[: TEXT_MOST * 4]
    found = data.decode("utf-16", "ignore") if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else _utf8(data)
    words = data.decode("cp1252", "replace") if found is None else found
    return "" if _MARKS.search(words) or words.count("\ufffd") > len(words) // 100 else words


def _utf8(data: bytes) -> str | None:
    """None: it is none. The last character may have been cut in two."""
    data = data.removeprefix(BOM_UTF8)
    for cut in range(min(4, len(data) + 1)):
        try:
            return data[: len(data) - cut].decode()
        except UnicodeDecodeError as error:
            if error.start < len(data) - 4:
                return None
    return None


def environment() -> dict[str, str]:
    """What the program that reads PDFs knows of ours: none of the secrets."""
    return {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}


def _pdf(data: bytes) -> str:
    """Read in a process of its own, with little time and memory: a PDF can be made to take all there is."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("_pdf.py")), str(TEXT_MOST)]
    try:
        with _reading:
            done = subprocess.run(
                command, input=data, capture_output=True, timeout=PDF_SECONDS, check=False, env=environment()
            )
    except subprocess.TimeoutExpired:
        raise Rejected(f"a PDF was not read within {PDF_SECONDS:.0f} s") from None
    if done.returncode:
        raise Rejected(f"a PDF cannot be read (exit code {done.returncode})")
    return done.stdout.decode(errors="replace")
