"""Everything that is stored of one person: where it is, and all of it as one document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from bot.errors import RecadoError
from bot.message import Message
from bot.stores import access, alias, entries, history, outbox
from bot.stores.connection import DUE, PREFIX, Store, key, translated
from bot.stores.mailbox import QUARANTINE, UNSERVED

PARTS = ("in", "wip", "lease", "turn", "out", "state", "history", "dead", "spoken", "names")
"""The parts of every conversation, there or not."""

_OWN = re.compile(r"recado:\{(.+)\}:\w+", re.DOTALL)
_SEEN = PREFIX + "seen:"
_LIMIT = PREFIX + "limit:"
_APART = frozenset({QUARANTINE, UNSERVED, alias.ALIAS, access.ACCESS, access.PAIRING})
_PAGE = 500
_HOW = "Name a chat (34600111222), a channel's chat (telegram:555) or a conversation (telegram:7123:555)."


class Person(NamedTuple):
    """Whom an operator means: a chat with us, in any account and thread, or one conversation alone.

    ``also`` are the conversations that are theirs under another name.
    """

    name: str
    chat: str
    channel: str = ""
    conversation: str = ""
    also: frozenset[str] = frozenset()

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
            return conversation == self.conversation or conversation in self.also
        parts = conversation.split(":")
        return len(parts) in {3, 4} and parts[2] in self._chats and self.channel in {"", parts[0]}

    def counts(self, name: str) -> bool:
        """Whether a limit or a quota of this name is the person's."""
        parts = name.split(":")
        if self.conversation:
            return any(set(parts) >= set(one.split(":")[:3]) for one in (self.conversation, *self.also))
        return bool(self._chats & set(parts[2:])) and self.channel in {"", parts[0]}

    def is_called(self, who: str) -> bool:
        """Whether a list that says who may talk means the person; one topic of a group is nobody by itself."""
        channel, _, chat = who.rpartition(":")
        there = "" in {channel, self.channel} or channel == self.channel
        return there and chat in self._chats and self.conversation.count(":") < 3

    def is_in(self, channel: str, body: bytes) -> bool:
        """Whether a channel's webhook body names the person: as a whole text or number, not inside a longer one."""
        if self.channel not in {"", channel}:
            return False
        try:
            return not self._chats.isdisjoint(_values(json.loads(body)))
        except (ValueError, RecursionError):  # no JSON: whatever could be a value counts
            chats = "|".join(map(re.escape, self._chats))
            token = rf'(?<![^\s"\[{{:,])(?:{chats})(?![^\s"\]}}:,])'
            return bool(re.search(token.encode(), body.replace(b"\0", b"")))

    @property
    def _chats(self) -> set[str]:
        return {self.chat, *(one.split(":")[2] for one in self.also)}


def followed(person: Person, aliases: Mapping[str, str]) -> Person:
    """The person with all their conversations' names, given every newer name and whose it is."""
    every = {*aliases, *aliases.values()}
    own = {aliases.get(one, one) for one in every if person.owns(one)}
    return person._replace(also=frozenset(one for one in every if aliases.get(one, one) in own))


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
    """Where Redis holds something of a person: the keys of each conversation, its other names, limits and quotas,
    quarantined bodies, what lets them talk; and the keys that all conversations share, whether or not this one is in
    them."""

    conversations: dict[str, set[str]] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    quarantined: list[bytes] = field(default_factory=list)
    admitted: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.conversations or self.aliases or self.counted or self.quarantined or self.admitted)


def find(store: Store, person: Person) -> Found:
    """Look through all of Redis for a person. Raises StoreUnavailable."""
    aliases = alias.names(store)
    person = followed(person, aliases)
    found = Found(aliases=sorted(person.also & aliases.keys()))
    with translated():
        for raw in store.client.scan_iter(match=f"{PREFIX}*", count=_PAGE):
            _sort(found, person, raw.decode())
        for shared in found.shared:
            if store.client.type(shared) == b"zset":
                members = (member.decode() for member, _ in store.client.zscan_iter(shared, count=_PAGE))
                for conversation in filter(person.owns, members):
                    found.conversations.setdefault(conversation, set())
        for kept in (QUARANTINE, UNSERVED):
            for record in cast("list[bytes]", store.client.lrange(kept, 0, -1)):
                _version, channel, body = record.split(b"|", 2)
                if person.is_in(channel.decode(), body):
                    found.quarantined.append(record)
    found.admitted = [who for who in access.known(store) if person.is_called(who)]
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
    elif name not in _APART and not name.startswith(_SEEN):
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
        "aliases": found.aliases,
        "access": access.records(store, found.admitted),
        "limits": sorted(found.counted),
        "quarantine": [record.decode(errors="backslashreplace") for record in found.quarantined],
    }


def _conversation(store: Store, conversation: str) -> dict[str, Any]:
    pipe = store.client.pipeline(transaction=True)
    for part in ("in", "wip", "dead", "history", "out"):
        pipe.lrange(key(conversation, part), 0, -1)
    pipe.hgetall(key(conversation, "state"))
    pipe.hgetall(key(conversation, "spoken"))
    pipe.hgetall(key(conversation, "names"))
    pipe.zscore(DUE, conversation)
    waiting, thinking, dead, said, out, state, spoken, names, due = pipe.execute()
    messages = {"waiting": waiting, "being_answered": thinking, "dead": dead}
    return {
        "conversation": conversation,
        "channel": conversation.partition(":")[0],
        "language": state.get(b"language", b"").decode(),
        "due_at": _time(due),
        **{name: [_message(one, conversation) for one in said] for name, said in messages.items()},
        "history": [asdict(history.unpack(record)) for record in said],
        "undelivered": [asdict(outbox.unpack(record)) for record in out],
        "state": _texts(state),
        "spoken": _texts(spoken),
        "names": _texts(names),
    }


def read_entry(entry: bytes, conversation: str) -> tuple[int, Message]:
    """A message as the mailbox keeps it: when it was accepted (ms since 1970, Redis' clock), and the message."""
    _version, number, at, _kind, payload = entry.split(b"|", 4)
    return int(at), entries.unpack(payload, conversation, int(number))


def _message(entry: bytes, conversation: str) -> dict[str, Any]:
    at, message = read_entry(entry, conversation)
    return {"accepted_at": _time(at), **asdict(message)}


def _time(ms: float | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def _texts(pairs: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode(errors="backslashreplace") for name, value in pairs.items()}
