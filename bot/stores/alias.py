"""Aliases: conversations that go on under another name, such as a group that became a supergroup.

No key ever moves: the oldest name stays the conversation's own, and ``accept`` finds it by the newer ones.
"""

from __future__ import annotations

from typing import cast

from bot.stores.connection import PREFIX, Script, Store, translated

ALIAS = PREFIX + "alias"
"""Hash: a conversation's newer name to its own."""

_alias = Script("alias")


def link(store: Store, old: str, new: str) -> None:
    """From now on what comes for ``new`` belongs to ``old``. May be repeated. Raises StoreUnavailable."""
    store.run(_alias, [ALIAS], [old, new])


def names(store: Store) -> dict[str, str]:
    """Every newer name and whose it is. Raises StoreUnavailable."""
    with translated():
        known = cast("dict[bytes, bytes]", store.client.hgetall(ALIAS))
    return {new.decode(): old.decode() for new, old in known.items()}


def first(store: Store, conversation: str) -> str:
    """The name that this conversation had first, and keeps here. Raises StoreUnavailable."""
    with translated():
        found = cast("bytes | None", store.client.hget(ALIAS, conversation))
    return found.decode() if found else conversation
