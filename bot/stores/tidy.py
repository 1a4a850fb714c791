"""Names of people of whom nothing is left: they go, and whoever writes under one begins anew.

A name stays as long as anything of its conversation does; a group's stays, for topics and lists name it; so does what a
list of who may talk names, and what stands in a body that is kept aside, by which alone that is known to be somebody's.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Final, Literal, cast

from bot.settings import Settings
from bot.stores import access, kept
from bot.stores.alias import ALIAS, FORMER, TOLD_MS, USERS
from bot.stores.connection import PREFIX, Script, Store, translated

TIDIED: Final = PREFIX + "tidied"
"""It is there for an hour after somebody has looked."""

EVERY_SECONDS: Final = 3600
MOST: Final = 50_000
"""So many names of a kind go at once; the rest an hour later."""

_PAGE: Final = 100
_TOKEN: Final = re.compile(rb"[0-9A-Za-z_.]+")

Kind = Literal["alias", "users", "former"]
Pair = tuple[str, str]

_HASHES: Final[dict[Kind, str]] = {"alias": ALIAS, "users": USERS, "former": FORMER}
_tidy = Script("tidy", "ring", "people")


class Tidy:
    """Lets names go, each hour, by one worker of all."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._next = store, 0.0
        self._listed = frozenset((*settings.allowed, *settings.admins))

    def hourly(self) -> None:
        """Let go what may go, unless somebody has of late. Raises StoreUnavailable."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY_SECONDS
        with translated():
            first = self._store.client.set(TIDIED, "1", nx=True, ex=EVERY_SECONDS)
        if first:
            self.now()

    def now(self) -> int:
        """Let go what may go; how many names did. May be repeated. Raises StoreUnavailable."""
        stay = set[str]()
        listed = self._listed | set(access.known(self._store))
        free = {kind: self._free(kind, listed, stay) for kind in _HASHES}
        self._spare_kept(free, stay)
        kinds: tuple[Kind, ...] = ("alias", "former")
        if len(free["alias"]) < MOST:  # a conversation's person stays known as long as a name of theirs leads there
            kinds = ("alias", "users", "former")
        return sum(self._drop(kind, free[kind], stay) for kind in kinds)

    def _free(self, kind: Kind, listed: frozenset[str], stay: set[str]) -> set[Pair]:
        """What may go; ``stay`` learns which conversations must keep their names although they are gone."""
        found = set[Pair]()
        with translated():
            known = self._store.client.hscan_iter(_HASHES[kind], count=_PAGE)
            pairs = ((name.decode(), value.decode()) for name, value in cast("Iterator[tuple[bytes, bytes]]", known))
            while len(found) < MOST and (page := list(islice(pairs, _PAGE))):
                for pair, may in self._run(kind, page):
                    if may == 1 and not any(_is_spared(one, listed) for one in _names(kind, pair)):
                        found.add(pair)
                    elif may:
                        stay.update(_names(kind, pair))
        return found

    def _spare_kept(self, free: dict[Kind, set[Pair]], stay: set[str]) -> None:
        """What a body names that is kept aside does not go."""
        named = defaultdict[bytes, set[tuple[Kind, Pair]]](set)
        for kind, pairs in free.items():
            for pair in pairs:
                for one in _names(kind, pair):
                    named[_chat(one).partition("~")[0].encode()].add((kind, pair))
        for place in kept.PLACES if named else ():
            for body in kept.oldest_first(self._store, place):
                for token in named.keys() & set(_TOKEN.findall(body.body)):
                    for kind, pair in named[token]:
                        free[kind].discard(pair)
                        stay.update(_names(kind, pair))

    def _drop(self, kind: Kind, pairs: set[Pair], stay: set[str]) -> int:
        """Let these go but for those of which something else must stay; how many went."""
        gone, left = 0, iter([pair for pair in pairs if stay.isdisjoint(_names(kind, pair))])
        while page := list(islice(left, _PAGE)):
            for pair, may in self._run(kind, page, drop=True):
                gone += may == 1
                if may != 1:
                    stay.update(_names(kind, pair))
        return gone

    def _run(self, kind: Kind, page: list[Pair], *, drop: bool = False) -> Iterator[tuple[Pair, int]]:
        args = [kind, "1" if drop else "", TOLD_MS, *(part for pair in page for part in pair)]
        return zip(page, self._store.run(_tidy, [], args), strict=True)


def _names(kind: Kind, pair: Pair) -> tuple[str, ...]:
    """The names in an entry; a user id's value may be a time instead."""
    name, value = pair
    value = value.rpartition("|")[0] if kind == "former" else value
    return (name, value) if value.count(":") > 1 else (name,)


def _is_spared(name: str, listed: frozenset[str]) -> bool:
    chat = _chat(name)
    return chat.startswith("-") or not listed.isdisjoint({chat, f"{name.partition(':')[0]}:{chat}"})


def _chat(name: str) -> str:
    return name.split(":")[2]
