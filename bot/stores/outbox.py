"""The outbox: what the assistant has said and the platform has not yet shown. Strictly first in, first out.

Each bubble of a reply has a state: staged (no entry) → sending → sent | unknown | failed. `sending` is
written before the platform is called, by the holder of the lease alone; what the platform answered is
recorded by whoever heard it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Literal

from bot.message import Limit, Piece, Reply
from bot.stores.connection import PREFIX, Script, Store, key

Permission = Literal["go", "wait", "lost", "settled"]
Outcome = Literal["sent", "staged", "unknown", "failed"]

_begin = Script("begin", "ring")
_record = Script("record", "ring")


def pack(reply: Reply) -> str:
    """A reply as it is stored: version, turn and bubbles, the turn where a script can read it."""
    pieces = [[piece.text, piece.entities] if piece.entities else [piece.text] for piece in reply.pieces]
    rest = json.dumps(pieces, ensure_ascii=False, separators=(",", ":"))
    return f"1|{reply.turn}|{rest}"


def unpack(record: bytes) -> Reply:
    _version, turn, rest = record.split(b"|", 2)
    pieces = tuple(Piece(text, tuple(more[0]) if more else ()) for text, *more in json.loads(rest))
    return Reply(int(turn), pieces)


def piece_name(turn: int, index: int) -> str:
    """The name of a bubble's state in the conversation's ``state``."""
    return f"piece:{turn}:{index}"


def piece_state(state: Mapping[str, str], turn: int, index: int) -> str:
    """The bubble's state as ``take`` found it; staged when nothing was ever done with it."""
    return state.get(piece_name(turn, index), "staged").partition(":")[0]


class Outbox:
    """Sends are bracketed by begin and record. Every method raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(
        self, conversation: str, token: str, reply: Reply, index: int, limits: Sequence[Limit]
    ) -> tuple[Permission, float]:
        """Say that this bubble is about to be sent; whether it may, and if it must wait, for how many seconds."""
        args: list[str | int] = [token, reply.turn, piece_name(reply.turn, index)]
        for limit in limits:
            args += [f"{PREFIX}limit:{limit.name}", str(limit.most), int(limit.seconds * 1000)]
        keys = [key(conversation, part) for part in ("lease", "state", "out")]
        what, *wait = self._store.run(_begin, keys, args)
        return what.decode(), wait[0] / 1000 if wait else 0.0

    def record(
        self, conversation: str, reply: Reply, index: int, outcome: Outcome, *, platform_id: str = "", wait: float = 0
    ) -> bool:
        """Write down what became of a bubble; ``wait`` seconds pass before anything else is sent here.

        True when the whole reply is settled.
        """
        noted = f"{outcome}:{platform_id}" if platform_id else outcome
        args: list[str | int] = [
            reply.turn,
            piece_name(reply.turn, index),
            noted,
            len(reply.pieces),
            math.ceil(wait * 1000),
        ]
        keys = [key(conversation, "out"), key(conversation, "state")]
        return bool(self._store.run(_record, keys, args) == b"settled")
