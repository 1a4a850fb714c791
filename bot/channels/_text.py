"""Text as both platforms measure it: cleaning, and cutting it into bubbles where a reader would."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, takewhile

LIMIT = 4096
"""The most that a bubble holds on either platform, counted in UTF-16 units: the larger count, so safe on both."""

_ZERO_WIDTH_JOINER = "\u200d"
_LONGEST_CLUSTER = 64


def clean(text: str) -> str:
    """``text`` without what no platform takes: half characters become U+FFFD, NUL goes, lines end in LF."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def utf16_offsets(text: str) -> list[int]:
    """Where each character begins in UTF-16 units, and after the last one the length of all."""
    return list(accumulate((2 if char > "\uffff" else 1 for char in text), initial=0))


def split(
    text: str,
    limit: int = LIMIT,
    ceiling: Callable[[int], int] | None = None,
    blocks: Sequence[tuple[int, int]] = (),
) -> Iterator[tuple[int, int]]:
    """The stretches of ``text`` (start, end) that become bubbles of at most ``limit`` UTF-16 units each.

    Cuts fall between paragraphs if they can, else between lines, else between words, never inside an
    emoji or an accented letter, and inside one of ``blocks`` only if it is too long for a bubble of its own.
    Only white space at the edges is left out. ``ceiling(start)`` may end a stretch earlier.
    """
    offsets, start = utf16_offsets(text), 0
    while (start := _skip(text, start, "\n")) < len(text):
        end = bisect_right(offsets, offsets[start] + limit) - 1
        end = min(end, ceiling(start)) if ceiling else end
        fits = any(start < a < end < b and offsets[b] - offsets[a] <= limit for a, b in blocks)
        early = start + 1 + (0 if fits else (end - start) // 4)
        gap = _gap(text, early, end, blocks)
        stop, following = (end, end) if end == len(text) else gap or _gap(text, early, end) or _cut(text, start, end)
        if shown := text[start:stop].rstrip():
            yield start, start + len(shown)
        start = following


def _skip(text: str, start: int, characters: str) -> int:
    while start < len(text) and text[start] in characters:
        start += 1
    return start


def _gap(text: str, early: int, end: int, blocks: Sequence[tuple[int, int]] = ()) -> tuple[int, int] | None:
    """The last end of a paragraph, or else of a line, from ``early`` to ``end`` and outside of all ``blocks``."""
    for gap in ("\n\n", "\n"):
        found = text.rfind(gap, early, end + len(gap))
        while (block := next((a for a, b in blocks if a <= found < b), None)) is not None:
            found = text.rfind(gap, early, block)
        if found > 0:
            return found, found
    return None


def _cut(text: str, start: int, end: int) -> tuple[int, int]:
    """Where a stretch without a gap, which may reach ``end``, best stops, and where the next one begins."""
    for at in range(end, start, -1):
        if text[at].isspace() and not is_glued(text, at + 1):
            return at, _skip(text, at + 1, " ")
    for at in range(end, max(start, end - _LONGEST_CLUSTER), -1):
        if not is_glued(text, at):
            return at, at
    return end, end


def is_glued(text: str, at: int) -> bool:
    """Whether a cut before ``text[at]`` would tear one visible character apart."""
    if not 0 < at < len(text):
        return False
    char, before = text[at], text[at - 1]
    if _ZERO_WIDTH_JOINER in (char, before) or unicodedata.category(char).startswith("M"):
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff" or "\U000e0020" <= char <= "\U000e007f":
        return True
    if _is_flag_letter(char):
        letters = sum(1 for _ in takewhile(_is_flag_letter, map(text.__getitem__, range(at - 1, -1, -1))))
        return letters % 2 == 1
    return False


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
