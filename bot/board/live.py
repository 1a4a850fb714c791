"""The board each second anew, until somebody has seen enough."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text as Words

from bot.board import words
from bot.board.view import LOUD, QUIET, away, view
from bot.errors import StoreUnavailable
from bot.status import Status
from bot.texts import Language

EVERY_SECONDS = 1.0


class Board:
    """What is shown now. While Redis is away it is said so, above what was seen last."""

    def __init__(self, look: Callable[[], Status], language: Language) -> None:
        """``look`` raises StoreUnavailable while Redis is away."""
        self._look, self._language = look, language
        self._seen: RenderableType | None = None
        self._away_since: float | None = None

    def picture(self) -> RenderableType:
        """Look once."""
        try:
            self._seen, self._away_since = view(self._look(), self._language), None
            parts = [self._seen]
        except StoreUnavailable as error:
            now = time.monotonic()
            self._away_since = now if self._away_since is None else self._away_since
            told = away(now - self._away_since, str(error), self._language)
            before = Words(f"{words.BEFORE.to(self._language)}\n", LOUD)
            parts = [told, before, self._seen] if self._seen else [told]
        return Group(*parts, Words(f"\n{words.LEAVE.to(self._language)}", QUIET))


def watch(look: Callable[[], Status], language: Language, terminal: Console) -> None:
    """Show the board until Ctrl-C, and leave the terminal as it was."""
    board = Board(look, language)
    try:
        with Live(console=terminal, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
            while True:
                live.update(board.picture(), refresh=True)
                time.sleep(EVERY_SECONDS)
    except KeyboardInterrupt:
        return
