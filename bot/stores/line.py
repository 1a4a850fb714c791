"""The line before something scarce: the model servers, or the one seat for suspects.

Who comes first is served first, over all workers. Who must wait is woken by whoever leaves; no thread waits, and
waiting is no attempt. A place that fails again and again is probed until it answers (a circuit breaker).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from bot.message import Reply
from bot.stores import outbox
from bot.stores.bell import bell
from bot.stores.connection import DUE, PREFIX, Script, Store, key

MODELS, SUSPECTS = "models", "suspects"

Did = Literal["ok", "failed", "left"]
"""How a place did; left: nothing can be said of it."""

_enter = Script("enter", "ring", "line")
_leave = Script("leave", "ring", "line")
_tend = Script("tend", "ring", "line")


class Line:
    """One line before ``places`` that take ``parallel`` conversations each. Every method raises StoreUnavailable."""

    def __init__(
        self, store: Store, name: str, *, places: Sequence[str], parallel: int, lease: float, silent: bool = False
    ) -> None:
        """``lease`` is how many seconds a place is kept without being renewed."""
        self._store, self._name, self.places, self._parallel = store, name, tuple(places), parallel
        self._lease_ms, self._silent = int(lease * 1000), silent

    def seat(self, place: str) -> str:
        """The key of a place, for Mailbox.renew."""
        return f"{PREFIX}places:{self._name}:{place}"

    def enter(
        self, conversation: str, token: str, places: Sequence[str], *, notice: Reply | None = None,
        notice_seconds: float = 0, why: str = "",
    ) -> tuple[str, float]:  # fmt: skip
        """The place that this turn has now; or "" and the seconds until it should look again: then its lease is gone.

        ``places`` are those that will do: the first while it has room, then the one with the most. ``notice`` is
        told to a person who has waited for ``notice_seconds``, once in this turn. ``why`` its last try failed is for
        whoever looks meanwhile.
        """
        keys = [DUE, *(key(conversation, part) for part in ("lease", "out", "state"))]
        told = outbox.pack(notice) if notice else ""
        what, *rest = self._store.run(
            _enter, keys, [*self._common(conversation), token, int(notice_seconds * 1000), told, why, *places]
        )
        if what == b"go":
            return rest[0].decode(), 0.0
        return "", (rest[0] / 1000 if rest else 0.0)

    def leave(self, conversation: str, token: str, place: str, did: Did, *, rest_seconds: float = 0) -> float:
        """Give a place back; returns the seconds for which it is left alone now, 0 when it takes others at once.

        ``rest_seconds`` is the place's own wish after a failure.
        """
        args = [*self._common(conversation), token, place, did, int(rest_seconds * 1000), *self.places]
        return int(self._store.run(_leave, [DUE, key(conversation, "lease")], args)) / 1000

    def tend(self) -> None:
        """Give the places of who died, and of servers that have rested, to who stands in the line."""
        self._store.run(_tend, [DUE], [*self._common(""), *self.places])

    def _common(self, conversation: str) -> list[str | int]:
        return [*bell(silent=self._silent), conversation, self._name, self._parallel, self._lease_ms]
