"""The terminal as a channel: one person, one conversation, bubbles as lines."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import Self

from bot.channels import Channel
from bot.errors import Forged
from bot.message import Conversation, Piece
from bot.received import Received
from bot.settings import Settings


class Console(Channel):
    """Speaks to ``spoken``, a list that the terminal prints and empties."""

    name = "console"
    account = "local"

    def __init__(self) -> None:
        self.conversation = str(Conversation(self.name, self.account, getpass.getuser()))
        self.spoken: list[str] = []

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls()

    def admit(self, headers: Mapping[str, str]) -> None:
        raise Forged("the terminal has no webhook")

    def receive(self, headers: Mapping[str, str], body: bytes) -> Received:
        raise Forged("the terminal has no webhook")

    def render(self, text: str) -> tuple[Piece, ...]:
        return (Piece(text),)

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        self.spoken.append(piece.text)
        return reference

    def show_typing(self, conversation: str, message_id: str) -> None:
        """The terminal shows a spinner of its own."""
