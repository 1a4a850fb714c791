"""A turn's places: at a model server, of which each takes only so many, and alone, when it is under suspicion."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from bot.errors import Rejected, StoreUnavailable, Unavailable, Unfetched
from bot.logs import redact
from bot.message import Reply
from bot.stores.line import Did, Line
from workers.held import Held, LeaseLost

ALONE = "one"
SUSPECT_DEATHS = 2
"""A turn whose worker died so often may be what killed it; from then on it runs without other suspects."""

WHY = 200
"""So many characters of a reason are kept for whoever asks why a turn waits."""

log = logging.getLogger("recado.worker")

Result = TypeVar("Result")


class Waits(Exception):
    """The turn stands in a line; its lease is gone, and it is rung for when there is a place. Its cause is the server's
    failure, where one has sent it there."""


def reason_of(error: Unavailable) -> str:
    """Why a turn waits, for whoever asks."""
    return redact(str(error))[:WHY]


class Places:
    """The two lines of an installation, as its workers use them. Methods raise StoreUnavailable."""

    def __init__(self, models: Line, suspects: Line, notice_seconds: float) -> None:
        self._models, self._suspects, self._notice_seconds = models, suspects, notice_seconds

    def ask(self, held: Held, servers: Sequence[str], notice: Reply | None, call: Callable[[str], Result]) -> Result:
        """What ``call`` gives from a server that has a place and answers; none given: it is called with "".

        The first of ``servers`` is asked while it has room, then the emptiest.

        Raises Waits, LeaseLost, and what ``call`` raised last.
        """
        if not servers:
            return call("")
        left, failed = list(servers), None
        try:
            while True:
                server = self._enter(held, self._models, left, notice, failed)
                try:
                    return self._try(held, server, call)
                except Unfetched:
                    raise
                except Unavailable as error:
                    failed = error
                    rest = self._leave(held, self._models, server, "failed", error.retry_after or 0)
                    left.remove(server)
                    if left:
                        continue
                    if rest:
                        log.error("the model server %s is left alone for %.0f s: %s", server, rest, error)
                        other = self._enter(held, self._models, servers, notice, error)
                        self._leave(held, self._models, other, "left")
                    raise
        finally:
            del failed  # its traceback knows this frame: what broke off would stay until the garbage collector comes

    def _try(self, held: Held, server: str, call: Callable[[str], Result]) -> Result:
        did: Did = "left"
        try:
            result = call(server)
            did = "ok"
            return result
        except Rejected:
            did = "ok"
            raise
        except Unfetched:
            raise
        except Unavailable:
            did = "failed"
            raise
        finally:
            if did != "failed":
                self._leave(held, self._models, server, did)

    @contextmanager
    def alone(self, held: Held, deaths: int, notice: Callable[[], Reply | None]) -> Iterator[None]:
        """Beside no other suspect, if this turn is one. Raises Waits, LeaseLost."""
        if deaths < SUSPECT_DEATHS:
            yield
            return
        self._enter(held, self._suspects, [ALONE], notice())
        try:
            yield
        finally:
            self._leave(held, self._suspects, ALONE, "left")

    def give_back(self, held: Held) -> None:
        """All places of a turn that is given up."""
        for line, place in list(held.seats.values()):
            self._leave(held, line, place, "left")

    def leave_all(self, held: Held) -> None:
        """What a turn may have been given that ended before it came for it: nobody else need wait until it runs out."""
        for line in (self._models, self._suspects):
            for place in line.places:
                self._leave(held, line, place, "left")

    def tend(self) -> None:
        """Wake who stands in a line while a place is free."""
        for line in (self._models, self._suspects):
            if line.places:
                line.tend()

    def _enter(
        self, held: Held, line: Line, places: Sequence[str], notice: Reply | None, failed: Unavailable | None = None
    ) -> str:
        place, seconds = line.enter(
            held.conversation, held.token, places, notice=notice, notice_seconds=self._notice_seconds,
            why=reason_of(failed) if failed else "",
        )  # fmt: skip
        if place:
            held.seats[line.seat(place)] = (line, place)
            return place
        raise Waits if seconds else LeaseLost from failed

    def _leave(self, held: Held, line: Line, place: str, did: Did, rest_seconds: float = 0) -> float:
        held.seats.pop(line.seat(place), None)
        try:
            return line.leave(held.conversation, held.token, place, did, rest_seconds=rest_seconds)
        except StoreUnavailable as error:  # a place that nobody renews ends by itself; what was thought is kept
            log.warning("a place was not given back: %s", error)
            return 0.0
