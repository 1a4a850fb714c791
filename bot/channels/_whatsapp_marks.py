"""WhatsApp's marks while an answer is put together, and its cutting into bubbles, in each of which they are whole.

Until then each end of a mark is a character of its own, one that no text has (Unicode's noncharacters,
https://www.unicode.org/faq/private_use.html#nonchar1), so that a cut knows which marks it falls into, and a ``*``
that stands for itself is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.channels._text import LIMIT, split, utf16_offsets

_OPENING, _CLOSING = "\ufdd0\ufdd1\ufdd2\ufdd3\ufdd4", "\ufdd8\ufdd9\ufdda\ufddb\ufddc"
_SPELLED = "*_~``"
_PLAIN = str.maketrans(_OPENING + _CLOSING, _SPELLED * 2)
_RESERVED = str.maketrans(dict.fromkeys(_OPENING + _CLOSING, "\ufffd"))

MARKED = dict(zip(("strong", "em", "s", "code"), zip(_OPENING, _CLOSING, strict=True), strict=False))
"""How each kind of formatting begins and ends."""

FENCE, FENCE_END = f"{_OPENING[4]}``", f"{_CLOSING[4]}``"
_QUOTE = "> "
_ROOM = 2 * len(_SPELLED) + 2 * len("``\n") + len(_QUOTE)
"""What marks that are closed and opened again, and a quote that goes on, may take in a bubble."""


def reserve(text: str) -> str:
    """``text`` without the characters that are used here; they mean nothing to anybody."""
    return text.translate(_RESERVED)


def spell(text: str) -> str:
    """``text`` as WhatsApp reads it."""
    return text.translate(_PLAIN)


def bubbles(text: str) -> list[str]:
    """Cut ``text``; a mark, code block or quote that a cut falls into ends with its bubble and goes on in the next."""
    pieces = list(_cut(text, LIMIT))
    return pieces if all(utf16_offsets(piece)[-1] <= LIMIT for piece in pieces) else list(_cut(text, LIMIT - _ROOM))


def _cut(text: str, limit: int) -> Iterator[str]:
    open_marks, done = "", 0
    for start, end in split(spell(text), limit):
        open_marks, before = _open_after(text[done:start], open_marks), _quote_at(text, start)
        reopened, open_marks = open_marks, _open_after(text[start:end], open_marks)
        piece = before + _opened(reopened) + text[start:end] + _closed(open_marks)
        done = end
        if shown := _without_empty(piece) if reopened or open_marks else piece:
            yield spell(shown)


def _open_after(text: str, marks: str) -> str:
    """Which of ``marks`` and those in ``text`` are open at its end, outermost first."""
    for char in text:
        if char in _OPENING:
            marks += char
        elif char in _CLOSING:
            marks = marks[:-1]
    return marks


def _opened(marks: str) -> str:
    return marks.replace(_OPENING[4], f"{FENCE}\n")


def _closed(marks: str) -> str:
    return "".join(
        f"\n{FENCE_END}" if mark == _OPENING[4] else _CLOSING[_OPENING.index(mark)] for mark in reversed(marks)
    )


def _without_empty(text: str) -> str:
    """Marks around nothing would be seen: a cut may fall just inside of one."""
    for opening, closing in zip(_OPENING[:4], _CLOSING[:4], strict=True):
        text = text.replace(opening + closing, "")
    for nothing in (f"{FENCE}\n\n{FENCE_END}", f"{FENCE}\n{FENCE_END}"):
        text = text.replace(nothing, "")
    return text.strip("\n")


def _quote_at(text: str, start: int) -> str:
    """The mark of the quoted line that goes on at ``start``; empty where none does."""
    line = text.rfind("\n", 0, start) + 1
    return _QUOTE if line < start and text.startswith(_QUOTE, line) else ""
