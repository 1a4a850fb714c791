"""The terminal as a channel: one person, one conversation, and an answer that grows as it is thought."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from queue import SimpleQueue
from typing import NamedTuple, Self

from bot.channels import Channel
from bot.errors import Forged
from bot.message import Conversation, Piece
from bot.received import Received
from bot.settings import Settings


class Saying(NamedTuple):
    """What a bubble reads from now on, in Markdown."""

    bubble: str
    text: str


class Console(Channel):
    """Speaks to ``said``, from which the terminal takes what it shows.

    ``seat`` numbers the terminals that are open at once: each after the first has a conversation of its own.
    """

    name = "console"
    account = "local"
    edits = True
    opens_at_once = True
    bubble_units = 1 << 20

    def __init__(self, seat: int = 1) -> None:
        thread = str(seat) if seat > 1 else ""
        self.conversation = str(Conversation(self.name, self.account, getpass.getuser(), thread))
        self.said: SimpleQueue[Saying] = SimpleQueue()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls()

    def admit(self, headers: Mapping[str, str]) -> None:
        raise Forged("the terminal has no webhook")

    def receive(self, headers: Mapping[str, str], body: bytes) -> Received:
        raise Forged("the terminal has no webhook")

    def render(self, text: str) -> tuple[Piece, ...]:
        """The terminal reads Markdown."""
        return (Piece(text),) if text.strip() else ()

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        self.said.put(Saying(reference, piece.text))
        return reference

    def edit(self, conversation: str, bubble: str, piece: Piece) -> None:
        self.said.put(Saying(bubble, piece.text))

    def edit_seconds(self, conversation: str) -> float:
        """Nobody counts them; an eye sees no more of them."""
        return 0.1

    def show_typing(self, conversation: str, message_id: str) -> None:
        """The terminal shows a spinner of its own."""
