"""Messages as the mailbox keeps them: one line of JSON each, and the platform's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, fields, replace
from operator import attrgetter
from typing import Any

from bot.message import Attachment, Message
from bot.stores.alias import seen_key

NOTICE = re.compile(r"Ref\. ([A-Z0-9]{4})\b")
"""How a notice to the owner begins: whoever answers it speaks to that customer."""

_json = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
_KEPT = ("person", "language", "reply_to", "sender", "bubble", "replaces", "album", "called", "pressed", "quoted",
         "order", "ours", "revokes")  # fmt: skip
"""What is stored of a message where it has it."""
_kept = attrgetter(*_KEPT)
_READ = frozenset({"id", "text", "sent_at", "addressed", *_KEPT} - {"called"})
_OF_A_FILE = frozenset(field.name for field in fields(Attachment))


def kind(message: Message) -> str:
    """What accept must know of a message: s(top), c(ommand) and o(urs) end the listening, an m(essage) does not."""
    if message.ours:
        return "o"
    name = message.command if message.addressed and (message.order or message.text.startswith("/")) else ""
    return "s" if name == "stop" else "c" if name or NOTICE.match(message.quoted) else "m"


def accepted(
    message: Message, admits: Callable[[Sequence[Message]], bool] = bool, *, apart: bool = False
) -> tuple[str | int, ...]:
    """A message as accept takes it; the platform's own words ``apart``, or in the payload.

    It is about the bubble that it puts right or takes back, or about the one under which its button was pressed. A stop
    of somebody whom nobody ``admits``, in a group, is a command as any other of theirs: it is not obeyed.
    """
    raw = message.raw if apart else ""
    of, about, payload = _about(message, admits, "" if apart else message.raw)
    seen = seen_key(message.conversation, message.id)
    sent = int(message.sent_at * 1000) if message.sent_at > 0 else 0
    return (seen, message.conversation, " ".join(message.also), of, about, sent, payload, raw)


def _about(message: Message, admits: Callable[[Sequence[Message]], bool], raw: str) -> tuple[str, str, str]:
    """A message's kind, the bubble that it is about, and its payload."""
    if gone := message.revokes:
        left = replace(message, bubble=gone, text="", attachments=())
        return "r", f"{seen_key(message.conversation, gone)} {gone}", f"m|{pack(left, '')}"
    if message.replaces:
        now = replace(message, bubble=message.replaces)
        return "e", message.replaces, f"{kind(now).replace('s', 'c')}|{pack(now, raw)}"
    of = kind(message)
    of = "c" if of == "s" and not admits([message]) else of
    pressed = of == "s" and message.pressed
    return of, message.reply_to if pressed else message.bubble if of != "s" else "", pack(message, raw)


def pack(message: Message, raw: str) -> str:
    """A message as it is stored, without what the mailbox itself adds (version, number, time, kind).

    One line of JSON, and below it what is kept there of the platform's own words.
    """
    record: dict[str, Any] = {"id": message.id, "text": message.text, "sent_at": message.sent_at}
    record |= {name: value for name, value in zip(_KEPT, _kept(message), strict=True) if value}
    if not message.addressed:
        record["addressed"] = False
    if message.attachments:
        record["attachments"] = [asdict(attachment) for attachment in message.attachments]
    return f"{_json(record)}\n{raw}"


def unpack(payload: bytes, conversation: str, number: int = 0) -> Message:
    """A message as ``pack`` made it. Whatever a newer version keeps beside, one that is still older lets be."""
    line, _, raw = payload.partition(b"\n")
    record = json.loads(line)
    attachments = tuple(Attachment(**_those(_OF_A_FILE, one)) for one in record.get("attachments", ()))
    called, known = tuple(record.get("called", ())), _those(_READ, record)
    return Message(
        conversation=conversation, attachments=attachments, called=called, number=number, raw=raw.decode(), **known
    )


def _those(names: Collection[str], record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name in names}


def unpack_entry(entry: bytes, conversation: str) -> Message:
    """A message as the mailbox keeps it, with its number."""
    _version, number, _at, _kind, payload = entry.split(b"|", 4)
    return unpack(payload, conversation, int(number))


def accepted_at(entry: bytes) -> int:
    """When Redis accepted the message of an entry, in ms by its own clock."""
    return int(entry.split(b"|", 3)[2])
