"""The mailbox: what a conversation has said and nobody has answered yet. design: docs/architecture.md"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

from bot.message import Attachment, Batch, Conversation, Message, Reply, Turn
from bot.stores import history, outbox
from bot.stores.bell import bell
from bot.stores.connection import DUE, PREFIX, Script, Store, key, translated

BATCH = 20
"""At most so many messages become one turn."""

GRACE_MS = 1000
"""How long a ring may take before the sweeper rings again."""

SWEEP_MOST = 100
QUARANTINE = PREFIX + "quarantine"
QUARANTINE_KEPT, QUARANTINE_BYTES = 1000, 64 << 20
DEAD = PREFIX + "dead"
COUNTS = PREFIX + "counts"
CLOCK = PREFIX + "clock"
"""The latest time that a sweep has seen; an earlier one now means that the clock went back."""

Mode = Literal["append", "clear", "bury"]
_json = json.JSONEncoder(separators=(",", ":")).encode

_accept = Script("accept", "ring")
_take = Script("take", "ring")
_renew = Script("renew", "ring")
_commit = Script("commit", "ring")
_defer = Script("defer", "ring")
_release = Script("release", "ring")
_tell = Script("tell")
_sweep = Script("sweep", "ring")
_quarantine = Script("quarantine")


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do here: no work, or somebody else is at it."""


@dataclass(frozen=True, slots=True)
class Later:
    """There is work, and it must wait ``seconds``. ``listening`` is the message whose burst goes on."""

    seconds: float
    listening: Message | None = None


@dataclass(frozen=True, slots=True)
class Speak:
    """A reply that may go now; ``state`` holds the states of its bubbles."""

    reply: Reply
    state: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Think:
    """A batch to be answered; ``state`` is what else is known of the conversation."""

    batch: Batch
    state: Mapping[str, str] = field(default_factory=dict)


Taken = Rest | Later | Speak | Think


class Spent(NamedTuple):
    """What a turn counts against its person's quota of a ``day``; no day: nothing."""

    day: str = ""
    messages: int = 0
    tokens: int = 0


NOTHING = Spent()


class Mailbox:
    """All steps of a message's life in Redis; each is one script, each may be repeated.

    Every method raises StoreUnavailable.
    """

    def __init__(
        self, store: Store, *, lease: float, quiet: float, cap: float, days: int, silent: bool = False
    ) -> None:
        """``lease``, ``quiet`` and ``cap`` are in seconds, ``days`` how long a silent conversation is kept;
        ``silent`` rings nobody."""
        self._silent = silent
        self._store = store
        self.lease_ms = int(lease * 1000)
        self._quiet_ms = int(quiet * 1000)
        self._cap_ms = int(cap * 1000)
        self._expire_ms = days * 86_400_000

    def accept(self, messages: Iterable[Message], *, seen_hours: float = 24) -> int:
        """Make the messages durable and ring for them, in one call; returns how many were new.

        Their ids are remembered for ``seen_hours``.
        """
        args: list[str] = []
        for message in messages:
            account = message.conversation.split(":", 2)[1]
            digest = hashlib.blake2b(message.id.encode(), digest_size=12).hexdigest()
            kind = "c" if message.addressed and message.text.startswith("/") and message.command else "m"
            args += (f"{PREFIX}seen:{account}:{digest}", message.conversation, kind, pack(message))
        if not args:
            return 0
        accepted = self._store.run(
            _accept, [DUE], [*bell(silent=self._silent), int(seen_hours * 3_600_000), GRACE_MS, *args]
        )
        return int(accepted)

    def quarantine(self, channel: str, body: bytes) -> None:
        """Keep an authentic body that nobody could read, for a later version to read."""
        record = f"1|{channel}|".encode() + body
        self._store.run(_quarantine, [QUARANTINE, COUNTS], [record, QUARANTINE_KEPT, QUARANTINE_BYTES])

    def take(self, conversation: str, token: str) -> Taken:
        """What is to be done now by the holder of ``token``; the same answer as long as it is not done."""
        keys = [DUE, *(key(conversation, part) for part in ("in", "wip", "lease", "turn", "out", "state"))]
        args: list[str | int] = [token, conversation, self.lease_ms, BATCH, self._quiet_ms, self._cap_ms]
        args.append(self._expire_ms)
        what, *rest = self._store.run(_take, keys, args)
        if what == b"think":
            batch = Batch(int(rest[0]), tuple(_unpack_entry(entry, conversation) for entry in rest[2:]))
            return Think(batch, _pairs(rest[1]))
        if what == b"speak":
            return Speak(outbox.unpack(rest[0]), _pairs(rest[1]))
        if what == b"listen":
            return Later(rest[0] / 1000, unpack(rest[1], conversation))
        return Later(rest[0] / 1000) if what == b"wait" else Rest()

    def renew(self, held: Iterable[tuple[str, str, Iterable[str]]]) -> set[str]:
        """Extend the leases of ``held`` (conversation, token and the keys of its places in lines); returns the
        tokens that were lost."""
        args = [part for conversation, token, places in held for part in (conversation, token, " ".join(places))]
        if not args:
            return set()
        return {name.decode() for name in self._store.run(_renew, [DUE], [self.lease_ms, *args])}

    def commit(
        self, conversation: str, token: str, turn: int, reply: Reply | None, turns: Sequence[Turn] = (), *,
        mode: Mode = "append", window: int | None = None, language: str = "", reason: str = "",
        paused: str | None = None, spent: Spent = NOTHING,
    ) -> bool:  # fmt: skip
        """End a turn: its question and answer become history, its reply waits in the outbox.

        ``mode`` clear forgets the history first; bury puts the batch among the dead letters. ``reason`` says why
        it is dead, or why it was only heard; ``paused`` why nothing is answered from now on ("": it is again;
        None: as it was). False when the lease is lost: then the reply is dropped, for another worker's counts.
        """
        keys = [key(conversation, part) for part in ("history", "wip", "lease", "out", "state", "dead")]
        args: list[str | int] = [token, turn, conversation, mode, outbox.pack(reply) if reply else ""]
        args += [history.KEPT, self._expire_ms, "" if window is None else window, language, self.lease_ms]
        args += [reason, "-" if paused is None else paused, *spent]
        done = self._store.run(
            _commit, [*keys, DEAD, key(conversation, "turn")], [*args, *(history.pack(t) for t in turns)]
        )
        return bool(done == b"committed")

    def defer(
        self, conversation: str, token: str, seconds: float, *, failed: bool = False, notice: Reply | None = None,
        most: float = 30,
    ) -> None:  # fmt: skip
        """Let this turn wait, twice as long each time and ``most`` seconds; ``failed`` counts it as an attempt.

        ``notice`` is told to the person once, until the turn is committed.
        """
        keys = [DUE, *(key(conversation, part) for part in ("lease", "out", "state"))]
        counted = "tries" if failed else "waits"
        told = outbox.pack(notice) if notice else ""
        args: list[str | int] = [token, conversation, int(seconds * 1000), counted, told, int(most * 1000)]
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


def pack(message: Message) -> str:
    """A message as it is stored, without what the mailbox itself adds (version, number, time, kind).

    One line of JSON, and below it the platform's own words as they came.
    """
    record: dict[str, Any] = {"id": message.id, "text": message.text, "sent_at": message.sent_at}
    for name in ("person", "language", "reply_to", "sender", "bubble", "replaces", "album", "called", "pressed"):
        if value := getattr(message, name):
            record[name] = value
    if not message.addressed:
        record["addressed"] = False
    if message.attachments:
        record["attachments"] = [asdict(attachment) for attachment in message.attachments]
    return f"{_json(record)}\n{message.raw}"


def unpack(payload: bytes, conversation: str, number: int = 0) -> Message:
    line, _, raw = payload.partition(b"\n")
    record = json.loads(line)
    attachments = tuple(Attachment(**attachment) for attachment in record.pop("attachments", ()))
    called = tuple(record.pop("called", ()))
    return Message(
        conversation=conversation, attachments=attachments, called=called, number=number, raw=raw.decode(), **record
    )


def _unpack_entry(entry: bytes, conversation: str) -> Message:
    _version, number, _at, _kind, payload = entry.split(b"|", 4)
    return unpack(payload, conversation, int(number))


def _pairs(flat: Sequence[bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}


def channel_of(conversation: str) -> str:
    """The name of the channel that a conversation belongs to."""
    return Conversation.parse(conversation).channel
