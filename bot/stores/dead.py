"""Dead letters: messages whose turn failed again and again. Their person got an apology; an operator reads and retries
them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from bot.message import Message
from bot.stores.bell import bell
from bot.stores.connection import DUE, Script, Store, key, translated
from bot.stores.mailbox import DEAD, GRACE_MS
from bot.stores.person import read_entry
from bot.stores.whom import Person, followed

_retry = Script("retry", "ring", "waiting")


@dataclass(frozen=True, slots=True)
class Letters:
    """The dead letters of one conversation: how many messages, since when (seconds since 1970, Redis' clock; the
    newest), and why."""

    conversation: str
    died_at: float
    messages: int
    reason: str


class DeadLetters:
    """All dead letters of this installation. Every method raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Letters]:
        """Everybody's, the oldest first."""
        with translated():
            client = self._store.client
            index = cast("list[tuple[bytes, float]]", client.zrange(DEAD, 0, -1, withscores=True))
            dead = [(name.decode(), at) for name, at in index]
            pipe = client.pipeline(transaction=False)
            for conversation, _ in dead:
                pipe.llen(key(conversation, "dead"))
                pipe.hget(key(conversation, "state"), "dead_reason")
            known = pipe.execute()
        counts, reasons = known[::2], known[1::2]
        return [
            Letters(conversation, at / 1000, count, (reason or b"").decode())
            for (conversation, at), count, reason in zip(dead, counts, reasons, strict=True)
        ]

    def of(self, person: Person) -> list[Letters]:
        """One person's, in all their conversations."""
        person = followed(self._store, person)
        return [letters for letters in self.all() if person.owns(letters.conversation)]

    def read(self, conversation: str) -> list[Message]:
        """The messages themselves, in the order in which they came."""
        with translated():
            entries = cast("list[bytes]", self._store.client.lrange(key(conversation, "dead"), 0, -1))
        return [read_entry(entry, conversation)[1] for entry in entries]

    def retry(self, conversation: str) -> int:
        """Accept them once more, behind what waits; returns how many they were, 0 when there are none (any more)."""
        keys = [key(conversation, part) for part in ("in", "state", "turn", "lease", "wip")]
        return int(
            self._store.run(_retry, [DUE, key(conversation, "dead"), DEAD, *keys], [*bell(), conversation, GRACE_MS])
        )
