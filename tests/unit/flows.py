"""Everything that can happen between a person and the assistant, in one language: what the person reads of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from bot import wiring
from bot.business import Business
from bot.errors import Gone, Rejected, TooLarge, Unavailable, Undelivered
from bot.message import Attachment, Message, Piece
from bot.stores.connection import Store
from bot.texts import Language
from tests.unit.fates import EditingChannel, Killed
from tests.unit.files import PNG
from tests.unit.mailboxes import ANA
from tests.unit.shelf import Gallery, Scribe
from tests.unit.worlds import World

COMMANDS: Final = dict(wiring.open_commands())
ASKED: Final[dict[Language, str]] = {"es": "¿A qué hora abrís hoy?", "en": "What are your hours today?"}
KINDS: Final = ("photo", "voice", "audio", "video", "document", "sticker", "location", "contact", "poll", "unheard of")


class Reader(EditingChannel):
    """A platform that keeps everything that its person could ever read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        self.read += [piece.text, piece.stop]
        return super().speak(conversation, piece, reference)

    def edit(self, conversation: str, bubble: str, piece: Piece) -> None:
        self.read += [piece.text, piece.stop]
        super().edit(conversation, bubble, piece)


class Visit:
    """One person, who reads one language only, at an assistant whose default is the other."""

    def __init__(self, store: Store, language: Language, **settings: object) -> None:
        store.client.flushdb()
        self.language, self.channel = language, Reader()
        default = "en" if language == "es" else "es"
        ours: dict[str, Any] = {"default_language": default, "ai_notice": True} | settings
        self.world = World(store, channel=self.channel, **ours)

    def say(self, text: str, **more: object) -> None:
        """Write, and let the worker answer."""
        self.tell(text, **more)
        self.world.answerer.answer(ANA)

    def tell(self, text: str, **more: object) -> None:
        """Write, while no worker looks."""
        self.world.number += 1
        message = Message(f"{self.world.number}", ANA, text, language=self.language, sender="1", person="Ana")
        self.world.mailbox.accept([replace(message, **more)])  # type: ignore[arg-type]

    def ask(self) -> None:
        self.say(ASKED[self.language])

    @property
    def read(self) -> list[str]:
        return [text for text in self.channel.read if text]


def _die_at_an_edit(call: str) -> None:
    if call == "edit":
        raise Killed


Flow = Callable[[Store, Language], list[str]]
FLOWS: Final[dict[str, Flow]] = {}


def flow(happens: Flow) -> Flow:
    """What happens to somebody; its name is the function's."""
    FLOWS[happens.__name__] = happens
    return happens


@flow
def plain(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language)
    visit.ask()
    visit.ask()
    return visit.read


@flow
def unknown_command(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language)
    visit.say("/nada")
    return visit.read


@flow
def quota(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language, quota_messages_per_day=1)
    for _ in range(3):
        visit.ask()
    return visit.read


@flow
def not_on_the_list(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language, access="list")
    visit.ask()
    return visit.read


@flow
def pairing(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language, access="pairing")
    visit.ask()
    return visit.read


@flow
def files(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language)
    for size, kind in itertools.product((100, 30 << 20), KINDS):
        sent = (Attachment(kind, "f1", "application/octet-stream", "a.bin", size),)
        visit.say("", attachments=sent)
        visit.say("", attachments=sent * 12, album="a")
    visit.say("")
    return visit.read


@flow
def files_that_are_opened(store: Store, language: Language) -> list[str]:
    """By a model that sees and a transcriber, which find nothing, too much, or nothing that they can open."""
    read = []
    found: tuple[bytes | Exception, ...] = (b"", b"noise", PNG, Undelivered("away"), TooLarge("more"), Gone("no more"))
    for file, kind, reads in itertools.product(found, KINDS, (True, False)):
        store.client.flushdb()
        default = "en" if language == "es" else "es"
        world = Gallery(store, scribe=Scribe(), reads=reads, default_language=default)
        world.channel.files["f1"] = file
        sent = [Attachment(kind, "f1", mime, "a.bin", 100) for mime in ("image/png", "text/plain", "application/pdf")]
        for each in (sent[:1], sent[1:2], sent[2:], sent[:1] * 12):
            world.send(*each, language=language)
            read += world.told()
    return read


@flow
def rejected(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language)
    visit.world.backend.answers = [Rejected("too long")]
    visit.ask()
    return visit.read


@flow
def poison(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language)
    visit.world.backend.answers = [RuntimeError("broken")] * 5
    visit.ask()
    for _ in range(5):
        visit.world.think_again()
    return visit.read


@flow
def model_down(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language, slow_notice_seconds=0.001)
    visit.world.backend.answers = [Unavailable("down")] * 3
    visit.ask()
    for _ in range(3):
        visit.world.think_again()
    return visit.read


@flow
def stopped(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language)
    visit.world.backend.answers = [[f"{ASKED[visit.language]} "] * 9]
    visit.world.backend.during = lambda: visit.world.mailbox.accept(  # type: ignore[assignment]
        [Message("stop", ANA, "/stop", language=language, sender="1", pressed=True)]
    )
    visit.ask()
    visit.world.answerer.answer(ANA)
    return visit.read


@flow
def stopped_by_a_word(store: Store, language: Language) -> list[str]:
    """One question waits and is left; of another one the opening stands there already."""
    visit = Visit(store, language)
    for begun in (False, True):
        visit.tell(ASKED[language])
        if begun:
            visit.world.backend.answers = [[f"{ASKED[language]} "] * 5]
            visit.channel.before = _die_at_an_edit
            with suppress(Killed):
                visit.world.answerer.answer(ANA)
            visit.channel.before = lambda _: None
            visit.world.crash()
        visit.say("/stop")
        for _ in range(3):
            visit.world.answerer.answer(ANA)
    visit.say("/stop")
    return visit.read


@flow
def wrong_codes(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language, admins=("1",))
    for _ in range(12):
        visit.say("/pair AAAAAAAA")
    return visit.read


@flow
def not_the_owner(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language, admins=("2",))
    for name in COMMANDS:
        visit.say(f"/{name}")
    return visit.read


@flow
def businesses(store: Store, language: Language) -> list[str]:
    """Without a name, and with somebody to be reached."""
    read = []
    for business in (Business(), Business(name="La Espiga", contact="+34 600 111 222")):
        visit = Visit(store, language)
        visit.world.thinker._business = business
        visit.ask()
        read += visit.read
    return read


@flow
def handed_over(store: Store, language: Language) -> list[str]:
    """With an owner who is told, in a chat of their own, in their own language; a turn that fails, too."""
    visit = Visit(store, language, owner_chat="fake:7:99")
    store.client.hset("recado:{fake:7:99}:state", "language", language)
    visit.world.thinker._people._business = Business(name="Sol")
    visit.world.backend.answers = [Rejected("too long")]
    for text in (ASKED[language], "/resume", "/human", ASKED[language], "/human", "/resume"):
        visit.say(text)
        visit.world.answerer.answer("fake:7:99")
    return visit.read


@flow
def left_and_back(store: Store, language: Language) -> list[str]:
    visit = Visit(store, language)
    for text in ("/baja", "hola", "hola", "/alta"):
        visit.say(text)
    return visit.read
