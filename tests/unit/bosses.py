"""An owner beside a customer: both on one platform, each with a chat of their own."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from bot.message import Message, Piece
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from tests.unit.mailboxes import ANA
from tests.unit.worlds import FakeChannel, World

BOSS = "fake:7:99"


class Chats(FakeChannel):
    """A platform that knows who read what."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[str, list[str]] = {}

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        bubble = super().speak(conversation, piece, reference)
        self.read.setdefault(conversation, []).append(piece.text)
        return bubble


class Shop:
    """One worker, customers, and an owner who is told in a chat of their own."""

    def __init__(self, store: Store, channel: Chats | None = None, **settings: object) -> None:
        self.store, self.channel = store, channel or Chats()
        ours = {"owner_chat": BOSS, "default_language": "es"} | settings
        self.world = World(store, channel=self.channel, **ours)
        self._ids = itertools.count(1)

    @property
    def mailbox(self) -> Mailbox:
        return self.world.mailbox

    def say(self, text: str, conversation: str = ANA, **more: object) -> list[str]:
        """Somebody writes and everybody is answered; what they themselves read of it."""
        before = len(self.channel.read.get(conversation, []))
        given = {"sender": conversation.rpartition(":")[2], "person": "Ana"} | more
        self.mailbox.accept([Message(f"m{next(self._ids)}", conversation, text, **given)])  # type: ignore[arg-type]
        self.work(conversation, ANA, BOSS)
        return self.channel.read.get(conversation, [])[before:]

    def answer(self, text: str, to: str | None = None, **more: object) -> list[str]:
        """The owner answers a notice, the last one if no other; what they read of it."""
        return self.say(text, BOSS, quoted=self.notices[-1] if to is None else to, person="Eva", **more)

    def work(self, *conversations: str) -> None:
        """The worker does what there is, wherever it is."""
        for _ in range(4):
            for conversation in dict.fromkeys(conversations):
                self.world.answerer.answer(conversation)

    def told(self, conversation: str = ANA) -> list[str]:
        """All that somebody has read."""
        return self.channel.read.get(conversation, [])

    @property
    def notices(self) -> list[str]:
        """What the owner has read of customers."""
        return [text for text in self.told(BOSS) if text.startswith("Ref. ")]

    def state(self, name: str, conversation: str = ANA) -> str:
        return (self.store.client.hget(key(conversation, "state"), name) or b"").decode()


def references(notices: Iterable[str]) -> list[str]:
    return [match[1] for text in notices if (match := re.match(r"Ref\. (\w{4}) ", text))]
