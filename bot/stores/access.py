"""Who may talk: everybody, who is on a list, or whom the owner has admitted by a pairing code.

Whoever holds a code is not in yet: the owner must confirm it. So a code may stand in a group for all to read.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple, cast

import redis

from bot.message import Conversation, Message, Piece, Reply
from bot.settings import Settings
from bot.stores import alias, outbox
from bot.stores.connection import PREFIX, Script, Store, translated

ACCESS = PREFIX + "access"
"""Who was admitted, as ``telegram:555`` or ``555`` (on any channel), and since when (ms, Redis' clock)."""

PAIRING = PREFIX + "pairing"
"""Who has a code: when it ends (ms, Redis' clock), the code, and where they wrote."""

CODE_SECONDS = 3600
PENDING_MOST = 100
"""So many strangers have a code at once; others are told to write later."""

CODE_LENGTH = 8
ALPHABET = "ACDEFGHJKMNPQRTUVWXY34679"
"""Without the letters and digits that are taken for others: B8, I1L, O0, S5, Z2."""

_offer = Script("offer", "ring")
_approve = Script("approve", "ring", "admit")


class Stranger(NamedTuple):
    """Somebody with a code: ``who`` they are once admitted, and what they call themselves."""

    who: str
    code: str
    conversation: str
    language: str
    person: str = ""


class Admission(NamedTuple):
    """A stranger is let in, and reads ``note``."""

    stranger: Stranger
    note: str

    def packed(self) -> list[str]:
        """As the scripts take it; the note is a reply to no turn, which has the number 0."""
        stranger = self.stranger
        note = outbox.pack(Reply(0, (Piece(self.note),)))
        return [stranger.who, stranger.code, stranger.conversation, note]


_INDOORS = "web:"
"""The chat page has a door of its own: it is on this machine, or behind UI_PASSWORD."""


class Admitted(NamedTuple):
    """Somebody who may write, since when (UTC)."""

    who: str
    since: datetime


def names(message: Message) -> tuple[str, ...]:
    """What a list may call the one who wrote this: their chat or group, or themselves, with the channel or without."""
    where = Conversation.parse(message.conversation)
    ids = dict.fromkeys(one for one in (where.chat, message.sender) if one)
    return tuple(name for one in ids for name in (one, f"{where.channel}:{one}"))


def is_admin(settings: Settings, message: Message) -> bool:
    """Whether the owner's commands are theirs: their id, or that of the chat they write in, is one of ADMINS."""
    return not set(settings.admins).isdisjoint(names(message))


def who_is(conversation: str) -> str:
    """Whom a code admits who was given to this conversation: the person, or in a group everybody there."""
    where = Conversation.parse(conversation)
    return f"{where.channel}:{where.chat}"


class Access:
    """Judges and admits. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self.mode = store, settings.access
        self._listed = frozenset((*settings.allowed, *settings.admins))

    def admits(self, messages: Sequence[Message]) -> bool:
        """Whether one of those who wrote these may talk to us; a group by the name that it had first, too."""
        if self.mode == "open" or (messages and all(one.conversation.startswith(_INDOORS) for one in messages)):
            return True
        where = {message.conversation: alias.first(self._store, message.conversation) for message in messages}
        first = [replace(message, conversation=where[message.conversation]) for message in messages]
        known = list(dict.fromkeys(name for message in (*messages, *first) for name in names(message)))
        if not known or not self._listed.isdisjoint(known):
            return bool(known)
        with translated():
            found = cast("list[bytes | None]", self._store.client.hmget(ACCESS, known))
        return any(found)

    def code(self, message: Message, language: str) -> str | None:
        """The code of the one who wrote this, the same for an hour; "" where none can be given now, None where they
        were let in meanwhile."""
        conversation = message.conversation
        new = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        rest = f"{conversation}|{language}|{message.person}"
        args: list[str | int] = [who_is(conversation), new, CODE_SECONDS * 1000, PENDING_MOST, rest]
        offered = self._store.run(_offer, [PAIRING, ACCESS], args)
        return None if offered is None else str(offered.decode())

    def stranger(self, code: str) -> Stranger | None:
        """Whose code this is, however it was typed; None for nobody's, and for one that has ended."""
        typed = "".join(letter for letter in code.upper() if letter.isalnum()).encode()
        found = None
        for stranger in self.strangers():
            if hmac.compare_digest(stranger.code.encode(), typed):
                found = stranger
        return found

    def strangers(self) -> Sequence[Stranger]:
        """Everybody who has a code."""
        with translated():
            seconds, micros = self._store.client.time()
            records = cast("dict[bytes, bytes]", self._store.client.hgetall(PAIRING))
        found = []
        for who, record in sorted(records.items()):
            _version, ends, code, conversation, language, person = record.decode().split("|", 5)
            if int(ends) > seconds * 1000 + micros // 1000:
                found.append(Stranger(who.decode(), code, conversation, language, person))
        return found

    def approve(self, admission: Admission) -> bool:
        """Admit them and tell them so, once; False when the code is theirs no more."""
        return bool(self._store.run(_approve, [], admission.packed()))

    def admitted(self) -> Sequence[Admitted]:
        """Everybody who was admitted, not those whom the settings name."""
        with translated():
            records = cast("dict[bytes, bytes]", self._store.client.hgetall(ACCESS))
        return [
            Admitted(who.decode(), datetime.fromtimestamp(int(record.split(b"|")[1]) / 1000, UTC))
            for who, record in sorted(records.items())
        ]

    def add(self, who: str) -> bool:
        """Admit somebody by their id; False when they were."""
        with translated():
            seconds, _ = self._store.client.time()
            return bool(self._store.client.hsetnx(ACCESS, who, f"1|{seconds * 1000}"))

    def remove(self, who: str) -> bool:
        """Admit somebody no longer, and end their code; False when there was neither."""
        with translated():
            return forget(self._store.client, [who])


def known(store: Store) -> Sequence[str]:
    """Everybody of whom something is kept here. Raises StoreUnavailable."""
    with translated():
        names = {name for where in (ACCESS, PAIRING) for name in cast("list[bytes]", store.client.hkeys(where))}
    return sorted(name.decode() for name in names)


def records(store: Store, who: Iterable[str]) -> dict[str, list[str]]:
    """What is kept here of these, as it is kept. Raises StoreUnavailable."""
    with translated():
        kept = {one: [store.client.hget(where, one) for where in (ACCESS, PAIRING)] for one in who}
    return {one: [cast("bytes", record).decode() for record in found if record] for one, found in kept.items()}


def forget(client: redis.Redis, who: Collection[str]) -> bool:
    """Nothing is kept here of these any more; False when nothing was."""
    gone = [client.hdel(where, *who) for where in (ACCESS, PAIRING)] if who else []
    return any(gone)
