"""Messages as the mailbox keeps them: one line of JSON each, and the platform's own words."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from bot.message import Attachment, Message

_json = json.JSONEncoder(separators=(",", ":")).encode


def kind(message: Message) -> str:
    """What accept must know of a message: s(top) and c(ommand) end the listening, any other m(essage) does not."""
    name = message.command if message.addressed and message.text.startswith("/") else ""
    return "s" if name == "stop" else "c" if name else "m"


def accepted(message: Message, admits: Callable[[Sequence[Message]], bool] = bool) -> tuple[str, str, str]:
    """A message as accept takes it: kind, the bubble that it is about, and payload.

    It is about the bubble that it puts right, or about the one under which its button was pressed. A stop of somebody
    whom nobody ``admits``, in a group, is a command as any other of theirs: it is not obeyed.
    """
    if not message.replaces:
        of = kind(message)
        of = "c" if of == "s" and not admits([message]) else of
        return of, message.reply_to if of == "s" and message.pressed else "", pack(message)
    now = replace(message, bubble=message.replaces)
    return "e", message.replaces, f"{kind(now).replace('s', 'c')}|{pack(now)}"


def pack(message: Message) -> str:
    """A message as it is stored, without what the mailbox itself adds (version, number, time, kind).

    One line of JSON, and below it the platform's own words as they came.
    """
    record: dict[str, Any] = {"id": message.id, "text": message.text, "sent_at": message.sent_at}
    for name in ("person", "language", "reply_to", "sender", "bubble", "replaces", "album", "called", "pressed"):
        if value := getattr(message, name):
            record[name] = value
    if not message.addressed:
        record["addressed"] = False
    if message.attachments:
        record["attachments"] = [asdict(attachment) for attachment in message.attachments]
    return f"{_json(record)}\n{message.raw}"


def unpack(payload: bytes, conversation: str, number: int = 0) -> Message:
    line, _, raw = payload.partition(b"\n")
    record = json.loads(line)
    attachments = tuple(Attachment(**attachment) for attachment in record.pop("attachments", ()))
    called = tuple(record.pop("called", ()))
    return Message(
        conversation=conversation, attachments=attachments, called=called, number=number, raw=raw.decode(), **record
    )


def unpack_entry(entry: bytes, conversation: str) -> Message:
    """A message as the mailbox keeps it, with its number."""
    _version, number, _at, _kind, payload = entry.split(b"|", 4)
    return unpack(payload, conversation, int(number))
