"""The gate: who may not talk to us is told so kindly, once, and then heard in silence. No model is asked for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot import texts
from bot.message import Message
from bot.stores.access import Access
from bot.texts import Language

NOT_ADMITTED: Final = "not admitted"
"""Why a stranger was only heard."""

REFUSED: Final = "refused"
"""In a conversation's state: the code that its stranger was told last, or the day on which they were sent away."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a stranger is told ("": they were told before), and what ``state`` keeps of it."""

    text: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


def refusal(
    access: Access, state: Mapping[str, str], asked: Sequence[Message], language: Language, today: str
) -> Refusal | None:
    """None for those who may talk; ``asked`` are the messages that were said to us. Raises StoreUnavailable."""
    if not asked or access.admits(asked):
        return None
    code = access.code(asked[-1], language) if access.mode == "pairing" else ""
    if code is None:
        return None
    mark = code or today
    if state.get(REFUSED) == mark:
        return Refusal()
    text = texts.PAIRING.to(language, code=code) if code else texts.NOT_ADMITTED.to(language)
    return Refusal(text, {REFUSED: mark})
