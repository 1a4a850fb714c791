"""Whom an operator means: a person by any of their names, and what is theirs by it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from bot.errors import RecadoError
from bot.stores import alias
from bot.stores.connection import Store, key, translated

PARTS = ("in", "wip", "lease", "turn", "out", "state", "history", "dead", "spoken", "names", "raw", "page")
"""The parts of every conversation, there or not."""

_TELEPHONE = re.compile(r"(?:\+|00)[\d\s().-]+|\d[\d().-]*\s[\d\s().-]*")
"""With a prefix or with spaces, as people write it; anything else may be an id."""

_HOW = "Name a chat (34600111222), a channel's chat (telegram:555) or a conversation (telegram:7123:555)."


class Person(NamedTuple):
    """Whom an operator means: a chat with us, in any account and thread, or one conversation alone.

    ``followed`` finds the rest: ``own`` are their conversations that have other names too, ``also`` all names that are
    theirs now, ``moved`` the names that lead to another conversation than the one that was called so first, and
    ``shared`` the chats that somebody else had before them.
    """

    name: str
    chat: str
    channel: str = ""
    conversation: str = ""
    own: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    followed: bool = False

    @classmethod
    def parse(cls, text: str) -> Person:
        """Read a chat's id, ``channel:chat``, or a whole conversation's id. Raises RecadoError for anything else."""
        name = text.strip()
        parts = name.split(":")
        if not all(parts) or len(parts) > 4 or parts[-1].startswith("@"):
            raise RecadoError(f"{text!r} names nobody. {_HOW}")
        if len(parts) > 2:
            return cls(name, parts[2], parts[0], name)
        return cls(name, _chat(parts[-1]), parts[0] if len(parts) == 2 else "")

    def owns(self, conversation: str) -> bool:
        """Whether this conversation is the person's; a name that is theirs now may once have been another's."""
        return conversation in self.own or (conversation not in self.moved and self.is_named(conversation))

    def is_named(self, name: str) -> bool:
        """Whether this is a name of the person."""
        if self.conversation:
            return name == self.conversation or name in self.also
        parts = name.split(":")
        return len(parts) in {3, 4} and parts[2] in self._chats and self.channel in {"", parts[0]}

    def counts(self, name: str) -> bool:
        """Whether a limit or a quota of this name is the person's."""
        parts = name.split(":")
        if self.conversation:
            return any(set(parts) >= set(one.split(":")[:3]) for one in (self.conversation, *self.also, *self.own))
        return bool((self._chats | self._first) & set(parts[2:])) and self.channel in {"", parts[0]}

    def is_called(self, who: str) -> bool:
        """Whether a list that says who may talk means the person; one topic of a group is nobody by itself."""
        channel, _, chat = who.rpartition(":")
        there = "" in {channel, self.channel} or channel == self.channel
        chats = (self._chats - self.shared) | self._first
        return there and chat in chats and self.conversation.count(":") < 3

    def is_in(self, channel: str, body: bytes, *, surely: bool = False) -> bool:
        """Whether a channel's webhook body names the person: as a whole text or number, not inside a longer one.

        ``surely``: by a name that never was somebody else's.
        """
        known = self._chats - self.shared if surely else self._chats | self._first
        if self.channel not in {"", channel} or not known:
            return False
        try:
            return not known.isdisjoint(_values(_part(json.loads(body), known, self._account)))
        except (ValueError, RecursionError):  # no JSON: whatever could be a value counts
            chats = "|".join(map(re.escape, known))
            token = rf'(?<![^\s"\[{{:,+])(?:{chats})(?![^\s"\]}}:,])'
            return bool(re.search(token.encode(), body.replace(b"\0", b"")))

    def part(self, body: bytes) -> str:
        """Of a webhook body what is about the person alone, for others may stand beside them."""
        try:
            return json.dumps(_part(json.loads(body), self._chats | self._first, self._account), ensure_ascii=False)
        except (ValueError, RecursionError):
            return body.decode(errors="backslashreplace")

    @property
    def _account(self) -> str:
        """The account with which they talk; empty: any."""
        return self.conversation.split(":")[1] if self.conversation else ""

    @property
    def _chats(self) -> set[str]:
        """The chats that are theirs now."""
        named = set() if self.conversation in self.moved else {self.chat}
        return named | {one.split(":")[2] for one in self.also}

    @property
    def _first(self) -> set[str]:
        """The chats by which their conversations are still called."""
        return {one.split(":")[2] for one in self.own}


def _chat(text: str) -> str:
    """A telephone number as the platform has it, however it is written; any other chat as it is."""
    if not _TELEPHONE.fullmatch(text):
        return text.removeprefix("+")
    return re.sub(r"\D", "", text).removeprefix("00")


def followed(store: Store, person: Person) -> Person:
    """The person with all their conversations and their names. Raises StoreUnavailable.

    A whole conversation's id means that conversation, also where its name is somebody else's by now; a chat means
    whoever has it now.
    """
    if person.followed:
        return person
    aliases, formers = alias.names(store), alias.formers(store)
    every = {*aliases, *aliases.values()}
    one = person.conversation
    if one and (one in aliases.values() or formers.get(one) == one or exists(store, one)):
        own = {one}
    else:
        own = {aliases.get(one, one) for one in every if person.is_named(one)}
    return person._replace(
        own=frozenset(own),
        also=frozenset(one for one in every if aliases.get(one, one) in own),
        moved=frozenset(aliases),
        shared=frozenset(one.split(":")[2] for one in formers),
        followed=True,
    )


def is_nobodys(store: Store, name: str) -> bool:
    """Whether a name waits for a stranger who has never written. Raises StoreUnavailable."""
    now = alias.first(store, name)
    return now.startswith(f"{name}~") and not exists(store, now)


def exists(store: Store, conversation: str) -> bool:
    """Whether anything is known of a conversation. Raises StoreUnavailable."""
    with translated():
        return bool(store.client.exists(*(key(conversation, part) for part in PARTS)))


def _part(data: Any, known: set[str], account: str) -> Any:
    """A document without the items of its lists that do not name one of these, or are about another account.

    An object that names them itself, or by an object in it, is theirs as it is.
    """
    if isinstance(data, list):
        parts = [_part(item, known, account) for item in data]
        return [part for part in parts if not known.isdisjoint(_values(part))]
    if not isinstance(data, dict):
        return data
    about = data.get("metadata")
    number = about.get("phone_number_id") if isinstance(about, dict) else None
    if account and isinstance(number, str | int) and str(number) != account:
        return None
    if not known.isdisjoint(_named(data)):
        return data
    return {name: _part(value, known, account) for name, value in data.items()}


def _named(data: dict[str, Any]) -> Iterator[str]:
    """The texts and numbers in an object, and in the objects in it."""
    for value in data.values():
        for one in value.values() if isinstance(value, dict) else [value]:
            if not isinstance(one, dict | list):
                yield str(one).removeprefix("+")


def _values(data: Any) -> Iterator[str]:
    """Every text, number and name in a JSON document, however deep it is; of a telephone number, without its plus."""
    open_ = [data]
    while open_:
        value = open_.pop()
        if isinstance(value, dict):
            open_ += [*value, *value.values()]
        elif isinstance(value, list):
            open_ += value
        else:
            yield str(value).removeprefix("+")
