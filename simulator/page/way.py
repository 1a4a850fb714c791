"""A message's way and its times: from the platforms' own records and the turns in the workers' logs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from simulator.calls import Call
from simulator.delivery import Said
from simulator.page.staff import CAP_SECONDS, QUIET_SECONDS

ANSWER_SECONDS: Final = 1.0
"""So long at most a platform of the demo takes to answer a call: until then it is in the hands of whoever made it."""
NEAR_SECONDS: Final = 1.0
"""A turn's oldest message was accepted so near to when the turn says that it was."""


class Turn(NamedTuple):
    """A turn as a worker logs it (LOG_FORMAT=json). ``taken`` and ``committed`` are seconds since 1970; ``waited``,
    ``think`` and ``first_token`` seconds (None: not known)."""

    channel: str
    number: int
    messages: int
    committed: float
    waited: float | None
    think: float
    first_token: float | None
    backend: str
    outcome: str

    @property
    def taken(self) -> float:
        return self.committed - self.think


class Way(NamedTuple):
    """What became of one turn's messages, in seconds; ``text`` is the first of them.

    ``accepting``: from writing it until the webhook said 200. ``listening``: until the burst was over. ``waiting``:
    until a worker took it. ``thinking``: until the answer was stored. ``speaking``: until its last bubble stood in the
    chat. ``first_words``: from the newest message until the first bubble. ``crashed``: a worker was killed that had the
    conversation in hand.
    """

    turn: Turn
    text: str
    accepting: float
    listening: float
    waiting: float
    speaking: float
    first_words: float | None
    crashed: bool


class Logs:
    """Reads what workers have written since it was asked last."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._places = dict.fromkeys(paths, 0)
        self._reading = threading.Lock()
        self._turns: list[Turn] = []

    def read(self) -> list[Turn]:
        """All turns so far, by when they were committed. A line that is half written is read the next time."""
        with self._reading:
            for path in filter(Path.exists, self._places):
                with path.open("rb") as log:
                    log.seek(self._places[path])
                    whole, end, _ = log.read().rpartition(b"\n")
                self._places[path] += len(whole) + len(end)
                self._turns += [turn for line in whole.splitlines() if (turn := _turn(line))]
            return sorted(self._turns, key=lambda turn: turn.committed)


def ways(
    turns: Sequence[Turn], said: Sequence[Said], shown: Sequence[Call], kills: Sequence[float], epoch: float
) -> list[Way]:
    """The way of each turn of one chat whose messages are known, in order.

    ``kills`` are when a worker died that had this chat in hand. They and the platform's times are monotonic; ``epoch``
    seconds later they are seconds since 1970.
    """
    accepted = [one for one in said if one.accepted is not None]
    found = []
    for turn, after in pairwise([*turns, None]):
        if turn and (batch := _batch(turn, accepted, epoch)):
            until = after.taken if after else float("inf")
            calls = [call.time + epoch for call in shown if turn.taken <= call.time + epoch < until]
            found.append(_way(turn, batch, calls, [at + epoch for at in kills], epoch))
    return found


def _turn(line: bytes) -> Turn | None:
    try:
        told: dict[str, Any] = json.loads(line)
        if told.get("event") != "turn":
            return None
        committed = datetime.fromisoformat(told["at"]).timestamp()
        return Turn(
            told["channel"], told["turn"], told["messages"], committed, _seconds(told["waited_ms"]),
            _seconds(told["think_ms"]) or 0.0, _seconds(told["first_token_ms"]), told["backend"], told["outcome"],
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, AttributeError):  # a library's own line, or a traceback's
        return None


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _batch(turn: Turn, accepted: Sequence[Said], epoch: float) -> Sequence[Said]:
    """The messages that a turn answered: from the one that was accepted when its oldest was."""
    if turn.waited is None or not accepted:
        return ()
    oldest = turn.taken - turn.waited - epoch
    place = min(range(len(accepted)), key=lambda i: abs((accepted[i].accepted or 0.0) - oldest))
    near = abs((accepted[place].accepted or 0.0) - oldest) < NEAR_SECONDS
    return accepted[place : place + turn.messages] if near else ()


def _way(turn: Turn, batch: Sequence[Said], calls: Sequence[float], kills: Sequence[float], epoch: float) -> Way:
    first, newest, waited = batch[0], batch[-1], turn.waited or 0.0
    begun = (first.accepted or first.time) + epoch
    quiet_at = min((newest.accepted or newest.time) + epoch + QUIET_SECONDS, begun + CAP_SECONDS)
    listening = 0.0 if first.text.startswith("/") else min(max(quiet_at - begun, 0.0), waited)
    spoken = max(calls, default=turn.committed)
    return Way(
        turn, first.text, begun - first.time - epoch, listening, waited - listening,
        max(spoken - turn.committed, 0.0),
        calls[0] - newest.time - epoch if calls else None,
        any(begun < at < max(spoken, turn.committed) + ANSWER_SECONDS for at in kills),
    )  # fmt: skip
