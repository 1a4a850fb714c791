"""A glance at all mailboxes: who waits, and since when, by indexes that the scripts keep (waiting.lua, paused.lua)."""

from __future__ import annotations

from typing import NamedTuple

from bot.stores.connection import DUE, LISTENING, PAUSED, WAITING, Script, Store

_glance = Script("glance")


class Glance(NamedTuple):
    """How many conversations have work (``due``) and how many of these nobody looked at in time; how many have a
    message that is neither answered nor heard, how many of these are listened to, and in how many a person answers.

    All times are in ms: ``now`` by Redis' clock; ``first_due`` and ``first_waiting`` are those of the one that has
    been so the longest, -1 without one.
    """

    now: int
    due: int
    overdue: int
    first_due: int
    waiting: int
    first_waiting: int
    listening: int
    paused: int

    def age(self, since: int) -> float:
        """For how many seconds something has been so; 0 for what is none, or lies ahead."""
        return max(0, self.now - since) / 1000 if since >= 0 else 0.0


def glance(store: Store) -> Glance:
    """One look, as long with a million conversations as with one. Raises StoreUnavailable."""
    return Glance(*map(int, store.run(_glance, [DUE, WAITING, LISTENING, PAUSED], [])))
