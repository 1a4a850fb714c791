"""The notice: the first answer to each new person says that an automatic assistant answers, and how to reach a person.

It belongs to what is shown and not to what was said: neither history nor the model's prompt has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from bot.business import Business
from bot.message import Piece
from bot.settings import Settings
from bot.texts import Language

NOTICED: Final = "noticed"
"""In a conversation's state: its people have been told. Only erasing takes it back."""

GAP: Final = "\n\n"


def due(
    settings: Settings, business: Business, state: Mapping[str, str], language: Language, *, introduced: bool = False
) -> str:
    """What the people of this conversation have still to be told, else empty; ``introduced`` where the answer itself
    says who is speaking."""
    if not settings.ai_notice or state.get(NOTICED):
        return ""
    parts = [] if introduced else [business.introduction(language)]
    return " ".join([*parts, business.reach(language)])


def appended(pieces: Sequence[Piece], words: str, most: int) -> tuple[Piece, ...]:
    """``words``, as they are, under the last bubble's text, or in a bubble of their own where it would hold more than
    ``most`` UTF-16 units."""
    whole = pieces[-1].text + GAP + words
    if len(whole.encode("utf-16-le", "surrogatepass")) // 2 > most:
        return (*pieces, Piece(words))
    return (*pieces[:-1], replace(pieces[-1], text=whole))
