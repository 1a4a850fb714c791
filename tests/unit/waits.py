"""Who waits for an answer: as Redis' index tells, and as the mailboxes themselves do."""

from __future__ import annotations

from bot.stores.connection import PREFIX, WAITING, Store, key
from bot.stores.person import read_entry


def waiting(store: Store) -> dict[str, int]:
    """Everybody in the index, and since when (ms)."""
    return {name.decode(): int(at) for name, at in store.client.zrange(WAITING, 0, -1, withscores=True)}


def unanswered(store: Store) -> dict[str, int]:
    """Everybody of whom something is neither answered nor heard, and when the first of it was accepted (ms)."""
    names = {raw.decode()[len(PREFIX) + 1 :].rpartition("}:")[0] for raw in store.client.scan_iter(f"{PREFIX}{{*")}
    found = {}
    for name in names:
        left = [*store.client.lrange(key(name, "wip"), 0, -1), *store.client.lrange(key(name, "in"), 0, -1)]
        if left:
            found[name] = read_entry(left[0], name)[0]
    return found
