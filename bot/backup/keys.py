"""Which keys a backup may have: a checksum is made by whoever makes the file, so it proves nothing about them."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from bot.stores.connection import PREFIX

LATEST: Final = 253_402_300_800_000
"""The year 10000 in ms since 1970: no time of ours is later."""

_ENTRY: Final = re.compile(r"[0-9]{1,15}-[0-9]{1,15}")
"""The id of a stream's entry."""


def is_key(one: Any) -> bool:
    """Whether it is a key of ours, and holds what Redis' type of that name holds."""
    match one:
        case [str(name), str(kind), int(ends), held] if name.startswith(PREFIX) and 0 <= ends < LATEST:
            return _is_text(name) and _holds(kind, held)
    return False


def _holds(kind: str, held: Any) -> bool:
    match kind, held:
        case "string", _:
            return _is_text(held)
        case (("list" | "set"), [_, *_]):
            return all(map(_is_text, held))
        case "hash", [_, _, *_]:
            return len(held) % 2 == 0 and all(map(_is_text, held))
        case "zset", [_, _, *_]:
            return len(held) % 2 == 0 and all(map(_is_text, held)) and all(map(_is_number, held[1::2]))
        case "stream", [*entries]:
            return all(map(_is_entry, entries))
    return False


def _is_entry(entry: Any) -> bool:
    match entry:
        case [str(at), [*pairs]]:
            return bool(_ENTRY.fullmatch(at)) and _holds("hash", pairs)
    return False


def _is_number(score: str) -> bool:
    try:
        return not math.isnan(float(score))
    except ValueError:
        return False


def _is_text(value: Any) -> bool:
    """Whether it is one that was bytes before."""
    try:
        return isinstance(value, str) and value.encode(errors="surrogateescape") is not None
    except UnicodeEncodeError:
        return False
