"""A platform that keeps files, a model with eyes, and somebody who listens: what media need, in miniature."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from bot.errors import Refused, TooLarge
from bot.message import Attachment, Message, Turn
from bot.settings import Settings
from bot.stores.connection import Store
from bot.stores.history import History
from bot.texts import Language
from tests.unit.mailboxes import ANA
from tests.unit.worlds import FakeBackend, FakeChannel, World
from workers.media import Media
from workers.transcribers import Transcriber


class Shelf(FakeChannel):
    """Gives the files that it keeps by their ids; an error among them is raised. ``fetched`` are the ids asked for."""

    fetches = True

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes | Exception] = {}
        self.fetched: list[str] = []
        self.open = threading.Event()
        self.open.set()

    def fetch(self, conversation: str, attachment: Attachment, most: int) -> bytes:
        self.fetched.append(attachment.id)
        self.open.wait(30)
        found = self.files.get(attachment.id, Refused("no such file"))
        if isinstance(found, Exception):
            raise found
        if len(found) > most:
            raise TooLarge("too large")
        return found


class Seeing(FakeBackend):
    """A model that looks at images and reads documents, or (``eyes`` False) does not see; None: nobody has said."""

    takes_notes = True

    def __init__(self, *, eyes: bool | Exception = True) -> None:
        super().__init__()
        self.eyes = eyes

    @property
    def sees(self) -> bool:
        if isinstance(self.eyes, Exception):
            raise self.eyes
        return self.eyes


class Scribe(Transcriber):
    """Writes down what it was told to hear, by the sound's bytes; an error is raised."""

    name = "scribe"

    def __init__(self, **heard: str | Exception) -> None:
        self.heard = {sound.encode(): words for sound, words in heard.items()}
        self.asked: list[tuple[str, Language]] = []

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls()

    def transcribe(self, audio: bytes, mime: str, language: Language, over: Callable[[], bool]) -> str:
        self.asked.append((mime, language))
        found = self.heard.get(audio.removeprefix(b"OggS"), "")
        if isinstance(found, Exception):
            raise found
        return found

    def check(self) -> str:
        return "scribe"


class Gallery(World):
    """A worker's world in which people send files."""

    channel: Shelf
    backend: Seeing

    def __init__(
        self, store: Store, *, scribe: Scribe | None = None, eyes: bool | Exception = True, reads: bool = True,
        **settings: object,
    ) -> None:  # fmt: skip
        super().__init__(store, channel=Shelf(), **settings)  # type: ignore[arg-type]
        self.backend, self.scribe = Seeing(eyes=eyes), scribe or Scribe()
        self.backend.takes_notes = reads  # type: ignore[misc]
        self.thinker.backend = self.backend
        self.thinker._media = Media(self.channels, self.backend, scribe)
        self.answerer = self.worker()

    def send(self, *sent: Attachment, text: str = "", language: str = "", addressed: bool = True) -> None:
        """Ana sends files, with a text or none."""
        self.number += 1
        one = Message(str(self.number), ANA, text, language=language, attachments=sent, addressed=addressed)
        self.mailbox.accept([one])

    def told(self) -> list[str]:
        """Let the worker answer; what Ana was told."""
        before = len(self.channel.spoken)
        self.answerer.answer(ANA)
        return self.channel.spoken[before:]


PHOTO = Attachment("photo", "p1")
VOICE = Attachment("voice", "v1", "audio/ogg")


def document(name: str = "precios.csv", mime: str = "text/csv", size: int = 0) -> Attachment:
    return Attachment("document", "d1", mime, name, size)


def asked(gallery: Gallery) -> Turn:
    """The newest turn, as the model was asked."""
    return gallery.backend.prompts[-1].turns[-1]


def remembered(gallery: Gallery) -> list[str]:
    """What history keeps, word by word."""
    return [turn.text for turn in History(gallery.store).tail(ANA, 0, 100_000)]
