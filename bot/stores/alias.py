"""Aliases: conversations that go on under another name, such as a group that became a supergroup, or a person whose
telephone number is another one now.

No key ever moves: the oldest name stays the conversation's own, and ``accept`` finds it by the newer ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import cast

from bot.stores.connection import PREFIX, Script, Store, translated

ALIAS = PREFIX + "alias"
"""Hash: a conversation's newer name to its own."""

FORMER = PREFIX + "former"
"""Hash: a name to the conversation that had it before, and since when that is over (see people.lua)."""

USERS = PREFIX + "users"
"""Hash: a conversation to its person's user id."""

TOLD_MS = 8 * 86_400_000
"""So long it is remembered that a name was given up, should the platform tell it again."""

_alias = Script("alias", "ring", "people")


def link(store: Store, old: str, new: str, *, freed: bool = False, at: float = 0, told: str = "") -> None:
    """From now on what comes for ``new`` belongs to ``old``, and what comes for a ``freed`` old one to a stranger.

    ``at`` and ``told`` are as in Alias. May be repeated. Raises StoreUnavailable.
    """
    seen = seen_key(old, f"{told}|{old}>{new}") if freed else ""
    store.run(_alias, [], [old, new, seen, TOLD_MS, int(at * 1000)])


def seen_key(conversation: str, identity: str) -> str:
    """Where it is remembered that something of this id came for the account of ``conversation``."""
    digest = hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()
    return f"{PREFIX}seen:{conversation.split(':', 2)[1]}:{digest}"


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


def formers(store: Store) -> dict[str, str]:
    """Every name that was another conversation's before, and which. Raises StoreUnavailable."""
    with translated():
        known = cast("dict[bytes, bytes]", store.client.hgetall(FORMER))
    return {name.decode(): record.decode().rpartition("|")[0] for name, record in known.items()}


def forget(store: Store, names: Collection[str], conversations: Collection[str]) -> None:
    """These names are nobody's any more, and nobody knows of what was called so. Raises StoreUnavailable."""
    gone = {name for name, was in formers(store).items() if was in conversations} | set(names)
    with translated():
        if names:
            store.client.hdel(ALIAS, *names)
        if gone:
            store.client.hdel(FORMER, *gone)
        if conversations:
            store.client.hdel(USERS, *conversations)
