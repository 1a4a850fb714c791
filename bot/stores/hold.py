"""Accounts on hold: their platform takes nothing from them until somebody has mended something (hold.lua).

A hold is one for all workers. Its account is tried again by one bubble at a time, after longer and longer waits;
success ends it, and so does another token. Meanwhile nothing goes out, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast

from redis.client import Pipeline

from bot.stores.connection import PREFIX, Store, translated

HOLD: Final = PREFIX + "hold:"
HELD: Final = PREFIX + "held:"
"""Sorted set: a conversation whose words wait for the end of the hold, by since when."""

CODE: Final = "code:"
"""How the fields of recado:counts begin that count a platform's own codes of trouble."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing goes out from ``account`` (``whatsapp:<phone number id>``) for ``reason``, which says what to do.

    ``since`` and ``until`` (when it is tried next) are seconds since 1970 by Redis' clock, ``waiting`` how many
    conversations wait, ``code`` the platform's own number for the reason (0: none).
    """

    account: str
    reason: str
    since: float
    until: float
    waiting: int = 0
    code: int = 0


def holds(store: Store, accounts: Iterable[str] | None = None) -> list[Hold]:
    """Every account on hold, of these ``accounts`` if given. Raises StoreUnavailable."""
    with translated():
        if accounts is None:
            names = sorted(name.decode() for name in store.client.scan_iter(f"{HOLD}*", count=1000))
        else:
            names = [HOLD + account for account in accounts]
        named = [name.removeprefix(HOLD) for name in names]
        pipe = store.client.pipeline(transaction=False)
        for account in named:
            ask(pipe, account)
        found = pipe.execute()
    known = map(told, named, found[::2], found[1::2])
    return [hold for hold in known if hold]


def ask(pipe: Pipeline, account: str) -> None:
    """Have what ``told`` reads asked in a pipeline: two answers."""
    pipe.hgetall(HOLD + account)
    pipe.zcard(HELD + account)


def codes(store: Store) -> dict[int, int]:
    """How often a platform named each of its codes of trouble with a bubble. Raises StoreUnavailable."""
    with translated():
        known = cast("dict[bytes, bytes]", store.client.hgetall(f"{PREFIX}counts"))
    named = {name.decode(): int(count) for name, count in known.items()}
    return {int(name.removeprefix(CODE)): count for name, count in sorted(named.items()) if name.startswith(CODE)}


def told(account: str, values: dict[bytes, bytes], waiting: int) -> Hold | None:
    """The hold of an account, of the answers to ``ask``; None: there is none."""
    if not values:
        return None
    known = {name.decode(): value.decode(errors="replace") for name, value in values.items()}
    since, until = (float(known.get(name, 0)) / 1000 for name in ("since", "until"))
    return Hold(account, known.get("reason", ""), since, until, waiting, int(known.get("code") or 0))
