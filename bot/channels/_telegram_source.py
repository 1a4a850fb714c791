"""Markdown made ready for a converter that would drop what it does not show.

Raw HTML, links that Telegram does not take and reference definitions would vanish together with
their words; here a backslash makes them plain text. Nothing inside code is touched.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import pyromark

from bot.channels._literal import literal_marks

ALLOWED_LINK = re.compile(r"(?:https?://|mailto:|tg://(?!emoji))\S", re.IGNORECASE)
"""Addresses that a bubble may link to."""

_OPTIONS = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
    | pyromark.Options.ENABLE_MATH
)
_PASSES = 8
_BREAK = re.compile(rb"<br\s*/?>", re.IGNORECASE)
_DEFINITION = re.compile(r"\[(?:[^\[\]\\]|\\.){1,999}\]:", re.DOTALL)
_BARS = re.compile(r"(?<=\s)\|\|(?=\s)")
_NO_LABEL = re.compile(rb"!?\[\s*\]")

Edit = tuple[int, int, bytes]
"""Bytes from, bytes to, and what stands there instead."""


def prepare(markdown: str) -> str:
    """``markdown`` with everything escaped that would be lost. Raises ValueError when that has no end."""
    for _ in range(_PASSES):
        source = markdown.encode()
        events = list(pyromark.events_with_range(markdown, options=_OPTIONS))
        # Text is judged last: only when no HTML hides anything is it known what is code or a link.
        edits = sorted(_event_edits(source, events)) or sorted(_text_edits(markdown, events))
        if not edits:
            return markdown
        markdown = _apply(source, edits).decode()
    raise ValueError("the markup does not settle")


def _apply(source: bytes, edits: list[Edit]) -> bytes:
    parts, done = [], 0
    for start, end, instead in edits:
        if start >= done:
            parts += [source[done:start], instead]
            done = end
    return b"".join([*parts, source[done:]])


def _text_edits(text: str, events: list[Any]) -> Iterator[Edit]:
    """What the parser does not report: marks that stand for themselves, definitions, logical or."""
    places = literal_marks(text) | {found.start() for found in _DEFINITION.finditer(text)}
    places |= {found.start() for found in _BARS.finditer(text)}
    if not places:
        return
    untouchable = _untouchable(events)
    at = list(accumulate((len(char.encode()) for char in text), initial=0))
    for place in places:
        if not _is_escaped(text, place) and not _is_inside(untouchable, at[place]):
            yield at[place], at[place], b"\\"


def _is_escaped(text: str, place: int) -> bool:
    before = text[max(0, place - 64) : place]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _untouchable(events: list[Any]) -> list[tuple[int, int]]:
    """Where a backslash would be seen: code, formulas, addresses in angle brackets."""
    ranges = []
    for what, where in events:
        if not isinstance(what, dict):
            continue
        start = what.get("Start")
        block = isinstance(start, dict) and (
            "CodeBlock" in start or start.get("Link", {}).get("link_type") == "Autolink"
        )
        if block or what.keys() & {"Code", "InlineMath", "DisplayMath"}:
            ranges.append((where["start"], where["end"]))
    return sorted(ranges)


def _is_inside(ranges: list[tuple[int, int]], place: int) -> bool:
    index = bisect_right(ranges, (place, 1 << 62)) - 1
    return index >= 0 and place < ranges[index][1]


def _event_edits(source: bytes, events: list[Any]) -> Iterator[Edit]:
    cells = heading = 0
    for what, where in events:
        if not isinstance(what, dict):
            continue
        tag = what.get("Start", what.get("End"))
        step = 1 if "Start" in what else -1
        cells += step * (tag == "TableCell")
        heading += step * (isinstance(tag, dict) and "Heading" in tag)
        if "InlineHtml" in what or "Html" in what:
            yield from _html_edits(source, where, in_line=bool(cells or heading))
        elif step > 0 and isinstance(tag, dict) and (link := tag.get("Link") or tag.get("Image")):
            yield from _link_edits(source, where, link, in_cell=bool(cells))


def _html_edits(source: bytes, where: dict[str, int], *, in_line: bool) -> Iterator[Edit]:
    begin = source.find(b"<", where["start"], where["end"])
    if begin < 0 or source[where["start"] : begin].strip():
        return
    if found := _BREAK.match(source, begin):
        yield begin, found.end(), b" " if in_line else b"  \n"
    else:
        yield begin, begin, b"\\"


def _link_edits(source: bytes, where: dict[str, int], link: dict[str, str], *, in_cell: bool) -> Iterator[Edit]:
    """A link keeps working if Telegram takes it; else it is shown as it was written."""
    start = where["start"]
    simple = link["link_type"] in ("Autolink", "Email")
    allowed = link["link_type"] == "Email" or ALLOWED_LINK.match(link["dest_url"])
    if allowed and (simple or not (in_cell or _NO_LABEL.match(source, start))):
        return
    start += source[start : start + 1] == b"!"
    yield start, start, b"\\"
