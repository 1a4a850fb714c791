"""The history: what was said in a conversation. A list in Redis, of which only the tail is ever read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bot.message import Turn
from bot.stores.connection import Store, key, translated

KEPT = 2000
"""How many turns a conversation keeps: far more than a context window holds, far less than a memory."""

STOPPED = "stopped"
"""Why a question is only heard whose person ended it before the answer's first word."""

REVOKED = "revoked"
"""Why a turn ends of which every message was taken back by its sender."""

STEP = 40
"""How many turns are read at once, from the newest backwards."""


def pack(turn: Turn) -> str:
    """A turn as it is stored; ``v`` is the version of the form. The note is not kept; commit adds the time (``a``)."""
    record: dict[str, Any] = {"v": 1, "n": turn.number, "r": turn.role, "t": turn.text, "k": turn.tokens}
    if turn.heard:
        record["h"] = turn.heard
    if turn.said:
        record["b"] = turn.said
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def unpack(record: bytes | str) -> Turn:
    data = json.loads(record)
    said = tuple((bubble, size) for bubble, size in data.get("b", ()))
    heard, at = data.get("h", ""), int(data.get("a", 0))
    return Turn(role=data["r"], text=data["t"], tokens=data["k"], number=data["n"], heard=heard, said=said, at=at)


class History:
    """Reads what mailbox.commit wrote."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tail(self, conversation: str, window: int, budget: int) -> list[Turn]:
        """The newest turns, oldest first: back to turn number ``window``, and no more than ``budget``
        tokens need. The cost depends on what is read, not on how much there is.

        Raises StoreUnavailable.
        """
        turns: list[Turn] = []
        tokens = skip = 0
        while True:
            records = self._read(conversation, skip)
            for record in reversed(records):
                turn = unpack(record)
                if turn.number < window:
                    return turns[::-1]
                turns.append(turn)
                tokens += turn.tokens
                if tokens > budget:
                    return turns[::-1]
            if len(records) < STEP:
                return turns[::-1]
            skip += STEP

    def last_question(self, conversation: str) -> Turn | None:
        """The newest question that was answered, or that its person stopped; None where there is none of late.

        Raises StoreUnavailable.
        """
        number = None
        for turn in map(unpack, reversed(self._read(conversation, 0))):
            if number is None and (turn.role == "assistant" or turn.heard == STOPPED):
                number = turn.number
            if turn.role == "user" and turn.number == number:
                return turn
        return None

    def _read(self, conversation: str, skip: int) -> Sequence[bytes | str]:
        with translated():
            return self._store.client.lrange(key(conversation, "history"), -(skip + STEP), -(skip + 1))
