"""The outbox: what the assistant has said and the platform has not yet shown. Strictly first in, first out.

Each bubble of a reply has a state: staged (no entry) → sending → sent | unknown | failed | parked, and one that
grows: staged → sending (its opening) → open → sent. `sending` is written before the platform is called, by the
holder of the lease alone; what the platform answered is recorded by whoever heard it.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from bot.message import Limit, Piece, Reply
from bot.received import Status
from bot.stores.bell import bell
from bot.stores.connection import DUE, PREFIX, Script, Store, key
from bot.stores.meter import Calendar, counted

Permission = Literal["go", "wait", "held", "closed", "lost", "settled", "open"]
Mode = Literal["send", "open", "edit", "preview"]
"""A whole bubble; the opening of one that grows; its final text; what it shows meanwhile."""

Outcome = Literal["sent", "open", "staged", "sending", "unknown", "failed", "parked"]
Standing = Literal["ours", "idle", "repaired"]

_TOLD = ("answers", "number", "asked_at", "backend")
"""What stands beside a reply's first bubble about the whole of it; records of older versions lack some."""
_BESIDE = ("file", "file_name")
"""And beside each about itself. Whatever a newer version writes there, a worker that is still the older one lets be."""

REFERENCE = re.compile(r"([0-9a-f]{12})\.(-?[0-9]+)\.([0-9]+)")
"""Our own id of a bubble, as a platform echoes it: the random id, the turn, the bubble's place in the reply."""

_begin = Script("begin", "ring", "post", "bubbles", "limits", "hold")
_halt = Script("halt", "ring", "hold")
_pause = Script("pause", "ring")
_spare = Script("spare", "ring", "limits", "hold")
_opened = Script("opened", "ring", "post", "bubbles")
_record = Script("record", "ring", "post", "bubbles", "hold")
_settle = Script("settle", "ring", "post", "bubbles", "hold", "meter")
_repair = Script("repair", "ring", "post", "bubbles")


def pack(reply: Reply) -> str:
    """A reply as it is stored: version (2: it grows), turn and bubbles, the turn where a script can read it."""
    told: dict[str, str | int] = {"answers": reply.answers, "number": reply.number} if reply.answers else {}
    told |= {"asked_at": reply.asked_at, "backend": reply.backend} if reply.asked_at else {}
    pieces = [_packed(piece, {} if place else told) for place, piece in enumerate(reply.pieces)]
    rest = json.dumps(pieces, ensure_ascii=False, separators=(",", ":"))
    return f"{2 if reply.grows else 1}|{reply.turn}|{rest}"


def unpack(record: bytes) -> Reply:
    version, turn, rest = record.split(b"|", 2)
    whole = [_whole(packed) for packed in json.loads(rest)]
    pieces = tuple(Piece(text, tuple(entities), **_those(_BESIDE, more)) for text, entities, more in whole)
    told = _those(_TOLD, whole[0][2]) if whole else {}
    return Reply(int(turn), pieces, grows=version == b"2", **told)


def _those(names: Sequence[str], more: Mapping[str, Any]) -> dict[str, Any]:
    return {name: more[name] for name in names if name in more}


def _packed(piece: Piece, told: Mapping[str, str | int]) -> list[Any]:
    """Text, then entities, a file and what is ``told`` of the reply where there are any; buttons are for previews."""
    more = {**({"file": piece.file, "file_name": piece.file_name} if piece.file else {}), **told}
    return (
        [piece.text, piece.entities, more] if more else [piece.text, piece.entities] if piece.entities else [piece.text]
    )


def _whole(packed: Sequence[Any]) -> tuple[str, Sequence[dict[str, Any]], dict[str, Any]]:
    """As ``_packed`` made it, with what it left out."""
    absent: list[Any] = [(), {}]
    text, entities, more = [*packed[:3], *absent[len(packed) - 1 :]]
    return text, entities, more


def piece_name(turn: int, index: int) -> str:
    """The name of a bubble's state in the conversation's ``state``."""
    return f"piece:{turn}:{index}"


def piece_state(state: Mapping[str, str], turn: int, index: int) -> tuple[str, str]:
    """The bubble's state as ``take`` found it, and its id; staged when nothing was ever done with it."""
    kind, _, identity = state.get(piece_name(turn, index), "staged").partition(":")
    return kind, identity


class Begun(NamedTuple):
    """Whether a bubble may go: ``go`` with our reference of it, ``open`` with the platform's id, ``wait`` seconds.

    ``held``: the account is on hold, since when and why ``identity`` tells. ``closed``: the person must write first,
    and has been waited for so long.
    """

    permission: Permission
    identity: str = ""
    wait: float = 0.0


class Outbox:
    """Sends are bracketed by begin and record. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, *, silent: bool = False, hold_seconds: float = 60) -> None:
        """``hold_seconds`` is after how long an account that was put on hold is tried again; a ``silent`` outbox rings
        nobody. With a ``calendar`` it counts what each bubble costs."""
        self._store, self._silent, self._hold_ms = store, silent, math.ceil(hold_seconds * 1000)
        self.calendar: Calendar | None = None

    def begin(
        self, conversation: str, token: str, turn: int, index: int, limits: Sequence[Limit], *, mode: Mode = "send",
        credential: str = "", window: float = 0,
    ) -> Begun:  # fmt: skip
        """Say that this bubble is about to be sent or edited, and hear whether it may.

        ``credential`` is what the platform knows us by (empty: its account is never put on hold), ``window`` for how
        many seconds after they wrote a person may be written to (0: always).
        """
        name, window_ms = piece_name(turn, index), math.floor(window * 1000)
        args: list[str | int] = [*bell(silent=self._silent), conversation, token, turn, name, mode]
        args += [secrets.token_hex(6), credential, window_ms, *_counted(limits)]
        keys = [key(conversation, part) for part in ("lease", "state", "out")]
        what, *more = self._store.run(_begin, keys, args)
        if what in {b"wait", b"held", b"closed"}:
            return Begun(what.decode(), "".join(part.decode() for part in more[1:]), more[0] / 1000)
        identity = more[0].decode() if more else ""
        return Begun(what.decode(), f"{identity}.{turn}.{index}" if what == b"go" else identity)

    def opened(self, conversation: str, reference: str, bubble: str) -> str:
        """Store the platform's id of the opening that begin gave ``reference``, straight after it was sent ("": it
        was not). Returns the bubble that counts: another one where somebody else was quicker, "" where none is
        wanted any more."""
        args = [*reference.split("."), bubble]
        return str(self._store.run(_opened, [key(conversation, "state")], args).decode())

    def record(
        self, conversation: str, turn: int, index: int, outcome: Outcome, *, identity: str = "", wait: float = 0,
        mine: str = "", code: int = 0, tries: int | None = None, well: bool = False, why: str = "",
    ) -> bool:  # fmt: skip
        """Write down what became of a bubble; ``wait`` seconds pass before anything else is sent here.

        ``identity`` is the platform's id of a bubble that is sent or open, else our own; ``mine`` the one under
        which it was begun (our own, or the platform's of an open bubble), where it was: what is no longer known
        under it is another bubble, and stays as it is. ``code`` is the platform's for the trouble, to be counted,
        ``why`` the name of it, ``tries`` how often there has been some with this bubble; ``well``: the account is,
        whatever the bubble's trouble. True when the whole reply is settled.
        """
        noted = f"{outcome}:{identity}" if identity else outcome
        keys = [key(conversation, part) for part in ("out", "state", "spoken")]
        args: list[str | int] = [*bell(silent=self._silent), conversation, turn, index, noted, math.ceil(wait * 1000)]
        args += [mine, code, "" if tries is None else tries, int(well or outcome in {"sent", "failed", "parked"}), why]
        return bool(self._store.run(_record, keys, args) == b"settled")

    def halt(self, conversation: str, reason: str, *, credential: str, code: int = 0, mine: str = "") -> str:
        """The platform takes nothing from this conversation's account, as it said of ``credential``: put it on hold.

        ``mine`` is our id of the bubble that heard so ("": it was none); what is said here waits for the end of the
        hold, which grows if it was the bubble that was tried. Returns since when there is a hold, "" where it is
        another credential's.
        """
        args: list[str | int] = [conversation, reason, code, credential, self._hold_ms, mine]
        keys = [key(conversation, part) for part in ("state", "out")]
        return str(self._store.run(_halt, keys, args).decode())

    def settle(self, status: Status) -> bool:
        """Give a bubble the outcome that the platform tells now: one that nobody knew yet, or, for one that was taken,
        that it was not shown and is to be said again. False where none waits for it."""
        found = REFERENCE.fullmatch(status.reference)
        if not found:
            return False
        names = json.dumps([status.conversation, *status.also])
        args: list[str | int] = [*bell(silent=self._silent), names, *found.groups(), status.outcome, status.bubble]
        args += [status.code, status.reason, self._hold_ms, *counted(status, self.calendar)]
        return bool(self._store.run(_settle, [], args))

    def repair(self, conversation: str, token: str, turn: int, index: int, *, again: bool = False) -> Standing:
        """A preview was shown (or, ``again``, may still be): whether it was ours to show.

        Where the turn was ended meanwhile, its final text is put back into the outbox, to be said once more.
        """
        keys = [DUE, *(key(conversation, part) for part in ("lease", "out", "state", "spoken", "turn"))]
        args: list[str | int] = [*bell(silent=self._silent), conversation, token, turn, index, int(again)]
        standing: Standing = self._store.run(_repair, keys, args).decode()
        return standing

    def spare(self, conversation: str, limits: Sequence[Limit]) -> bool:
        """Whether something that nobody would miss (typing) may go now; half of every limit is kept for answers."""
        return bool(self._store.run(_spare, [key(conversation, "state")], [conversation, *_counted(limits)]))

    def pause(self, conversation: str, seconds: float, limit: Limit | None = None) -> None:
        """The platform wants no call for so long: in this conversation, or under ``limit`` from anybody."""
        shared = f"{PREFIX}limit:{limit.name}" if limit else ""
        self._store.run(_pause, [key(conversation, "state")], [math.ceil(seconds * 1000), shared])


def _counted(limits: Sequence[Limit]) -> list[str | int]:
    return [
        part for limit in limits for part in (f"{PREFIX}limit:{limit.name}", str(limit.most), int(limit.seconds * 1000))
    ]
