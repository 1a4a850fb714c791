"""Everything that is stored of one person: where it is, and all of it as one document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from bot.errors import RecadoError
from bot.message import Message
from bot.stores import history, mailbox, outbox
from bot.stores.connection import DUE, PREFIX, Store, key, translated
from bot.stores.mailbox import QUARANTINE

PARTS = ("in", "wip", "lease", "turn", "out", "state", "history", "dead", "spoken")
"""The parts of every conversation, there or not."""

_OWN = re.compile(r"recado:\{(.+)\}:\w+", re.DOTALL)
_SEEN = PREFIX + "seen:"
_LIMIT = PREFIX + "limit:"
_PAGE = 500
_HOW = "Name a chat (34600111222), a channel's chat (telegram:555) or a conversation (telegram:7123:555)."


class Person(NamedTuple):
    """Whom an operator means: a chat with us, in any account and thread, or one conversation alone."""

    name: str
    chat: str
    channel: str = ""
    conversation: str = ""

    @classmethod
    def parse(cls, text: str) -> Person:
        """Read a chat's id, ``channel:chat``, or a whole conversation's id. Raises RecadoError for anything else."""
        name = text.strip()
        parts = name.split(":")
        if not all(parts) or len(parts) > 4:
            raise RecadoError(f"{text!r} names nobody. {_HOW}")
        if len(parts) > 2:
            return cls(name, parts[2], parts[0], name)
        return cls(name, parts[-1].removeprefix("+"), parts[0] if len(parts) == 2 else "")

    def owns(self, conversation: str) -> bool:
        """Whether this conversation is the person's."""
        if self.conversation:
            return conversation == self.conversation
        parts = conversation.split(":")
        return len(parts) in {3, 4} and parts[2] == self.chat and self.channel in {"", parts[0]}

    def counts(self, name: str) -> bool:
        """Whether a limit or a quota of this name is the person's."""
        parts = name.split(":")
        if self.conversation:
            return set(parts) >= set(self.conversation.split(":")[:3])
        return self.chat in parts[2:] and self.channel in {"", parts[0]}

    def is_in(self, channel: str, body: bytes) -> bool:
        """Whether a channel's webhook body names the person: as a whole text or number, not inside a longer one."""
        if self.channel not in {"", channel}:
            return False
        try:
            return self.chat in _values(json.loads(body))
        except (ValueError, RecursionError):  # no JSON: whatever could be a value counts
            token = rf'(?<![^\s"\[{{:,]){re.escape(self.chat)}(?![^\s"\]}}:,])'
            return bool(re.search(token.encode(), body.replace(b"\0", b"")))


def _values(data: Any) -> Iterator[str]:
    """Every text, number and name in a JSON document, however deep it is."""
    open_ = [data]
    while open_:
        value = open_.pop()
        if isinstance(value, dict):
            open_ += [*value, *value.values()]
        elif isinstance(value, list):
            open_ += value
        else:
            yield str(value)


@dataclass(slots=True)
class Found:
    """Where Redis holds something of a person: the keys of each conversation, limits and quotas, quarantined
    bodies; and the keys that all conversations share, whether or not this one is in them."""

    conversations: dict[str, set[str]] = field(default_factory=dict)
    counted: list[str] = field(default_factory=list)
    quarantined: list[bytes] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.conversations or self.counted or self.quarantined)


def find(store: Store, person: Person) -> Found:
    """Look through all of Redis for a person. Raises StoreUnavailable."""
    found = Found()
    with translated():
        for raw in store.client.scan_iter(match=f"{PREFIX}*", count=_PAGE):
            _sort(found, person, raw.decode())
        for shared in found.shared:
            if store.client.type(shared) == b"zset":
                members = (member.decode() for member, _ in store.client.zscan_iter(shared, count=_PAGE))
                for conversation in filter(person.owns, members):
                    found.conversations.setdefault(conversation, set())
        for record in cast("list[bytes]", store.client.lrange(QUARANTINE, 0, -1)):
            _version, channel, body = record.split(b"|", 2)
            if person.is_in(channel.decode(), body):
                found.quarantined.append(record)
    for conversation, keys in found.conversations.items():
        keys.update(key(conversation, part) for part in PARTS)
    return found


def _sort(found: Found, person: Person, name: str) -> None:
    if own := _OWN.fullmatch(name):
        if person.owns(own[1]):
            found.conversations.setdefault(own[1], set()).add(name)
    elif name.startswith(_LIMIT):
        if person.counts(name.split(":", 2)[2]):
            found.counted.append(name)
    elif name != QUARANTINE and not name.startswith(_SEEN):
        found.shared.append(name)


def export(store: Store, person: Person) -> dict[str, Any]:
    """All that is stored of a person, as JSON has it; empty where nothing is. Raises StoreUnavailable."""
    found = find(store, person)
    if not found:
        return {}
    with translated():
        conversations = [_conversation(store, name) for name in sorted(found.conversations)]
    return {
        "person": person.name,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "conversations": conversations,
        "limits": sorted(found.counted),
        "quarantine": [record.decode(errors="backslashreplace") for record in found.quarantined],
    }


def _conversation(store: Store, conversation: str) -> dict[str, Any]:
    pipe = store.client.pipeline(transaction=True)
    for part in ("in", "wip", "dead", "history", "out"):
        pipe.lrange(key(conversation, part), 0, -1)
    pipe.hgetall(key(conversation, "state"))
    pipe.hgetall(key(conversation, "spoken"))
    pipe.zscore(DUE, conversation)
    waiting, thinking, dead, said, out, state, spoken, due = pipe.execute()
    messages = {"waiting": waiting, "being_answered": thinking, "dead": dead}
    return {
        "conversation": conversation,
        "channel": conversation.partition(":")[0],
        "language": state.get(b"language", b"").decode(),
        "due_at": _time(due),
        **{name: [_message(entry, conversation) for entry in entries] for name, entries in messages.items()},
        "history": [asdict(history.unpack(record)) for record in said],
        "undelivered": [asdict(outbox.unpack(record)) for record in out],
        "state": _texts(state),
        "spoken": _texts(spoken),
    }


def read_entry(entry: bytes, conversation: str) -> tuple[int, Message]:
    """A message as the mailbox keeps it: when it was accepted (ms since 1970, Redis' clock), and the message."""
    _version, number, at, _kind, payload = entry.split(b"|", 4)
    return int(at), mailbox.unpack(payload, conversation, int(number))


def _message(entry: bytes, conversation: str) -> dict[str, Any]:
    at, message = read_entry(entry, conversation)
    return {"accepted_at": _time(at), **asdict(message)}


def _time(ms: float | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def _texts(pairs: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode(errors="backslashreplace") for name, value in pairs.items()}
