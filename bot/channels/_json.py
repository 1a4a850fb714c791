"""Reading a platform's JSON without trusting its shape: what is there has the right type, or is Unreadable."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from bot.errors import Unreadable

LARGEST = 1 << 63
"""No platform's number goes beyond a signed 64-bit integer."""

Object = dict[str, Any]

_compact = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


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
        text = _compact(value)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"a text cannot be stored ({type(error).__name__})") from None
    return text


def text_in(found: Object, key: str) -> str:
    """The text under ``key``; empty where there is none. Raises Unreadable for another type."""
    value = found.get(key)
    return "" if value is None else value if type(value) is str else _wrong(key)


def object_in(found: Object, key: str) -> Object:
    """The object under ``key``; empty where there is none. Raises Unreadable for another type."""
    value = found.get(key)
    return {} if value is None else value if type(value) is dict else _wrong(key)


def list_in(found: Object, key: str) -> list[Any]:
    """The list under ``key``; empty where there is none. Raises Unreadable for another type."""
    value = found.get(key)
    return [] if value is None else value if type(value) is list else _wrong(key)


def objects_in(found: Object, key: str) -> list[Object]:
    """The list under ``key``, which holds objects only. Raises Unreadable for other types."""
    items = list_in(found, key)
    if not all(isinstance(item, dict) for item in items):
        raise Unreadable(f"{key!r} is no list of objects")
    return items


def number_in(found: Object, key: str) -> int:
    """The whole number under ``key``; 0 where there is none. Raises Unreadable for another type or size."""
    number = found.get(key)
    if number is None:
        return 0
    if type(number) is not int:
        _wrong(key)
    if not -LARGEST <= number < LARGEST:
        raise Unreadable(f"{key!r} is no number that a platform gives")
    return number


def _wrong(key: str) -> NoReturn:
    raise Unreadable(f"{key!r} has the wrong type")


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
