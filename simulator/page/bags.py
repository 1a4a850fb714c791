"""Questions that are numbered and whose answers repeat the number, so that everybody can see whether one is missing."""

from __future__ import annotations

import itertools
import re
import secrets
from pathlib import Path
from typing import Final, Literal

Language = Literal["es", "en"]

BAGS: Final = 96
"""So many are known; after the last one comes the first again."""

QUESTIONS: Final[dict[Language, str]] = {"es": "¿Está lista la bolsa {}?", "en": "Is bag {} ready?"}
ANSWERS: Final[dict[Language, str]] = {
    "es": "Sí, la bolsa {} está lista: te espera en el mostrador.",
    "en": "Yes, bag {} is ready: it is waiting for you at the counter.",
}
_BAG: Final = re.compile(r"\b(?:bolsa|bag) (\d+)\b")
_ENTRY: Final = '\n[[faq]]\nquestion = "{}"\nanswer = "{}"\nlanguage = "{}"\n'


def business(plain: Path) -> str:
    """A business file that answers these questions too. Raises OSError when ``plain`` cannot be read."""
    entries = (
        _ENTRY.format(QUESTIONS[language].format(bag), ANSWERS[language].format(bag), language)
        for bag, language in itertools.product(range(1, BAGS + 1), QUESTIONS)
    )
    return plain.read_text(encoding="utf-8") + "".join(entries)


class Marks:
    """What a ledger calls these bags: the mark of a message that somebody else wrote is not among them."""

    def __init__(self) -> None:
        self._marks: dict[int, str] = {}

    def note(self, bag: int, chat: int) -> str:
        """The question about this bag comes from here next; its mark."""
        self._marks[bag] = f"c{chat} n{bag} {secrets.token_hex(4)}"
        return self._marks[bag]

    def put_into(self, text: str) -> str:
        """A text as a ledger reads it: each bag that was asked for is its mark."""
        return _BAG.sub(lambda found: self._marks.get(int(found[1]), found[0]), text)
