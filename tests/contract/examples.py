"""Examples of the Bot API's objects, made from aiogram's models alone: whatever they know, there is one of it."""

from __future__ import annotations

import datetime as dt
import enum
import types
import typing
from collections.abc import Iterator
from typing import Any, Final

from aiogram.types import Chat, DateTime, Message, Update, User
from pydantic import BaseModel
from typing_extensions import TypeAliasType

PERSON: Final = {"id": 555, "is_bot": False, "first_name": "Ana", "language_code": "es"}
CHATS: Final = {
    "private": {"id": 555, "type": "private", "first_name": "Ana"},
    "group": {"id": -555, "type": "group", "title": "Group"},
    "supergroup": {"id": -1_001_234_567_890, "type": "supergroup", "title": "Group", "is_forum": True},
    "channel": {"id": -1_001_234_567_891, "type": "channel", "title": "Channel"},
}
WELL_KNOWN: Final[dict[Any, Any]] = {User: PERSON, Chat: CHATS["private"]}
LATER: Final = 1_795_368_000
PLAIN: Final[dict[Any, Any]] = {
    bool: True,
    int: 7,
    float: 1.5,
    str: "hola",
    Any: "hola",
    dt.datetime: LATER,
    dt.timedelta: 60,
    DateTime: LATER,
}
DEEPEST: Final = 6


def example(kind: Any, depth: int = 0) -> Any:
    """A JSON value that a field of this type may have, with its required fields alone."""
    kind = _resolved(kind)
    if kind in PLAIN:
        return PLAIN[kind]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (list, tuple, set):
        return [example(inner[0], depth + 1)] if depth < DEEPEST else []
    if origin is typing.Literal or issubclass(kind, enum.Enum):
        return _plain((inner or list(kind))[0])
    if issubclass(kind, BaseModel):
        return WELL_KNOWN.get(kind) or required(kind, depth)
    raise TypeError(f"no example of {kind!r} is known")


def _resolved(kind: Any) -> Any:
    """The type that stands behind an alias or an annotation, and the first of several."""
    while kind not in PLAIN:
        if isinstance(kind, TypeAliasType):
            kind = kind.__value__
        elif typing.get_origin(kind) is typing.Annotated:
            kind = typing.get_args(kind)[0]
        elif typing.get_origin(kind) in (typing.Union, types.UnionType):
            kind = next(each for each in typing.get_args(kind) if each is not type(None))
        else:
            break
    return kind


def required(model: type[BaseModel], depth: int = 0) -> dict[str, Any]:
    """An object with nothing but what it must have."""
    model.model_rebuild()
    fields = model.model_fields.items()
    return {
        field.alias or name: _fixed(field) or example(field.annotation, depth + 1)
        for name, field in fields
        if field.is_required() or _fixed(field)
    }


def _fixed(field: Any) -> Any:
    """What tells one kind of object from another: the default of a field that has only one value."""
    return _plain(field.default) if typing.get_origin(field.annotation) is typing.Literal else None


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def messages(chat: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """For each field that a message may have, one that has it and what it must have, by the field's name."""
    base = {"message_id": 7, "date": LATER, "chat": CHATS[chat], "from": PERSON}
    for name, field in Message.model_fields.items():
        key = field.alias or name
        yield key, base | ({} if key in base else {key: example(field.annotation)})


def kinds_of_update() -> list[str]:
    return [name for name in Update.model_fields if name != "update_id"]


def updates() -> Iterator[tuple[str, dict[str, Any]]]:
    """One update of each kind, by its name."""
    for name in kinds_of_update():
        yield name, {"update_id": 7, name: example(Update.model_fields[name].annotation)}


def kinds_with_messages() -> list[str]:
    """The updates that consist of a message."""
    return [name for name in kinds_of_update() if Message in typing.get_args(Update.model_fields[name].annotation)]
