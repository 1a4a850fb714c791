"""Everything that is stored of one person: where it is, and all of it as one document."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from bot.message import Message
from bot.stores import access, alias, entries, handovers, history, outbox
from bot.stores.connection import DUE, PREFIX, Store, key, translated
from bot.stores.frequent import FREQUENT
from bot.stores.kept import unpack
from bot.stores.mailbox import QUARANTINE, UNSERVED
from bot.stores.meter import BUBBLE
from bot.stores.page import PAGE
from bot.stores.tidy import TIDIED
from bot.stores.whom import PARTS, Person, followed, is_nobodys

__all__ = ["PARTS", "Found", "Person", "export", "find", "read_entry"]

_OWN = re.compile(r"recado:\{(.+)\}:\w+", re.DOTALL)
_SEEN = PREFIX + "seen:"
_LIMIT = PREFIX + "limit:"
_APART = frozenset(
    {QUARANTINE, UNSERVED, alias.ALIAS, alias.FORMER, access.ACCESS, access.PAIRING, handovers.HANDOVERS, TIDIED}
)
_PAGE = 500
_RELAYED = b"relay:"
"""What an owner is told of the words that they said here begins so; whose chat that is is theirs alone."""


@dataclass(slots=True)
class Found:
    """Where Redis holds something of a person: the keys of each conversation, its other names, those that are kept
    for a stranger who never came (``freed``), limits and quotas, quarantined bodies (``doubtful``: those that may be
    of somebody who had their number before), what lets them talk; and the keys that all conversations share, whether or
    not this one is in them."""

    conversations: dict[str, set[str]] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)
    freed: list[str] = field(default_factory=list)
    doubtful: list[bytes] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    quarantined: list[bytes] = field(default_factory=list)
    admitted: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.conversations or self.aliases or self.counted or self.quarantined or self.admitted)


def find(store: Store, person: Person) -> Found:
    """Look through all of Redis for a person. Raises StoreUnavailable."""
    person = followed(store, person)
    found = Found(aliases=sorted(person.also & person.moved))
    found.freed = [one for one, was in alias.formers(store).items() if was in person.own and is_nobodys(store, one)]
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
                one = unpack(record)
                if person.is_in(one.channel, one.body):
                    found.quarantined.append(record)
                    found.doubtful += [] if person.is_in(one.channel, one.body, surely=True) else [record]
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
    elif name not in _APART and not name.startswith((_SEEN, BUBBLE, FREQUENT)):
        found.shared.append(name)


def export(store: Store, person: Person) -> dict[str, Any]:
    """All that is stored of a person, as JSON has it; empty where nothing is. Raises StoreUnavailable."""
    person = followed(store, person)
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
        "handovers": handovers.records(store, sorted(found.conversations)),
        "limits": sorted(found.counted),
        "quarantine": [person.part(unpack(one).body) for one in found.quarantined if one not in found.doubtful],
    }


def _conversation(store: Store, conversation: str) -> dict[str, Any]:
    pipe = store.client.pipeline(transaction=True)
    for part in ("in", "wip", "dead", "history", "out"):
        pipe.lrange(key(conversation, part), 0, -1)
    pipe.hgetall(key(conversation, "state"))
    pipe.hgetall(key(conversation, "spoken"))
    pipe.hgetall(key(conversation, "names"))
    pipe.xrange(key(conversation, "raw"))
    pipe.hgetall(key(conversation, PAGE))
    pipe.zscore(DUE, conversation)
    waiting, thinking, dead, said, out, state, spoken, names, raw, page, due = pipe.execute()
    messages = {"waiting": waiting, "being_answered": thinking, "dead": dead}
    return {
        "conversation": conversation,
        "channel": conversation.partition(":")[0],
        "language": state.get(b"language", b"").decode(),
        "due_at": _time(due),
        **{name: [_message(one, conversation) for one in said] for name, said in messages.items()},
        "history": [asdict(history.unpack(record)) for record in said],
        "undelivered": [asdict(outbox.unpack(record)) for record in out],
        "state": _texts({name: value for name, value in state.items() if not name.startswith(_RELAYED)}),
        "spoken": _texts(spoken),
        "names": _texts(names),
        "raw": [_raw(one) for one in raw],
        "page": _texts(page),
    }


def read_entry(entry: bytes, conversation: str) -> tuple[int, Message]:
    """A message as the mailbox keeps it: when it was accepted (ms since 1970, Redis' clock), and the message."""
    _version, number, at, _kind, payload = entry.split(b"|", 4)
    return int(at), entries.unpack(payload, conversation, int(number))


def _message(entry: bytes, conversation: str) -> dict[str, Any]:
    at, message = read_entry(entry, conversation)
    found = {"accepted_at": _time(at), **asdict(message)}
    return found | {"sender": ""} if message.order == handovers.RELAY else found


def _raw(entry: tuple[bytes, dict[bytes, bytes]]) -> dict[str, Any]:
    """The platform's own words of one message, and when they came."""
    (at, words) = entry
    (body,) = words.values()
    return {"received_at": _time(int(at.partition(b"-")[0])), "body": body.decode(errors="backslashreplace")}


def _time(ms: float | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def _texts(pairs: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode(errors="backslashreplace") for name, value in pairs.items()}
