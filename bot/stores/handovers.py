"""Hand-overs: conversations in which a person of the business goes on, and the notices by which they do.

A notice to the owner begins with its reference, `Ref. K7QM`. Whoever answers it in the owner's chat speaks to that
customer: the answer drops into the customer's mailbox, in the step in which the owner's own turn is committed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

from bot.message import Message
from bot.settings import Settings
from bot.stores import alias, entries
from bot.stores.access import ALPHABET
from bot.stores.connection import PREFIX, Script, Store, key, translated
from bot.stores.owner import language_in, notice
from bot.texts import Language

HANDOVERS: Final = PREFIX + "handovers"
"""Hash: a conversation to what is known of its latest hand-over."""

HANDED_OVER: Final = "handed over"
"""Why nothing is answered where a person of the business goes on, by notices in the owner's chat."""
OWNER: Final = "owner"
"""Why nothing is answered where the business has answered from its own telephone."""
BUDGET: Final = "budget"
"""Why nothing is answered where the month's money is spent."""
TAKEN_OVER: Final = frozenset({HANDED_OVER, OWNER, BUDGET})
"""The pauses that end by themselves, and by /resume."""

RELAY: Final = "relay"
"""The order of a message that is the owner's words, to be said to the customer."""

_resume = Script("resume", "ring", "paused")
_withdrawal = Script("withdraw")


class Handover(NamedTuple):
    """A conversation that was handed over: the reference of its notices, where the owner reads them, what its person is
    called, and when it was (ms, Redis' clock)."""

    conversation: str
    ref: str
    owner: str
    person: str = ""
    at: int = 0


class Paused(NamedTuple):
    """A hand-over and how it stands: why nothing is answered there, and until when (ms); empty: it is over."""

    handover: Handover
    reason: str
    until: int


class Relay(NamedTuple):
    """The owner's words on their way to a customer, where nothing is answered for so many ``seconds`` from then."""

    to: str
    words: Message
    seconds: float


@dataclass(frozen=True, slots=True)
class Aside:
    """What a turn does in other conversations, when it is committed: ``tells`` are words for owners' conversations,
    ``handover`` is that of the turn's own conversation, ``resumes`` another one where the assistant answers again."""

    tells: Sequence[tuple[str, str]] = ()
    handover: Handover | None = None
    relay: Relay | None = None
    resumes: str = ""

    def packed(self) -> Mapping[str, Any]:
        """As commit takes it."""
        found: dict[str, Any] = {"tells": [[where, notice(words)] for where, words in self.tells]}
        if self.handover:
            found["handover"] = {"ref": self.handover.ref, "owner": self.handover.owner, "person": self.handover.person}
        if self.relay:
            payload, ms = entries.pack(self.relay.words, self.relay.words.raw), int(self.relay.seconds * 1000)
            found["relay"] = {"to": self.relay.to, "payload": payload, "reason": HANDED_OVER, "ms": ms}
        return found | ({"resumes": self.resumes} if self.resumes else {})


class Handovers:
    """Reads what commit wrote. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings

    def all(self) -> list[Handover]:
        """Everybody who was ever handed over, within HISTORY_DAYS; the oldest first."""
        with translated():
            records = cast("dict[bytes, bytes]", self._store.client.hgetall(HANDOVERS))
        return sorted((_unpack(name, record) for name, record in records.items()), key=lambda one: one.at)

    def of(self, conversation: str) -> Handover | None:
        """The one of this conversation."""
        with translated():
            record = cast("bytes | None", self._store.client.hget(HANDOVERS, conversation))
        return _unpack(conversation.encode(), record) if record else None

    def called(self, ref: str) -> Handover | None:
        """The one with this reference."""
        return next((one for one in self.all() if one.ref == ref), None)

    def unused(self) -> str:
        """A reference that is nobody's; commit sees to it that it still is."""
        used = {one.ref for one in self.all()}
        while (ref := "".join(secrets.choice(ALPHABET) for _ in range(4))) in used:
            pass
        return ref

    def paused(self) -> list[Paused]:
        """Where nothing is answered because a person goes on there, the oldest first; with and without a notice."""
        found = self.all()
        pipe = self._store.client.pipeline(transaction=False)
        with translated():
            for one in found:
                pipe.hmget(key(one.conversation, "state"), ["paused", "paused_until"])
            states = pipe.execute()
            seconds, micros = self._store.client.time()
        now = seconds * 1000 + micros // 1000
        rows = [
            Paused(one, (reason or b"").decode(), int(float(until or 0)))
            for one, (reason, until) in zip(found, states, strict=True)
        ]
        return [row for row in rows if row.reason in TAKEN_OVER and not 0 < row.until <= now]

    def state(self, conversation: str, name: str) -> str:
        """One entry of what is known of another conversation, else empty."""
        with translated():
            value = cast("bytes | None", self._store.client.hget(key(conversation, "state"), name))
        return value.decode() if value else ""

    def first(self, conversation: str) -> str:
        """The name that a conversation had first, and keeps here; not that of a stranger who has its number now."""
        return _first(self._store, conversation)

    def language(self, conversation: str) -> Language:
        """The language in which somebody is spoken to."""
        return language_in(self._store, conversation, self._settings.default_language)

    def resume(self, conversation: str) -> bool:
        """Let the assistant answer again there; False where nobody had taken over. May be repeated."""
        return bool(self._store.run(_resume, [key(conversation, "state")], [conversation, *sorted(TAKEN_OVER)]))


def records(store: Store, conversations: Sequence[str]) -> dict[str, dict[str, str | int]]:
    """What is kept here of these, but for who was told of them. Raises StoreUnavailable."""
    with translated():
        kept = cast("list[bytes | None]", store.client.hmget(HANDOVERS, conversations)) if conversations else []
    found = [_unpack(one.encode(), record) for one, record in zip(conversations, kept, strict=False) if record]
    return {one.conversation: {"reference": one.ref, "person": one.person, "at": one.at} for one in found}


def withdraw(store: Store, owns: Callable[[str], bool], also: Collection[str]) -> None:
    """Somebody is erased who ``owns`` conversations, and ``also`` these: what was said of them to an owner and is not
    yet delivered goes too. Raises StoreUnavailable."""
    with translated():
        records = cast("dict[bytes, bytes]", store.client.hgetall(HANDOVERS))
        known = [_unpack(name, record) for name, record in records.items()]
        for one in known:
            if not (one.conversation in also or owns(one.conversation)):
                continue
            if one.owner:
                _withdraw(store, _first(store, one.owner), f"Ref. {one.ref}")
            store.client.hdel(HANDOVERS, one.conversation)


def _withdraw(store: Store, owner: str, ref: str) -> None:
    """What waits to be said there and what was said of late, under this reference."""
    store.run(_withdrawal, [key(owner, part) for part in ("out", "state", "spoken")], [ref])


def _first(store: Store, conversation: str) -> str:
    found = alias.first(store, conversation)
    return conversation if found.startswith(f"{conversation}~") else found


def _unpack(conversation: bytes, record: bytes) -> Handover:
    data = json.loads(record)
    return Handover(conversation.decode(), data["ref"], data["owner"], data.get("person", ""), int(data["at"]))
