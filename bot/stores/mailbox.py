"""The mailbox: what a conversation has said and nobody has answered yet. design: docs/architecture.md"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal

from bot.message import Batch, Conversation, Message, Reply, Turn
from bot.stores import alias, history, outbox
from bot.stores.access import Admission
from bot.stores.bell import bell
from bot.stores.connection import DUE, PREFIX, Script, Store, key, translated
from bot.stores.entries import accepted, accepted_at, unpack, unpack_entry
from bot.stores.handovers import Aside
from bot.stores.quota import NOTHING, Spent
from bot.stores.taken import Later, Mark, Renewed, Rest, Revised, Speak, Taken, Think, waited

BATCH = 20
"""At most so many messages become one turn."""

GRACE_MS = 1000
"""How long a ring may take before the sweeper rings again."""

SWEEP_MOST = 100
QUARANTINE = PREFIX + "quarantine"
QUARANTINE_KEPT, QUARANTINE_BYTES = 1000, 64 << 20
UNSERVED = PREFIX + "unserved"
UNSERVED_KEPT, UNSERVED_BYTES = 1000, 4 << 20
DEAD = PREFIX + "dead"
COUNTS = PREFIX + "counts"
CLOCK = PREFIX + "clock"
"""The latest time that a sweep has seen; an earlier one now means that the clock went back."""

Mode = Literal["append", "clear", "bury", "erase"]
NOTED_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

_accept = Script("accept", "ring", "waiting", "paused", "people", "revoke")
_take = Script("take", "ring", "waiting", "paused", "rest")
_renew = Script("renew", "ring")
_commit = Script("commit", "ring", "waiting", "paused", "admit", "post", "aside")
_defer = Script("defer", "ring")
_release = Script("release", "ring", "waiting", "paused", "rest")
_tell = Script("tell")
_sweep = Script("sweep", "ring", "waiting", "paused")
_quarantine = Script("quarantine")
_names = Script("names")


class Mailbox:
    """All steps of a message's life in Redis; each is one script, each may be repeated.

    Every method raises StoreUnavailable.
    """

    def __init__(
        self, store: Store, *, lease: float, quiet: float, cap: float, days: int, silent: bool = False,
        admits: Callable[[Sequence[Message]], bool] = bool, handover: float = 43_200,
    ) -> None:  # fmt: skip
        """``lease``, ``quiet`` and ``cap`` are in seconds, ``days`` how long a silent conversation is kept;
        ``silent`` rings nobody. Only whom it ``admits`` may stop what is being answered. For ``handover`` seconds
        nothing is answered where the business itself has."""
        self._handover_ms = int(handover * 1000)
        self._silent, self._admits = silent, admits
        self._store = store
        self.lease_ms = int(lease * 1000)
        self._quiet_ms = int(quiet * 1000)
        self._cap_ms = int(cap * 1000)
        self._expire_ms = days * 86_400_000

    def accept(
        self, messages: Iterable[Message], *, seen_hours: float = 24, raw_hours: float = 0, follows: bool = True
    ) -> int:
        """Make the messages durable and ring for them, in one call; returns how many were new.

        One that puts another right takes its place if that is not answered yet, else it is dropped; what is revoked is
        forgotten. A stop ends every turn that was said before it, and so does what the business itself says. Their ids
        are remembered for ``seen_hours``, and the platform's own words for ``raw_hours`` (0: until they are answered).
        ``follows``: people are spoken to under the name under which they wrote last.
        """
        args = [part for message in messages for part in accepted(message, self._admits, apart=raw_hours > 0)]
        if not args:
            return 0
        times = [int(hours * 3_600_000) for hours in (seen_hours, raw_hours)]
        given = [times[0], GRACE_MS, times[1], int(follows), self._handover_ms]
        return int(self._store.run(_accept, [DUE], [*bell(silent=self._silent), *given, *args]))

    def quarantine(self, channel: str, body: bytes, origin: str = "") -> None:
        """Keep an authentic body that nobody could read, for a later version to read; see Channel.origin."""
        record = _aside(channel, origin, body)
        self._store.run(_quarantine, [QUARANTINE, COUNTS], [record, QUARANTINE_KEPT, QUARANTINE_BYTES])

    def keep(self, channel: str, body: bytes, origin: str = "") -> None:
        """Keep an authentic body about something that we do not serve; the oldest go when there are too many."""
        record = _aside(channel, origin, body)
        self._store.run(_quarantine, [UNSERVED, COUNTS], [record, UNSERVED_KEPT, UNSERVED_BYTES])

    def alias(self, old: str, new: str, freed: bool = False, at: float = 0, told: str = "") -> None:
        """From now on what comes for the conversation ``new`` belongs to ``old``, which keeps its name here.

        ``freed``: what comes for ``old`` is a stranger's from now on; ``at`` and ``told`` as in Alias.
        """
        alias.link(self._store, old, new, freed=freed, at=at, told=told)

    def names(self, conversation: str, people: Sequence[tuple[str, str]]) -> list[str]:
        """What those who speak in a group are called there, given each one's id and own name; no two alike."""
        args: list[str | int] = [self._expire_ms, *(part for person in people for part in person)]
        return [name.decode() for name in self._store.run(_names, [key(conversation, "names")], args)]

    def take(self, conversation: str, token: str) -> Taken:
        """What is to be done now by the holder of ``token``; the same answer as long as it is not done."""
        keys = [DUE, *(key(conversation, part) for part in ("in", "wip", "lease", "turn", "out", "state"))]
        args: list[str | int] = [token, conversation, self.lease_ms, BATCH, self._quiet_ms, self._cap_ms]
        args.append(self._expire_ms)
        what, *rest = self._store.run(_take, keys, args)
        if what == b"think":
            messages = tuple(unpack_entry(entry, conversation) for entry in rest[3:])
            left = tuple(message for message in messages if not message.revokes)
            times = waited(rest[2], *map(accepted_at, rest[3:]))
            return Think(Batch(int(rest[0]), left or messages), _pairs(rest[1]), times)
        if what == b"speak":
            reply = outbox.unpack(rest[0])
            return Speak(reply, _pairs(rest[1]), waited(rest[2], reply.asked_at))
        if what == b"listen":
            return Later(rest[0] / 1000, unpack(rest[1], conversation), rest[2].decode())
        return Later(rest[0] / 1000) if what == b"wait" else Rest()

    def renew(self, held: Iterable[tuple[str, str, Iterable[str]]]) -> Renewed:
        """Extend the leases of ``held`` (conversation, token and the keys of its places in lines)."""
        args = [part for conversation, token, places in held for part in (conversation, token, " ".join(places))]
        if not args:
            return Renewed(frozenset(), {})
        lost, marked = self._store.run(_renew, [DUE], [self.lease_ms, *args])
        marks = {
            token.decode(): Mark(int(turn), revision.decode(), bool(stopped))
            for token, turn, revision, stopped in zip(*[iter(marked)] * 4, strict=True)
        }
        return Renewed(frozenset(token.decode() for token in lost), marks)

    def commit(
        self, conversation: str, token: str, turn: int, reply: Reply | None, turns: Sequence[Turn] = (), *,
        mode: Mode = "append", window: int | None = None, language: str = "", reason: str = "",
        paused: str | None = None, pause_seconds: float = 0, spent: Spent = NOTHING, revision: str = "",
        stopped: bool = False, forgets: int | None = None, erases: str = "", notes: Mapping[str, str] = NOTED_NOTHING,
        admission: Admission | None = None, aside: Aside | None = None,
    ) -> bool:  # fmt: skip
        """End a turn: its question and answer become history, its reply waits in the outbox.

        ``mode`` clear forgets the history first; bury puts the batch among the dead letters; erase forgets all but
        the reply, and lets everything else of the person ``erases`` go (see erase.finish). ``reason`` says why
        it is dead, or why it was only heard; ``paused`` why nothing is answered from now on ("": it is again;
        None: as it was), for ``pause_seconds`` (0: until it is ordered). ``stopped``: its person ended it. The turn
        with the number ``forgets`` leaves the history. ``notes`` are written to the conversation's state; an empty one
        goes. ``admission`` lets a stranger in, ``aside`` is what is done in other conversations.

        False when the lease is lost: then the reply is dropped, for another worker's counts. Raises Revised when the
        batch has another ``revision`` than the one that was thought, or when its ``aside`` cannot be carried out as
        it was thought.
        """
        names = ("history", "wip", "lease", "out", "state", "dead")
        keys = [*(key(conversation, part) for part in names), DEAD, *(key(conversation, p) for p in ("turn", "spoken"))]
        more: dict[str, Any] = {
            "turn": turn, "mode": mode, "trim": history.KEPT, "expire_ms": self._expire_ms, "lease_ms": self.lease_ms,
            "window": window, "language": language, "revision": revision, "reason": reason, "paused": paused,
            "pause_ms": int(pause_seconds * 1000),
            "day": spent.day, "tokens": spent.tokens, "shares": spent.shares(), "stopped": stopped, "forgets": forgets,
            "erases": erases, "notes": dict(notes), "admission": admission.packed() if admission else [],
            "aside": aside.packed() if aside else None,
        }  # fmt: skip
        told = json.dumps({name: value for name, value in more.items() if value is not None})
        said = outbox.pack(reply) if reply else ""
        done = self._store.run(_commit, keys, [token, conversation, said, told, *(history.pack(t) for t in turns)])
        if done == b"revised":
            raise Revised
        return bool(done == b"committed")

    def defer(
        self, conversation: str, token: str, seconds: float, *, failed: bool = False, notice: Reply | None = None,
        most: float = 30, why: str = "",
    ) -> None:  # fmt: skip
        """Let this turn wait, twice as long each time and ``most`` seconds; ``failed`` counts it as an attempt.

        ``notice`` is told to the person once, until the turn is committed. ``why`` is for whoever looks meanwhile.
        """
        keys = [DUE, *(key(conversation, part) for part in ("lease", "out", "state"))]
        counted = "tries" if failed else "waits"
        told = outbox.pack(notice) if notice else ""
        args: list[str | int] = [token, conversation, int(seconds * 1000), counted, told, int(most * 1000), why]
        self._store.run(_defer, keys, args)

    def tell(self, conversation: str, token: str, notice: Reply) -> bool:
        """Put a notice into the outbox while the turn goes on, once until it is committed; True when it is there."""
        keys = [key(conversation, part) for part in ("lease", "out", "state")]
        return bool(self._store.run(_tell, keys, [token, outbox.pack(notice)]))

    def release(self, conversation: str, token: str, *, stay: bool = True) -> bool:
        """Let go. True when there is more to do and nobody else waits: then the lease is still held.

        Who will not ``stay`` leaves what there is to others.
        """
        keys = [DUE, *(key(conversation, part) for part in ("in", "wip", "lease", "turn", "out", "state"))]
        args: list[str | int] = [
            *bell(silent=self._silent),
            token,
            conversation,
            self._expire_ms,
            self.lease_ms,
            int(stay),
        ]
        return bool(self._store.run(_release, keys, args) == b"again")

    def has_work(self, conversation: str) -> bool:
        """Whether anything is left to do here, now or later."""
        with translated():
            return self._store.client.zscore(DUE, conversation) is not None

    def sweep(self) -> tuple[int, float | None]:
        """Ring for whoever is overdue; returns how many, and the seconds until the next is due."""
        rung, next_ms = self._store.run(_sweep, [DUE, CLOCK], [*bell(silent=self._silent), SWEEP_MOST])
        return int(rung), None if next_ms < 0 else next_ms / 1000


def _pairs(flat: Sequence[bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _aside(channel: str, origin: str, body: bytes) -> bytes:
    return f"1|{channel}{':' if origin else ''}{origin}|".encode() + body


def channel_of(conversation: str) -> str:
    """The name of the channel that a conversation belongs to."""
    return Conversation.parse(conversation).channel
