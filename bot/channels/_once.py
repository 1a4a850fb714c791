"""Something dear that is made when it is first needed, once, whichever thread asks first."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """Whatever holds something open."""

    def close(self) -> None: ...


Made = TypeVar("Made", bound=Closable)


class Once(Generic[Made]):
    """Holds what ``make`` makes, from the first ``get`` to ``close``."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: Made | None = None
        self._lock = Lock()

    def get(self) -> Made:
        """The one thing, made now if need be."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def close(self) -> None:
        """Close it, if it was ever made."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()
