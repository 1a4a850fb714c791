"""The roster: every worker signs it, so that whoever runs the installation sees who answers, where, and with what."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Final, cast

from bot.stores.bell import WORKERS_KEY
from bot.stores.connection import PREFIX, Script, Store, translated

WORKER: Final = PREFIX + "worker:"
CARD_SECONDS: Final = 15
"""So long a card is read after its worker signed last."""

_RQ: Final = "rq:worker:"
_roster = Script("roster")


@dataclass(frozen=True, slots=True)
class Card:
    """A worker at one moment, by the ``name`` that RQ knows it by.

    ``since`` is when it started (seconds since 1970, its own clock); ``slots`` how many turns it takes at once,
    ``thinking`` and ``speaking`` how many it has; ``memory`` is its own in bytes, ``gpu_used`` and ``gpu_total`` the
    accelerator's (0: none). ``metrics`` is the address of its /metrics, empty where it has none.
    """

    name: str
    host: str = ""
    pid: int = 0
    since: float = 0
    version: str = ""
    backend: str = ""
    model: str = ""
    slots: int = 0
    thinking: int = 0
    speaking: int = 0
    memory: int = 0
    gpu_used: int = 0
    gpu_total: int = 0
    metrics: str = ""

    @property
    def label(self) -> str:
        """What an operator calls it."""
        return f"{self.host}:{self.pid}" if self.host else self.name


_KNOWN: Final = frozenset(field.name for field in fields(Card))


class Roster:
    """Everybody's cards. Every method raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sign(self, card: Card) -> None:
        """This is how a worker is now. May be repeated."""
        with translated():
            self._store.client.set(WORKER + card.name, json.dumps(asdict(card)), ex=CARD_SECONDS)

    def all(self) -> list[Card]:
        """Every worker that lives, by host and process; one that has not signed yet is known by its name alone."""
        told = cast("list[bytes]", self._store.run(_roster, [WORKERS_KEY], [_RQ, WORKER]))
        return sorted((_card(*pair) for pair in zip(told[::2], told[1::2], strict=True)), key=lambda one: one.label)


def _card(name: bytes, record: bytes) -> Card:
    """A card as this version knows it: another version may tell more, or less."""
    told = json.loads(record) if record else {}
    return Card(**{"name": name.decode()} | {what: value for what, value in told.items() if what in _KNOWN})
