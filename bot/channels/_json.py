"""Reading a platform's JSON without trusting its shape: what is there has the right type, or is Unreadable."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeVar

from bot.errors import Unreadable

LARGEST = 1 << 63
"""No platform's number goes beyond a signed 64-bit integer."""

Object = dict[str, Any]
Kind = TypeVar("Kind")


def read_object(body: bytes) -> Object:
    """The JSON object that ``body`` holds, as UTF-8. Raises Unreadable for everything else."""
    try:
        found = json.loads(body.decode(), parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the body is not JSON ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise Unreadable("the body is JSON, but no object")
    return found


def write(value: Any) -> str:
    """``value`` as compact JSON that every store can hold. Raises Unreadable for half a character."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        text.encode()
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"a text cannot be stored ({type(error).__name__})") from None
    return text


def text_in(found: Object, key: str) -> str:
    """The text under ``key``; empty where there is none. Raises Unreadable for another type."""
    return _typed(found, key, str, "")


def object_in(found: Object, key: str) -> Object:
    """The object under ``key``; empty where there is none. Raises Unreadable for another type."""
    return _typed(found, key, dict, {})


def list_in(found: Object, key: str) -> list[Any]:
    """The list under ``key``; empty where there is none. Raises Unreadable for another type."""
    return _typed(found, key, list, [])


def objects_in(found: Object, key: str) -> list[Object]:
    """The list under ``key``, which holds objects only. Raises Unreadable for other types."""
    items = list_in(found, key)
    if not all(isinstance(item, dict) for item in items):
        raise Unreadable(f"{key!r} is no list of objects")
    return items


def number_in(found: Object, key: str) -> int:
    """The whole number under ``key``; 0 where there is none. Raises Unreadable for another type or size."""
    number = _typed(found, key, int, 0)
    if isinstance(number, bool) or not -LARGEST <= number < LARGEST:
        raise Unreadable(f"{key!r} is no number that a platform gives")
    return number


def _typed(found: Object, key: str, kind: type[Kind], absent: Kind) -> Kind:
    value = found.get(key)
    if value is None:
        return absent
    if not isinstance(value, kind):
        raise Unreadable(f"{key!r} has the wrong type")
    return value


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
