"""An answerer with memory, for the worker that runs it, and RQ's list of what failed."""

from __future__ import annotations

import os
from collections.abc import Callable

from rq.registry import FailedJobRegistry

from bot.message import Message
from bot.stores import bell
from bot.stores.connection import Store
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


def failed(store: Store) -> list[str]:
    """The jobs that RQ's books call failed."""
    return FailedJobRegistry(bell.QUEUE, connection=store.client, serializer="json").get_job_ids()
