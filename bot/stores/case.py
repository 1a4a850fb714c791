"""A case: one conversation as Redis holds it at one moment, for whoever asks why somebody was not answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from bot.message import Conversation, Message, Reply, Turn
from bot.stores import history, outbox
from bot.stores.bell import QUEUE_KEY
from bot.stores.connection import DUE, PREFIX, Store, key, translated
from bot.stores.erase import ERASING
from bot.stores.hold import Hold, holds
from bot.stores.line import MODELS, SUSPECTS
from bot.stores.mailbox import DEAD
from bot.stores.meter import record_of
from bot.stores.person import read_entry
from bot.stores.roster import Roster

_LISTS: Final = ("in", "wip", "dead", "history", "out")
_STAGES: Final = ("", "sent", "delivered", "read")


class Accepted(NamedTuple):
    """A message, and when it was accepted (ms, Redis' clock)."""

    at: int
    message: Message


class Said(NamedTuple):
    """A reply that left the outbox: the platform's ids of its bubbles (empty: refused), and when that was (ms; 0: not
    known)."""

    reply: Reply
    bubbles: tuple[str, ...]
    at: int = 0


class Told(NamedTuple):
    """How far the platform says that a bubble came (sent, delivered, read; empty: no word), and whether it failed."""

    stage: str = ""
    failed: bool = False


class Rung(NamedTuple):
    """The wake-up of a conversation: how many stand before it (None: it is not in the line), and, once it was taken, by
    which worker and since when (ms)."""

    before: int | None = None
    worker: str = ""
    since: int = 0


NOT_RUNG: Final = Rung()


@dataclass(frozen=True, slots=True)
class Case:
    """All times are in ms since 1970, by Redis' clock; ``now`` is when it was looked at.

    ``lease`` is for how long somebody still has it, 0: nobody does. ``line`` and ``suspects`` are how many stand before
    it in those lines (None: it stands in none), ``servers`` until when each model server that failed is left alone and
    how often it failed, ``paused`` until when the platform wants nothing from the whole account, ``workers`` how many
    there are, ``spoken`` the replies of the last hour by their turns, ``told`` what the platform says of their bubbles.
    """

    conversation: str
    now: int
    state: Mapping[str, str]
    waiting: tuple[Accepted, ...] = ()
    thinking: tuple[Accepted, ...] = ()
    dead: tuple[Accepted, ...] = ()
    history: tuple[Turn, ...] = ()
    out: tuple[Reply, ...] = ()
    spoken: Mapping[int, Said] = field(default_factory=dict)
    told: Mapping[str, Told] = field(default_factory=dict)
    lease: int = 0
    turn: int = 0
    due: int = 0
    died: int = 0
    line: int | None = None
    suspects: int | None = None
    servers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    rung: Rung = NOT_RUNG
    workers: int = 0
    hold: Hold | None = None
    paused: int = 0
    erasing: bool = False

    def until(self, name: str) -> int:
        """When a wait is over that the state knows as ``<name>_at`` (0: there is none, or it is over)."""
        at = int(float(self.state.get(f"{name}_at", 0)))
        return at if at > self.now else 0

    def count(self, name: str) -> int:
        """A number that the state knows, else 0."""
        return int(float(self.state.get(name, 0)))

    @property
    def account(self) -> str:
        """``channel:account``, as a hold names it."""
        return ":".join(self.conversation.split(":")[:2])


def read(store: Store, conversation: str, pauses: tuple[str, ...] = ()) -> Case:
    """Look at a conversation; ``pauses`` are the names of the limits that a bubble there counts against.

    Raises StoreUnavailable.
    """
    pipe = store.client.pipeline(transaction=True)
    for part in _LISTS:
        pipe.lrange(key(conversation, part), 0, -1)
    for part in ("state", "spoken"):
        pipe.hgetall(key(conversation, part))
    pipe.pttl(key(conversation, "lease"))
    pipe.get(key(conversation, "turn"))
    for name in (DUE, DEAD):
        pipe.zscore(name, conversation)
    for name in (MODELS, SUSPECTS):
        pipe.zrank(f"{PREFIX}line:{name}", conversation)
    pipe.hgetall(f"{PREFIX}line:{MODELS}:state")
    pipe.hexists(ERASING, conversation)
    pipe.time()
    for name in pauses:
        pipe.pttl(f"{PREFIX}limit:{name}:pause")
    with translated():
        found = pipe.execute()
    waiting, thinking, dead, said, out, state, spoken, lease, turn, due, died, line, suspects, book, erasing = found[
        :15
    ]
    seconds, micros = found[15]
    now, known = seconds * 1000 + micros // 1000, _texts(state)
    told = _spoken(spoken)
    return Case(
        conversation, now, known,
        waiting=_accepted(waiting, conversation), thinking=_accepted(thinking, conversation),
        dead=_accepted(dead, conversation), history=tuple(map(history.unpack, said)),
        out=tuple(map(outbox.unpack, out)), spoken=told, told=_told(store, conversation, known, told),
        lease=max(0, lease), turn=int(turn or 0), due=int(due or 0), died=int(died or 0), line=line, suspects=suspects,
        servers=_servers(_texts(book)), rung=_rung(store, known.get("ring", "")), workers=len(Roster(store).all()),
        hold=next(iter(holds(store, [":".join(conversation.split(":")[:2])])), None),
        paused=now + max(found[16:], default=0) if any(left > 0 for left in found[16:]) else 0, erasing=bool(erasing),
    )  # fmt: skip


def _accepted(entries: list[bytes], conversation: str) -> tuple[Accepted, ...]:
    return tuple(Accepted(*read_entry(entry, conversation)) for entry in entries)


def _texts(pairs: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode(errors="replace") for name, value in pairs.items()}


def _spoken(found: Mapping[bytes, bytes]) -> dict[int, Said]:
    """The replies among what is remembered of what was said (see bubbles.lua)."""
    replies = {}
    for name, value in found.items():
        if re.fullmatch(rb"-?\d+", name):
            bubbles, _, reply = value.partition(b"|")
            at = int(found.get(b"at:" + name, 0))
            replies[int(name)] = Said(outbox.unpack(reply), tuple(bubbles.decode().split(",")), at)
    return replies


def _servers(book: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    failing = {
        name.removeprefix("failures:"): int(times) for name, times in book.items() if name.startswith("failures:")
    }
    return {name: (int(float(book.get(f"rest:{name}", 0))), times) for name, times in failing.items()}


def _rung(store: Store, ring: str) -> Rung:
    """Where a conversation's last wake-up is by now."""
    if not ring:
        return NOT_RUNG
    with translated():
        place = cast("int | None", store.client.lpos(QUEUE_KEY, ring))
        worker, since = cast("list[bytes | None]", store.client.hmget(f"rq:job:{ring}", ["worker_name", "started_at"]))
    names = {card.name: card.label for card in Roster(store).all()}
    name = (worker or b"").decode()
    return Rung(place, names.get(name, name), _ms(since or b""))


def _ms(written: bytes) -> int:
    """A time as RQ writes it; 0 for one that it did not."""
    try:
        return int(datetime.fromisoformat(written.decode()).timestamp() * 1000)
    except ValueError:
        return 0


def _told(store: Store, conversation: str, state: Mapping[str, str], spoken: Mapping[int, Said]) -> dict[str, Told]:
    """What a platform that tells has told of these bubbles."""
    account = Conversation.parse(state.get("address") or conversation).account
    bubbles = [bubble for said in spoken.values() for bubble in said.bubbles if bubble]
    if not bubbles:
        return {}
    with translated():
        names = [record_of(account, bubble) for bubble in bubbles]
        records = cast("list[bytes | None]", store.client.mget(names))
    return {bubble: _stage(record) for bubble, record in zip(bubbles, records, strict=True) if record}


def _stage(record: Any) -> Told:
    rank, failed, _ = record.decode().split("|", 2)
    return Told(_STAGES[int(rank)], failed == "1")
