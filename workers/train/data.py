"""The conversations to learn from: a JSONL file, read whole and judged line by line before anything is trained."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from bot.errors import SettingsError
from bot.texts import Language

ROLES: Final = ("system", "user", "assistant")
SHOWN: Final = 10
"""So many broken lines are named at once."""

Message = dict[str, str]


class _Wrong(Exception):
    """A line is no conversation; the text says why."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One line of the file. ``language`` is None where the line does not say."""

    messages: tuple[Message, ...]
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """A whole file; ``sha256`` is its bytes', so that a card or a resumed training can name it."""

    conversations: tuple[Conversation, ...]
    sha256: str


def read(path: Path) -> Data:
    """The conversations in ``path``; empty lines are passed over.

    Raises SettingsError, which names each broken line by its number (from 1) and what is wrong with it.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read ({error.strerror}). Give the file with the conversations."
        ) from None
    found, broken = [], []
    for number, line in enumerate(raw.split(b"\n"), 1):
        if line.strip():
            try:
                found.append(_conversation(line))
            except _Wrong as error:
                broken.append(f"line {number}: {error}")
    if broken:
        more = f"\n  and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
        raise SettingsError(f"{path}: nothing was trained. Please correct\n  " + "\n  ".join(broken[:SHOWN]) + more)
    if not found:
        raise SettingsError(f"{path} holds no conversation. Write one a line, as in examples/conversations.jsonl.")
    return Data(tuple(found), hashlib.sha256(raw).hexdigest())


def split(
    conversations: Sequence[Conversation], share: float, seed: int
) -> tuple[list[Conversation], list[Conversation]]:
    """Those to learn from and those held out: ``share`` of them, at least one, and never the last to learn from."""
    order = shuffled(len(conversations), seed)
    held = min(max(round(len(order) * share), 1), len(order) - 1) if share else 0
    chosen = set(order[:held])
    learnt = [one for place, one in enumerate(conversations) if place not in chosen]
    return learnt, [conversations[place] for place in sorted(chosen)]


def shuffled(size: int, seed: int | str) -> list[int]:
    """The numbers below ``size`` in an order that depends on ``seed`` alone."""
    return random.Random(seed).sample(range(size), size)  # noqa: S311 - an order that can be repeated, no secret


def _conversation(line: bytes) -> Conversation:
    """Raises _Wrong, whose text says what is wrong."""
    try:
        found = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise _Wrong("not UTF-8 text; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise _Wrong(f"not JSON ({error.msg} at character {error.pos + 1}); one whole object a line") from None
    except RecursionError:
        raise _Wrong("not a conversation, but nested without end") from None
    if not isinstance(found, dict) or not isinstance(found.get("messages"), list):
        raise _Wrong('not an object with a list called "messages"')
    language = found.get("language")
    if language is not None and language not in get_args(Language):
        raise _Wrong(f'"language" must be one of {", ".join(get_args(Language))}')
    messages = tuple(_message(place, one) for place, one in enumerate(found["messages"], 1))
    _check_order([message["role"] for message in messages])
    return Conversation(messages, language)


def _message(place: int, found: Any) -> Message:
    if not isinstance(found, dict):
        raise _Wrong(f"message {place} is no object with a role and a content")
    role, content = found.get("role"), found.get("content")
    if role not in ROLES:
        raise _Wrong(f"message {place}: the role must be one of {', '.join(ROLES)}")
    if not isinstance(content, str) or not content.strip():
        raise _Wrong(f"message {place}: the content must be a text, and not empty")
    try:
        content.encode()
    except UnicodeEncodeError:
        raise _Wrong(f"message {place}: half a character (a lone surrogate)") from None
    return {"role": role, "content": content}


def _check_order(roles: list[str]) -> None:
    """A system message may open; then question and answer in turn, and the answer last."""
    talk = roles[1:] if roles[:1] == ["system"] else roles
    if not talk:
        raise _Wrong("no question and no answer")
    for place, role in enumerate(talk, 1 + len(roles) - len(talk)):
        expected = "user" if (place - (len(roles) - len(talk))) % 2 else "assistant"
        if role != expected:
            raise _Wrong(f"message {place} is {role}'s where {expected}'s is expected: question, answer, question …")
    if talk[-1] != "assistant":
        raise _Wrong("the last message is a question; every question needs its answer")
