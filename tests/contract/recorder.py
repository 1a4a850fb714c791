"""An answerer with memory, for the worker that runs it."""

from __future__ import annotations

import os
from collections.abc import Callable

from bot.message import Message
from bot.stores.mailbox import Mailbox


class Recorder:
    """Remembers whom it answered; ``during`` runs inside each answer."""

    def __init__(self, during: Callable[[str], None] = lambda _: None) -> None:
        self.answered: list[str] = []
        self.abandoned = 0
        self.leaving = False
        self.during = during

    def answer(self, conversation: str) -> None:
        self.answered.append(conversation)
        self.during(conversation)

    def abandon(self) -> None:
        self.abandoned += 1


def ring(mailbox: Mailbox, *conversations: str) -> None:
    mailbox.accept([Message(os.urandom(6).hex(), one, "hello") for one in conversations])
