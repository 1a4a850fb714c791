"""A snapshot: everything that the stores hold, read while the installation runs, and put into another Redis.

Keys are read as what they hold, not as Redis dumps them: a dump is not read by an older server, nor by Redis where
Valkey wrote it (valkey-io/valkey, src/rdb.h: RDB_FOREIGN_VERSION_MIN). All keys of one conversation are read in one
step, so that no message is ever between two of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, cast

import redis

from bot.stores.alias import seen_key
from bot.stores.bell import WORKERS_KEY
from bot.stores.connection import CLIENT, DUE, PREFIX, WAITING, Script, Store, key, translated
from bot.stores.entries import accepted_at, unpack_entry
from bot.stores.mailbox import DEAD
from bot.stores.whom import PARTS

RESTORING: Final = PREFIX + "restoring"
"""It is there from a restore's first key to its last."""

SEEN: Final = PREFIX + "seen:"
SEEN_AGAIN_MS: Final = 8 * 86_400_000
"""So long it is remembered that a message came which was restored unanswered: no platform repeats itself later."""

_OWN: Final = re.compile(r"recado:\{(.+)\}:(\w+)", re.DOTALL)
_PASSING: Final = re.compile(
    rf"{PREFIX}(?:\{{.+\}}:lease|(?:worker|places|line|limit|poller|frequent|erasing):.*"
    "|due|waiting|listening|clock|rings|restoring)",
    re.DOTALL,
)
"""What belongs to processes that run now, is worked out anew, or is not worth keeping."""

_PASSING_STATE: Final = frozenset(
    {"ring", "ring_delay", "thinker", "suspect", "line_at", "number:models", "number:suspects", "think_at",
     "think_wait", "permit", "permit_wait", "permit_stage"}
)  # fmt: skip
"""The same in a conversation's ``state``: whose hands it was in, and where it stood in lines that are no more."""

_PAGE = 500
_snapshot = Script("snapshot")


class Kept(NamedTuple):
    """A key: its name, Redis' type, when it ends (ms since 1970; 0: never), and what it holds, as Redis tells it."""

    name: str
    kind: str
    ends: int
    value: Any


Group = list[Kept]
"""Keys that were read at one moment, and belong together."""


def conversation_of(name: str) -> str:
    """The conversation whose key this is; empty: nobody's alone."""
    own = _OWN.fullmatch(name)
    return own[1] if own else ""


class Snapshot:
    """Every method raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._client = store, store.client

    # reading

    def now(self) -> int:
        """Redis' clock, in ms since 1970."""
        with translated():
            seconds, micros = self._client.time()
        return int(seconds * 1000 + micros // 1000)

    def groups(self, first: Collection[str] = ()) -> Iterator[Group]:
        """Everything that is worth keeping, in an order in which nothing gets lost while more comes in.

        First what was seen: whatever that names is then in its conversation, or answered. Then the conversations, the
        owners' (``first``) before the others, for what a turn does in another conversation is done again by a turn that
        was not over. At last what is told of conversations elsewhere.
        """
        for names in self._pages(f"{SEEN}*"):
            yield self._read(names)
        done = set[int]()
        for conversation in first:
            yield from self._conversation(conversation, done)
        shared: list[str] = []
        for names in self._pages(f"{PREFIX}*"):
            others = [name for name in names if not name.startswith(SEEN) and not _PASSING.fullmatch(name)]
            for name in others:
                yield from self._conversation(conversation_of(name), done)
            alone = [name for name in others if not conversation_of(name)]
            shared += [name for name in alone if name.count(":") == 1]
            if many := [name for name in alone if name.count(":") > 1]:
                yield self._read(many)
        yield self._read(sorted(set(shared)))

    def _conversation(self, conversation: str, done: set[int]) -> Iterator[Group]:
        """All keys of one, once: what is ``done`` is known by a hash, for there may be a million."""
        if conversation and hash(conversation) not in done:
            done.add(hash(conversation))
            yield self._read([key(conversation, part) for part in PARTS if part != "lease"])

    def _pages(self, pattern: str) -> Iterator[list[str]]:
        with translated():
            names = (name.decode() for name in self._client.scan_iter(match=pattern, count=_PAGE))
            while page := list(islice(names, _PAGE)):
                yield page

    def _read(self, names: Sequence[str]) -> Group:
        found = self._store.run(_snapshot, list(names), []) if names else []
        return [Kept(_text(name), _text(kind), int(ends), _text(value)) for name, kind, ends, value in found]

    # writing

    def begin(self) -> None:
        """From now on this Redis is being filled."""
        with translated():
            self._client.set(RESTORING, "1")

    def end(self) -> None:
        """Everything is there."""
        with translated():
            self._client.delete(RESTORING)

    def put(self, groups: Sequence[Group], now: int) -> int:
        """Write these keys in place of what is there; how many. Whatever has work is due. May be repeated."""
        pipe, count = self._client.pipeline(transaction=False), 0
        for group in groups:
            for one in group:
                if not 0 < one.ends <= now and not _PASSING.fullmatch(one.name):
                    _write(pipe, one)
                    count += 1
            if group and (conversation := conversation_of(group[0].name)):
                _wake(pipe, conversation, {one.name.rpartition(":")[2]: one.value for one in group}, now)
        with translated():
            pipe.execute()
        return count

    def clear(self) -> None:
        """Forget everything, but the number of the last wake-up, of which some may stand in RQ's queue."""
        for names in self._pages(f"{PREFIX}*"):
            if gone := [name for name in names if name not in {f"{PREFIX}rings", RESTORING}]:
                with translated():
                    self._client.unlink(*gone)

    # whose it is

    def is_filled(self) -> bool:
        """Whether a conversation is here."""
        own = (name for names in self._pages(f"{PREFIX}{{*") for name in names)
        return any(not _PASSING.fullmatch(name) for name in own)

    def is_half(self) -> bool:
        """Whether a restore was begun here and not ended."""
        with translated():
            return bool(self._client.exists(RESTORING))

    def users(self) -> list[str]:
        """Which of our processes are connected: ``poller``, ``receiver``, ``ui``, ``worker``."""
        with translated():
            try:
                clients = self._client.client_list()
            except redis.exceptions.ResponseError:  # its host hides it: RQ's own list knows the workers
                workers = cast("set[bytes]", self._client.smembers(WORKERS_KEY))
                return ["worker"] if workers and self._client.exists(*workers) else []
        return sorted({one["name"].removeprefix(CLIENT) for one in clients if one.get("name", "").startswith(CLIENT)})


def _write(pipe: Any, one: Kept) -> None:
    name, value = one.name, _bytes(one.value)
    if name != DEAD:  # what died is told by the conversations, too
        pipe.delete(name)
    match one.kind:
        case "string":
            pipe.set(name, value)
        case "list":
            pipe.rpush(name, *value)
        case "set":
            pipe.sadd(name, *value)
        case "zset":
            pipe.zadd(name, dict(zip(value[::2], map(float, value[1::2]), strict=True)))
        case "hash":
            pipe.hset(name, mapping=dict(zip(value[::2], value[1::2], strict=True)))
        case "stream":
            for at, pairs in value:
                pipe.xadd(name, dict(zip(pairs[::2], pairs[1::2], strict=True)), id=at)
    if one.ends:
        pipe.pexpireat(name, one.ends)


def _wake(pipe: Any, conversation: str, parts: dict[str, Any], now: int) -> None:
    """Whoever has work is due, those who wait longest first; nobody holds it, and it stands in no line."""
    if "state" in parts:
        pipe.hdel(key(conversation, "state"), *sorted(_PASSING_STATE))
    entries = [_bytes(entry) for part in ("wip", "in") for entry in parts.get(part, ())]
    since = min(map(accepted_at, entries[:1]), default=now)
    if entries:
        pipe.zadd(WAITING, {conversation: since})
    if entries or "out" in parts:
        pipe.zadd(DUE, {conversation: min(since, now)})
    for entry in entries:
        seen = seen_key(conversation, unpack_entry(entry, conversation).id)
        pipe.set(seen, "1", nx=True, px=SEEN_AGAIN_MS)
    letters = [_bytes(entry) for entry in parts.get("dead", ())]
    if letters:
        pipe.zadd(DEAD, {conversation: accepted_at(letters[-1])})


def _text(value: Any) -> Any:
    """Bytes as text that JSON can hold, whatever they are, and lists of them."""
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else [_text(one) for one in value]


def _bytes(value: Any) -> Any:
    return value.encode(errors="surrogateescape") if isinstance(value, str) else [_bytes(one) for one in value]
