"""aiogram's models of the Bot API as a judge, independent of us and of python-telegram-bot, of what goes to and fro.

It knows every method's parameters and every object's fields; what it does not know is a fault.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from aiogram import methods
from aiogram.methods import TelegramMethod
from aiogram.types import BufferedInputFile, Update
from pydantic import BaseModel, TypeAdapter, ValidationError

from simulator.bot_api import Upload
from simulator.calls import Call

METHODS: Final[dict[str, type[TelegramMethod[Any]]]] = {
    found.__api_method__.lower(): found
    for _, found in inspect.getmembers(methods, inspect.isclass)
    if issubclass(found, TelegramMethod) and found is not TelegramMethod
}
NO_METHODS: Final = ("file",)
"""What is recorded as a call and is none of the Bot API's: the download of a file."""


def faults_in(calls: Sequence[Call]) -> list[str]:
    """What is wrong with these calls or with what was answered to them; each kind of fault once."""
    return list(dict.fromkeys(fault for call in calls for fault in (*_faults_of(call), *_faults_answered(call))))


def faults_of_update(update: Mapping[str, Any]) -> list[str]:
    """What is wrong with an update."""
    return list(_judged("update", Update, update))


def _faults_of(call: Call) -> Iterator[str]:
    if call.method in NO_METHODS:
        return
    method = METHODS.get(call.method.lower())
    if method is None:
        yield f"{call.method}: there is no such method"
        return
    params = {name: _file(value) for name, value in call.params.items()}
    yield from _judged(call.method, method, params)


def _faults_answered(call: Call) -> Iterator[str]:
    method = METHODS.get(call.method.lower())
    if method is None or not isinstance(call.answer, Mapping) or not call.answer.get("ok"):
        return
    yield from _judged(f"{call.method}'s answer", method.__returning__, call.answer.get("result"))


def _file(value: Any) -> Any:
    return BufferedInputFile(value.content, value.name) if isinstance(value, Upload) else value


def _judged(name: str, kind: Any, value: Any) -> Iterator[str]:
    try:
        found = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            yield f"{name}: {'.'.join(map(str, each['loc']))}: {each['msg']}"
    else:
        yield from (f"{name}: {path} is no field" for path in _strangers(found))


def _strangers(value: Any, path: str = "") -> Iterator[str]:
    """The fields within a value that its models do not have."""
    if isinstance(value, BaseModel):
        yield from (f"{path}.{name}".lstrip(".") for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _strangers(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _strangers(each, path)
