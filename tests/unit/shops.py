"""A shop whose frequent answers are given again, and what is kept of them."""

from __future__ import annotations

from typing import Any

from bot.business import Business
from bot.message import Message
from bot.stores.connection import Store
from bot.stores.frequent import FREQUENT
from tests.unit.mailboxes import ANA, BEA
from tests.unit.worlds import World
from workers.frequent import Frequent

EVA, LEO = "fake:7:3", "fake:7:4"
ASKED = "¿A qué hora abrís?"
BUSINESS = Business(name="La Espiga")


class Shop(World):
    """A worker that gives frequent answers again; ``counts`` are the outcomes that it was told of."""

    def __init__(self, store: Store, *, business: Business = BUSINESS, notes: bool = False, **settings: Any) -> None:
        super().__init__(store, **({"frequent_answers_hours": 24} | settings))
        self.counts: list[str] = []
        self.backend.takes_notes = notes  # type: ignore[misc]
        self.thinker._business = business
        self.thinker._frequent = Frequent(
            self.settings, store, business=business, backend=self.backend, count=self.counts.append
        )

    def ask(self, conversation: str, text: str = ASKED, **more: Any) -> list[str]:
        """Somebody writes and is answered; returns what they were told."""
        self.number += 1
        before = len(self.channel.spoken)
        self.mailbox.accept([Message(str(self.number), conversation, text, **more)])
        self.answerer.answer(conversation)
        return self.channel.spoken[before:]

    @property
    def thought(self) -> int:
        """How often the model was asked."""
        return len(self.backend.prompts)


def kept(store: Store) -> list[str]:
    names = store.client.scan_iter(f"{FREQUENT}*")
    return [answer.decode() for name in names if (answer := store.client.hget(name, "answer"))]


def known_to_two(shop: Shop, text: str = ASKED) -> None:
    shop.backend.answers = ["first", "A las nueve."]
    shop.ask(ANA, text)
    shop.ask(BEA, text)
