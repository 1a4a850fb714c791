"""Who polls a bot: one process of the installation at a time, and what troubles it."""

from __future__ import annotations

import secrets

from bot.stores.connection import PREFIX, Script, Store, translated

TROUBLE_SECONDS = 600
"""How long a trouble is remembered that nobody has reported again."""

_poller = Script("poller")


class Seat:
    """The seat of one bot's poller. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, account: str, lease: float) -> None:
        """``lease`` is how many seconds the seat of a process that died stays taken."""
        self._store = store
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
