"""The post: messages of people who have a telephone number, a user id or both, and changes of these."""

from __future__ import annotations

from bot.message import Message
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from tests.unit.mailboxes import now_ms

A, B, C = (f"whatsapp:106540:3460000000{n}" for n in (1, 2, 3))
"""Telephone numbers."""
ANA, BEA, EVA = (f"whatsapp:106540:ES.{n}" for n in ("11", "22", "33"))
"""User ids."""


class Post:
    """Messages come, one by one; ``told`` are changes of numbers, each with a time of its own."""

    def __init__(self, store: Store, mailbox: Mailbox) -> None:
        self.store, self.mailbox = store, mailbox
        self.count, self.clock = 0, now_ms(store) / 1000 - 3600

    def write(self, name: str, *also: str, text: str = "", ours: bool = False) -> str:
        """Somebody writes under these names; returns whose conversation it is."""
        self.count += 1
        self.clock += 1
        text = text or f"message {self.count}"
        before = self.waiting()
        message = Message(f"w{self.count}", name, text, also=also, sent_at=self.clock, ours=ours)
        assert self.mailbox.accept([message], seen_hours=192) == 1
        (where,) = [one for one, count in self.waiting().items() if count > before.get(one, 0)]
        return where

    def move(self, old: str, new: str) -> tuple[str, str, bool, float, str]:
        """Somebody's number or id is another one from now on; returns what tells of it."""
        self.count += 1
        self.clock += 1
        return (old, new, True, self.clock, f"s{self.count}")

    def waiting(self) -> dict[str, int]:
        names = [raw.decode() for raw in self.store.client.scan_iter("recado:{*}:in")]
        return {name[8:-4]: self.store.client.llen(name) for name in names}

    def state(self, conversation: str, name: str) -> str | None:
        value = self.store.client.hget(key(conversation, "state"), name)
        return None if value is None else value.decode()

    def address(self, conversation: str) -> str:
        """Where its person is spoken to."""
        return self.state(conversation, "address") or conversation
