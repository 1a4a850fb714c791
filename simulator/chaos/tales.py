"""Long answers of known words: what the model tells for a message, and whether a person was told all of it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from simulator.bubble import Bubble
from simulator.ledger.records import is_partial, marks_of
from simulator.models import echo

LENGTHS: Final = (20, 12_000)
"""Characters of an answer; as many are shorter than a twenty-fifth of the longest as are longer."""
PIECE, PIECES = 8, 60
"""An answer comes in pieces of so many characters, or in so many pieces if it is long."""
WORDS: Final = (3, 40)
BEGINS: Final = "re:"
_WORD: Final = re.compile(r"\bw(\d+)\b")
_FORMS: Final[tuple[Callable[[list[str]], str], ...]] = (
    " ".join,
    " ".join,
    lambda words: f"**{words[0]}** {' '.join(words[1:])} 👩‍👩‍👧‍👦",
    lambda words: "\n".join(f"- {word}" for word in words),
    lambda words: "```python\n" + "\n\n".join(f"{word} = 1" for word in words) + "\n```",
    lambda words: f"> {' '.join(words)}",
    lambda words: f"[{words[0]}](https://a.example/b_(c)) `{' '.join(words[1:])}`",
)


class Told(NamedTuple):
    """An answer as a person reads it: the marks that it repeats, and the numbers of its words in their order."""

    marks: list[str]
    words: list[int]

    @property
    def fault(self) -> str:
        """What is wrong with it; empty when it is whole."""
        wanted = _numbers(tale(self.marks))
        if self.words == wanted:
            return ""
        missing, known = len(set(wanted) - set(self.words)), len(set(self.words))
        what = f"{missing} of {len(wanted)} words are missing" if missing else "its words stand in another order"
        return what if known == len(self.words) else f"{len(self.words) - known} words stand in it twice"


def answer(body: dict[str, Any]) -> list[str]:
    """What a model says to this request, in the pieces in which it says it."""
    head = echo(body)
    text = f"{head}\n\n{tale(marks_of(head))}"
    size = max(PIECE, math.ceil(len(text) / PIECES))
    return [text[at : at + size] for at in range(0, len(text), size)]


def tale(marks: Sequence[str]) -> str:
    """A text of numbered words in all kinds of Markdown, always the same one for the same marks."""
    chance = Random(" ".join(marks))
    least, most = LENGTHS
    size = math.exp(chance.uniform(math.log(least), math.log(most)))
    blocks: list[str] = []
    number = length = 0
    while not blocks or length < size:
        words = [f"w{number + place}" for place in range(min(chance.randint(*WORDS), 2 + int(size - length) // 4))]
        number += len(words)
        blocks.append(chance.choice(_FORMS)(words))
        length += len(blocks[-1])
    return "\n\n".join(blocks)


def told(bubbles: Iterable[Bubble]) -> Iterator[Told]:
    """The answers in a chat. An opening that was left behind belongs to none."""
    current: Told | None = None
    for bubble in bubbles:
        if bubble.who != "assistant" or is_partial(bubble.text):
            continue
        if bubble.text.startswith(BEGINS):
            if current:
                yield current
            current = Told(marks_of(bubble.text), [])
        if current:
            current.words.extend(_numbers(bubble.text))
    if current:
        yield current


def _numbers(text: str) -> list[int]:
    return [int(number) for number in _WORD.findall(text)]
