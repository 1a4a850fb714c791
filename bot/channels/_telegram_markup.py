"""A model's Markdown as Telegram shows it: plain text and entities, in bubbles.

Entities are used instead of a parse mode, because text with entities cannot fail to parse. Limits
and entity types: https://core.telegram.org/bots/api#messageentity; that a message shows at most 100
entities is python-telegram-bot's ``MessageLimit.MESSAGE_ENTITIES``.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from operator import attrgetter
from typing import Any

from telegramify_markdown import MessageEntity, RenderConfig, convert

from bot.channels._telegram_source import ALLOWED_LINK, prepare
from bot.channels._text import clean, split, utf16_offsets
from bot.message import Piece

MOST_ENTITIES = 100

_log = logging.getLogger(__name__)
_KEPT = frozenset({"bold", "italic", "strikethrough", "spoiler", "code", "pre", "text_link", "blockquote"})
_CODE = frozenset({"code", "pre"})
_SOLID = _CODE | {"text_link"}
"""What Telegram does not let lie in each other (https://core.telegram.org/bots/api#formatting-options)."""
_LANGUAGE = re.compile(r"[\w+#.-]{1,32}")


@dataclass(frozen=True, slots=True)
class _Mark:
    """An entity by the characters it covers, counted as Python counts them."""

    type: str
    start: int
    end: int
    extra: dict[str, str] = field(default_factory=dict)


def render(text: str) -> tuple[Piece, ...]:
    """``text`` as bubbles of at most 4096 UTF-16 units and 100 entities. Never raises.

    Text that cannot be converted is shown as it is.
    """
    text = clean(text)
    try:
        shown, marks = _convert(text)
    except Exception as error:  # noqa: BLE001 - the border to foreign parsers: an answer is shown, whatever they do
        _log.warning("an answer is shown without its formatting: %s", type(error).__name__)
        shown, marks = text, []
    if not shown.strip():
        shown, marks = text, []
    return tuple(_pieces(shown, marks))


def _convert(markdown: str) -> tuple[str, list[_Mark]]:
    shown, entities = convert(prepare(markdown), config=_CONFIG)
    offsets = utf16_offsets(shown)
    marks: list[_Mark] = []
    ends: dict[str, int] = {}
    for entity in sorted(entities, key=lambda e: (e.offset, -e.length)):
        start, end = bisect_left(offsets, entity.offset), bisect_left(offsets, entity.offset + entity.length)
        covered = start < ends.get(entity.type, 0)  # Telegram knows no quote within a quote
        if not covered and start < end <= len(shown) and _is_kept(entity):
            ends[entity.type] = end
            marks.append(_Mark(entity.type, start, end, _extra(entity)))
    return shown, _apart(marks)


def _apart(marks: list[_Mark]) -> list[_Mark]:
    """Nothing lies in code, and code in no link, as Telegram wants it; what reaches into code goes on behind it."""
    solid: list[_Mark] = []
    for mark in sorted((m for m in marks if m.type in _SOLID), key=lambda m: (m.start, -m.end, m.type != "text_link")):
        if not solid or mark.start >= solid[-1].end:
            solid.append(mark)
    code = [mark for mark in solid if mark.type in _CODE]
    loose = (part for mark in marks if mark.type not in _SOLID for part in _without(mark, code))
    return sorted([*solid, *loose], key=lambda m: (m.start, -m.end, m.type in _CODE))


def _without(mark: _Mark, code: list[_Mark]) -> Iterator[_Mark]:
    """What of a mark lies outside of all ``code``, which is in order; a quote may hold some."""
    start = mark.start
    first = bisect_right(code, start, key=attrgetter("end"))
    for hole in takewhile(lambda hole: hole.start < mark.end, islice(code, first, None)):
        if mark.type == "blockquote":
            break
        if start < hole.start:
            yield replace(mark, start=start, end=hole.start)
        start = hole.end
    if start < mark.end:
        yield replace(mark, start=start)


def _is_kept(entity: MessageEntity) -> bool:
    return entity.type in _KEPT and (entity.type != "text_link" or bool(ALLOWED_LINK.match(entity.url or "")))


def _extra(entity: MessageEntity) -> dict[str, str]:
    if entity.type == "text_link" and entity.url:
        return {"url": entity.url}
    if entity.type == "pre" and entity.language and _LANGUAGE.fullmatch(entity.language):
        return {"language": entity.language}
    return {}


def _pieces(text: str, marks: list[_Mark]) -> list[Piece]:
    def ceiling(start: int) -> int:
        """Where the first entity too many begins; several that begin together cannot be kept apart."""
        later = [mark.start for mark in marks if mark.end > start][MOST_ENTITIES:]
        return next((place for place in later if place > start), len(text))

    blocks = [(mark.start, mark.end) for mark in marks if mark.type == "pre"]
    return [_piece(text, marks, start, end) for start, end in split(text, ceiling=ceiling, blocks=blocks)]


def _piece(text: str, marks: list[_Mark], start: int, end: int) -> Piece:
    shown = text[start:end]
    offsets = utf16_offsets(shown)
    entities: list[dict[str, Any]] = []
    for mark in marks:
        first, last = max(mark.start, start) - start, min(mark.end, end) - start
        if first < last:
            size = offsets[last] - offsets[first]
            entities.append({"type": mark.type, "offset": offsets[first], "length": size} | mark.extra)
    return Piece(shown, tuple(entities[:MOST_ENTITIES]))


def _config() -> RenderConfig:
    config = RenderConfig.isolated()
    symbol = config.markdown_symbol
    for level in range(1, 7):
        setattr(symbol, f"heading_level_{level}", "")
    symbol.image = symbol.link = ""
    symbol.task_completed, symbol.task_uncompleted = "☑", "☐"
    symbol.unordered_list_item, symbol.horizontal_rule = "•", "———"
    config.cite_expandable = False
    return config


_CONFIG = _config()
