"""Who polls a bot: one process of the installation at a time, and what troubles it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from bot.stores.connection import PREFIX, Script, Store, translated
from bot.stores.mailbox import COUNTS

TROUBLE_SECONDS = 600
"""How long a trouble is remembered that nobody has reported again."""

POLLED: Final = {"new": "polled:", "again": "polled_again:"}
"""How the fields of recado:counts begin that count a channel's fetched messages: those that were new, and those that
had come before."""

_poller = Script("poller")


class Seat:
    """The seat of one bot's poller. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, account: str, lease: float, channel: str = "telegram") -> None:
        """``lease`` is how many seconds the seat of a process that died stays taken."""
        self._store, self._channel = store, channel
        self._key = f"{PREFIX}poller:{account}"
        self._trouble = f"{self._key}:trouble"
        self._token = secrets.token_hex(8)
        self.lease_seconds = lease

    def take(self) -> bool:
        """Sit down, or stay for another lease; False while somebody else sits there."""
        return bool(self._store.run(_poller, [self._key], [self._token, int(self.lease_seconds * 1000)]))

    def leave(self) -> None:
        """Make room for another process at once."""
        self._store.run(_poller, [self._key], [self._token, 0])

    def is_taken(self) -> bool:
        """Whether any process polls."""
        with translated():
            return bool(self._store.client.exists(self._key))

    def count(self, new: int, again: int) -> None:
        """So many messages were fetched; whoever fetches has no /metrics of its own."""
        with translated():
            pipe = self._store.client.pipeline(transaction=False)
            for kind, number in (("new", new), ("again", again)):
                if number:
                    pipe.hincrby(COUNTS, POLLED[kind] + self._channel, number)
            pipe.execute()

    def report(self, trouble: str) -> None:
        """Let `doctor` know why nothing can be fetched; empty: all is well again."""
        with translated():
            if trouble:
                self._store.client.set(self._trouble, trouble, ex=TROUBLE_SECONDS)
            else:
                self._store.client.delete(self._trouble)

    def trouble(self) -> str:
        """What was reported last; empty: nothing."""
        with translated():
            found = self._store.client.get(self._trouble)
        return found.decode() if isinstance(found, bytes) else str(found or "")


def polled(counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """How many messages were fetched, ``new`` and ``again``, by channel, of what Redis counts."""
    channels = {name.removeprefix(start) for name in counts for start in POLLED.values() if name.startswith(start)}
    return {
        channel: {kind: counts.get(start + channel, 0) for kind, start in POLLED.items()}
        for channel in sorted(channels)
    }
