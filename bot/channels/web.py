"""The chat page as a channel: its people write on it, and what is said to them stands in the installation's own Redis.

No platform is between, so that nothing can get lost or come twice there: a bubble's id is its place in the reply, and
whoever says it again says it into the same bubble.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, Self

from bot.channels import Channel
from bot.errors import Forged, StoreUnavailable, Undelivered
from bot.message import Piece
from bot.received import Received
from bot.settings import Settings

ACCOUNT = "page"
ASSISTANT = "assistant"


class Board(Protocol):
    """Where bubbles stand (bot/stores/page.py). Every method raises StoreUnavailable."""

    def put(self, conversation: str, bubble: str, who: str, text: str, *, growing: bool = False) -> None: ...

    def change(self, conversation: str, bubble: str, text: str, *, growing: bool = False) -> None: ...

    def type(self, conversation: str, seconds: float) -> None: ...


class Web(Channel):
    """Speaks to ``board``, which whoever opens the channel gives it."""

    name = "web"
    account = ACCOUNT
    edits = True
    typing_seconds = 4.0
    bubble_units = 1 << 20
    opens_at_once = True

    def __init__(self) -> None:
        self.board: Board | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls()

    def admit(self, headers: Mapping[str, str]) -> None:
        raise Forged("the chat page has no webhook")

    def receive(self, headers: Mapping[str, str], body: bytes) -> Received:
        raise Forged("the chat page has no webhook")

    def render(self, text: str) -> tuple[Piece, ...]:
        """The page reads Markdown."""
        return (Piece(text),) if text.strip() else ()

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        """``reference`` ends in the turn and the bubble's place in its reply; that names it, however often it is said.

        What is begun again for a new turn of the same number, after an erasure, has an empty page before it.
        """
        bubble = reference.partition(".")[2] or reference
        with self._open() as board:
            board.put(conversation, bubble, ASSISTANT, piece.text, growing=bool(piece.stop))
        return bubble

    def edit(self, conversation: str, bubble: str, piece: Piece) -> None:
        with self._open() as board:
            board.change(conversation, bubble, piece.text, growing=bool(piece.stop))

    def edit_seconds(self, conversation: str) -> float:
        """Nobody counts them; an eye sees no more of them."""
        return 0.1

    def show_typing(self, conversation: str, message_id: str) -> None:
        with self._open() as board:
            board.type(conversation, 2 * self.typing_seconds)

    @contextmanager
    def _open(self) -> Iterator[Board]:
        """Raises Undelivered: what Redis may have taken unheard may be said again, into the same bubble."""
        if self.board is None:
            raise Undelivered("the chat page is not open in this process")
        try:
            yield self.board
        except StoreUnavailable as error:
            raise Undelivered(str(error)) from error
