"""One turn's look at what was sent: what of it can be opened, and what comes of opening it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from bot import texts
from bot.channels import Channel
from bot.errors import (
    DeliveryError,
    Halted,
    RateLimited,
    Rejected,
    TooLarge,
    Unavailable,
    Undelivered,
    Unfetched,
    Unknown,
)  # fmt: skip
from bot.message import Attachment, Batch, Image, Message
from bot.texts import Language, Text
from workers import contents, marks
from workers.backends import IMAGE_TOKENS, Backend
from workers.transcribers import Transcriber

FILE_MOST: Final = 20 << 20
"""Bytes of a file that is fetched; Telegram gives no larger one (https://core.telegram.org/bots/api#getfile)."""
IMAGES_MOST: Final = 5
AGAIN_SECONDS: Final = 2.0
OPEN_SECONDS: Final = 300.0
"""When a turn has opened files for so long, it opens no more of them: others wait for its place."""
PATIENCE_SECONDS: Final = 1200.0
"""A file that cannot be had so long after it was sent is given up, lest it stop its conversation for ever: some break
whatever listens to them, each time."""
DOCUMENT_SHARE, IMAGE_SHARE = 0.25, 0.75
"""How much of the prompt a turn's documents may fill, and its images."""
ELLIPSIS: Final = " […]"

log = logging.getLogger("recado.turn")

Over = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch with words for all that was sent, the images to be shown with it, and what the person is ``told``
    beside the answer: what could not be opened, and what works instead. ``empty``: nothing is left to be answered."""

    batch: Batch
    images: tuple[Image, ...] = ()
    told: str = ""
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of one attachment: what stands for it in the text, the person's ``words`` in it, an image, or the
    ``trouble`` that the person is told of."""

    text: str
    words: str = ""
    image: Image | None = None
    trouble: str = ""


class Trouble(Exception):
    """Something cannot be opened; the text is for the person."""


class Look:
    """What can be opened for one turn; ``room`` is its prompt's, in tokens."""

    def __init__(
        self,
        conversation: str,
        channel: Channel | None,
        backend: Backend,
        transcriber: Transcriber | None,
        language: Language,
        *,
        room: int = 0,
    ) -> None:
        self._conversation = conversation
        self._channel, self._backend, self._transcriber = channel, backend, transcriber
        self._language = language
        self._images_left = max(1, min(IMAGES_MOST, int(room * IMAGE_SHARE) // IMAGE_TOKENS))
        self._tokens_left = int(room * DOCUMENT_SHARE)
        self._until = time.monotonic() + OPEN_SECONDS

    def trouble(self, sent: Attachment) -> str:
        """Why it cannot be opened, as far as that is known without fetching it; empty: it may be.

        Raises Unavailable while nobody knows whether the model can see.
        """
        kind = marks.kind_of(sent)
        if not self._opens(kind):
            return self._closed(kind)
        if kind == "document" and not marks.may_be_read(sent):
            return self._say(texts.NO_FILE, kinds=self.kinds())
        most = contents.IMAGE_MOST if kind == "picture" else FILE_MOST
        return self._say(texts.TOO_LARGE, megabytes=most >> 20) if sent.size > most else ""

    def kinds(self) -> str:
        """What we understand here, in words: text messages, photos and so on."""
        others: tuple[tuple[marks.Kind, Text], ...] = (
            ("picture", texts.PHOTOS), ("sound", texts.VOICE_NOTES), ("document", texts.DOCUMENTS),
        )  # fmt: skip
        *first, last = [texts.TEXT_MESSAGES, *(words for kind, words in others if self._opens(kind))]
        named = ", ".join(self._say(words) for words in first)
        return f"{named} {self._say(texts.AND)} {self._say(last)}" if named else self._say(last)

    def open(self, batch: Batch, over: Over) -> Seen:
        """Fetch and open everything. Raises Unfetched, and Unavailable as ``trouble`` does."""
        messages, found = [], []
        for message in batch.messages:
            opened = [self._opened(one, message, over) for one in message.attachments]
            found += opened
            lines = (one.text if self._backend.takes_notes else one.words for one in opened)
            messages.append(replace(message, text="\n".join(line for line in (*lines, message.text) if line)))
        images = tuple(one.image for one in found if one.image)
        empty = not (images or has_words(batch) or any(one.words for one in found))
        return Seen(replace(batch, messages=tuple(messages)), images, told(one.trouble for one in found), empty)

    def _opens(self, kind: marks.Kind) -> bool:
        if kind == "other" or self._channel is None or not self._channel.fetches:
            return False
        if kind == "sound":
            return self._transcriber is not None
        return self._backend.sees if kind == "picture" else self._backend.takes_notes

    def _closed(self, kind: marks.Kind) -> str:
        if kind == "other":
            kinds = self.kinds()
            alone = kinds == self._say(texts.TEXT_MESSAGES)
            return self._say(texts.NO_TEXT) if alone else self._say(texts.NOT_UNDERSTOOD, kinds=kinds)
        return self._say({"picture": texts.NO_PHOTOS, "sound": texts.NO_VOICE}.get(kind, texts.NO_FILES))

    def _opened(self, sent: Attachment, message: Message, over: Over) -> Opened:
        if not message.addressed:
            return Opened(marks.mark(sent, self._language))
        try:
            if trouble := self.trouble(sent):
                raise Trouble(trouble)
            if time.monotonic() > self._until:
                raise Trouble(self._say(texts.NOT_FETCHED))
            kind = marks.kind_of(sent)
            if kind == "sound":
                return self._heard(sent, over)
            return self._shown(sent) if kind == "picture" else self._read(sent)
        except Trouble as trouble:
            return Opened(marks.hidden(sent, self._language), trouble=str(trouble))
        except Unfetched as error:
            if error.lasting or not message.sent_at or time.time() - message.sent_at < PATIENCE_SECONDS:
                raise
            log.error("a file is given up: %s", error)
            return Opened(marks.hidden(sent, self._language), trouble=self._say(texts.NOT_FETCHED))

    def _heard(self, sent: Attachment, over: Over) -> Opened:
        assert self._transcriber is not None
        audio = self._fetch(sent, FILE_MOST)
        if not contents.is_sound(audio):
            raise Trouble(self._say(texts.NOT_HEARD))
        try:
            words = self._transcriber.transcribe(audio, sent.mime, self._language, over).strip()
        except Unavailable as error:
            raise Unfetched(str(error), error.retry_after or AGAIN_SECONDS) from error
        except Rejected as error:
            log.error("a voice note is not heard: %s", error)
            words = ""
        if not words:
            raise Trouble(self._say(texts.NOT_HEARD))
        return Opened(marks.heard(sent, words, self._language), words)

    def _shown(self, sent: Attachment) -> Opened:
        if not self._images_left:
            raise Trouble(self._say(texts.TOO_MANY_PHOTOS))
        image = contents.image(self._fetch(sent, contents.IMAGE_MOST))
        if image is None:
            raise Trouble(self._say(texts.NO_FILE, kinds=self.kinds()))
        return self._pictured(sent, image)

    def _pictured(self, sent: Attachment, image: Image) -> Opened:
        if not self._backend.sees or not self._images_left:
            raise Trouble(self._say(texts.TOO_MANY_PHOTOS if self._backend.sees else texts.NO_PHOTOS))
        self._images_left -= 1
        return Opened(marks.mark(sent, self._language), image=image)

    def _read(self, sent: Attachment) -> Opened:
        data = self._fetch(sent, FILE_MOST)
        if image := contents.image(data):
            return self._pictured(sent, image)
        try:
            words = self._bounded(contents.text(data))
        except Rejected as error:
            log.warning("a document is not read: %s", error)
            words = ""
        if not words:
            raise Trouble(self._say(texts.NO_FILE, kinds=self.kinds()))
        return Opened(marks.quoted(sent, words, self._language), words)

    def _bounded(self, words: str) -> str:
        """As much of a document as there is room for."""
        count, whole, room = self._backend.count_tokens, words, self._tokens_left
        while words and (tokens := count(words)) > room:
            words = words[: int(len(words) * min(0.95, room / tokens))]
        self._tokens_left = max(room - count(words), 0)
        return words + ELLIPSIS if 0 < len(words) < len(whole) else words

    def _fetch(self, sent: Attachment, most: int) -> bytes:
        assert self._channel is not None
        try:
            return self._channel.fetch(self._conversation, sent, most)
        except TooLarge:
            raise Trouble(self._say(texts.TOO_LARGE, megabytes=most >> 20)) from None
        except RateLimited as error:
            raise Unfetched(str(error), error.retry_after) from error
        except (Halted, Undelivered, Unknown) as error:
            unfetched = Unfetched(str(error), AGAIN_SECONDS)
            unfetched.lasting = isinstance(error, Halted)
            raise unfetched from error
        except DeliveryError as error:
            log.warning("a file is not opened: %s", error)
            raise Trouble(self._say(texts.NOT_FETCHED)) from error

    def _say(self, words: Text, **values: object) -> str:
        return words.to(self._language, **values)


def has_words(batch: Batch) -> bool:
    """Whether somebody wrote something."""
    return any(message.text.strip() for message in batch.messages)


def told(troubles: Iterable[str]) -> str:
    """Sentences for the person, each once."""
    return "\n".join(dict.fromkeys(filter(None, troubles)))
