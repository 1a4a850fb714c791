"""The nouns of the product. This file imports nothing of ours; everything else imports it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Role = Literal["system", "user", "assistant"]

_COMMAND = re.compile(r"/([A-Za-z][A-Za-z0-9_]{0,31})(?:@\w+)?(?=\s|$)")


class Conversation(NamedTuple):
    """Where a message belongs: ``channel:account:chat[:thread]``, as in ``telegram:7123:555``."""

    channel: str
    account: str
    chat: str
    thread: str = ""

    def __str__(self) -> str:
        return ":".join(self if self.thread else self[:3])

    @classmethod
    def parse(cls, text: str) -> Conversation:
        """Read what ``str`` wrote. Raises ValueError for anything else."""
        parts = text.split(":")
        if not 3 <= len(parts) <= 4 or not all(parts):
            raise ValueError(f"{text!r} is no conversation: channel:account:chat[:thread] is")
        return cls(*parts)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message; ``id`` is the platform's, with which it can be fetched.

    ``sha256`` is its hash in base64, where the platform tells it.
    """

    kind: str
    id: str
    mime: str = ""
    name: str = ""
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a person said.

    ``id`` is unique within the conversation's account, ``sent_at`` the platform's clock in seconds
    since 1970, ``raw`` the platform's own JSON, kept so that a later parser can read it again.
    ``number`` is the message's place in its conversation, given when it is accepted (0 before).
    ``addressed`` is False for what people in a group say to each other.

    ``person`` is what they call themselves, ``sender`` the platform's id of them. ``bubble`` is the platform's id
    of what was written, ``replaces`` that of an earlier message which this one puts right. Files that were sent
    together share an ``album``. ``called`` are the user names that the text calls, in lower case and without @.
    ``pressed``: not written, but a button of ours.

    ``quoted`` is the text of the bubble that this answers, where the platform tells it. ``order`` is the command that
    its plain words are ("STOP", "quiero hablar con una persona"), without a slash. ``also`` are other names of the
    same conversation: one person may have a phone number and a user id. ``ours``: not the person said it, but the
    business itself, from its own telephone. ``revokes`` is the bubble that its sender took back.
    """

    id: str
    conversation: str
    text: str
    sent_at: float = 0.0
    person: str = ""
    language: str = ""
    reply_to: str = ""
    attachments: tuple[Attachment, ...] = ()
    raw: str = ""
    number: int = 0
    addressed: bool = True
    sender: str = ""
    bubble: str = ""
    replaces: str = ""
    album: str = ""
    called: tuple[str, ...] = ()
    pressed: bool = False
    quoted: str = ""
    order: str = ""
    also: tuple[str, ...] = ()
    ours: bool = False
    revokes: str = ""

    @property
    def command(self) -> str:
        """The command's name in lower case (``/Start@my_bot now`` is ``start``), else empty."""
        if self.order:
            return self.order
        found = _COMMAND.match(self.text)
        return found[1].lower() if found else ""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that a model may be shown. Its bytes are fetched when they are needed, and never stored."""

    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One step as the model sees it.

    ``text`` is what was said and what history keeps; ``tokens`` its size by the model's own count
    (0: not counted); ``number`` the turn it belongs to, shared by a question and its answer (0: none).
    ``note`` is volatile (date, retrieved facts): it stands before the text in the
    prompt and is never kept. ``heard`` says why what a person said was rightly not answered, else empty.
    ``images`` are shown to the model with the text, and never kept. ``said`` are the platform's ids of the messages
    that the text is made of, each with the UTF-8 bytes of its line, so that one can be taken out again. ``at`` is when
    a question was accepted or an answer committed (ms, Redis' clock; 0: not known).
    """

    role: Role
    text: str
    tokens: int = 0
    number: int = 0
    note: str = ""
    heard: str = ""
    images: tuple[Image, ...] = ()
    said: tuple[tuple[str, int], ...] = ()
    at: int = field(default=0, compare=False)

    @property
    def prompt(self) -> str:
        """What the model reads."""
        return f"{self.note}\n\n{self.text}" if self.note else self.text


class Limit(NamedTuple):
    """A platform's limit, shared by all workers: ``most`` bubbles in ``seconds`` under one ``name``."""

    name: str
    most: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Piece:
    """One bubble of a reply as the platform will show it: plain text and, where it has them, entities.

    ``stop`` is what a button under it says that ends the answer; empty: there is none. ``file`` is the text of a
    file that is sent with it, called ``file_name``. ``quotes`` is the platform's id of the message that it quotes.
    """

    text: str
    entities: tuple[dict[str, Any], ...] = ()
    stop: str = ""
    file: str = ""
    file_name: str = ""
    quotes: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the assistant says in one turn.

    One that ``grows`` appears as an opening first, where the channel can edit, and is edited into its
    final text: an edit may be repeated, a send may not.

    ``answers`` is the platform's id of the message that it answers, and ``number`` that message's place in its
    conversation: where more has been said since, the first bubble quotes it. ``asked_at`` is when it was accepted (ms,
    Redis' clock; 0: not known), and ``backend`` who was asked ("": nobody).
    """

    turn: int
    pieces: tuple[Piece, ...]
    grows: bool = False
    answers: str = ""
    number: int = 0
    asked_at: int = 0
    backend: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages that one turn answers, oldest first, with the number of that turn; in a ``group``, who said what."""

    turn: int
    messages: tuple[Message, ...] = field(default=())
    group: bool = False

    @property
    def text(self) -> str:
        if not self.group:
            return "\n".join(message.text for message in self.messages)
        return "\n".join(_line(message) for message in self.messages if message.text.strip())

    @property
    def said(self) -> tuple[tuple[str, int], ...]:
        """What ``text`` is made of, as a Turn keeps it; in a group nobody is told that a message was taken back."""
        if self.group or not any(message.bubble for message in self.messages):
            return ()
        return tuple((message.bubble, len(message.text.encode("utf-8", "replace"))) for message in self.messages)


def _line(message: Message) -> str:
    """What somebody said in a group: their further lines stand back, lest one pass for another person's."""
    return f"{message.person}: " + "\n  ".join(message.text.splitlines())
