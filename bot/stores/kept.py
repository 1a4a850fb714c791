"""Bodies that are kept aside: in quarantine, for nobody could read them, or because they tell of what is not served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, cast

from bot.stores.connection import Script, Store, translated
from bot.stores.mailbox import COUNTS, QUARANTINE, UNSERVED

PLACES = {"quarantine": QUARANTINE, "unserved": UNSERVED}
"""Where bodies are kept, by what an operator calls it."""

_unquarantine = Script("unquarantine")


class Kept(NamedTuple):
    """A body as it came, the name of the channel that it came by, and who sent it there (see Channel.origin; empty:
    nobody knows); ``record`` is what lies in Redis."""

    channel: str
    origin: str
    body: bytes
    record: bytes


def unpack(record: bytes) -> Kept:
    _version, came_by, body = record.split(b"|", 2)
    channel, _, origin = came_by.decode().partition(":")
    return Kept(channel, origin, body, record)


def oldest_first(store: Store, place: str) -> Iterator[Kept]:
    """What lies in one of the PLACES, also while some of it leaves and more comes. Raises StoreUnavailable."""
    where, stayed = PLACES[place], 0
    with translated():
        most = store.client.llen(where)
    for _ in range(most):
        record = _at(store, where, stayed)
        if record is None:
            return
        yield unpack(record)
        stayed += _at(store, where, stayed) == record


def leave(store: Store, place: str, kept: Kept) -> None:
    """A body is kept aside no more. May be repeated. Raises StoreUnavailable."""
    store.run(_unquarantine, [PLACES[place], COUNTS], [kept.record])


def _at(store: Store, where: str, place: int) -> bytes | None:
    """The record at a place counted from the oldest; newer ones do not move it."""
    with translated():
        return cast("bytes | None", store.client.lindex(where, -1 - place))
