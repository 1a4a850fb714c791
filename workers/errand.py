"""Work in a thread of its own, for which a turn waits only as long as it is wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Generic, TypeVar

from bot.errors import Unavailable

Result = TypeVar("Result")


class Errand(Generic[Result]):
    """Runs ``work``, which may ask whether nobody waits any more; what it brings too late is dropped."""

    def __init__(self, work: Callable[[Callable[[], bool]], Result]) -> None:
        self._work = work
        self._future: Future[Result] = Future()

    def result(self) -> Result:
        """What the work gives or raises; Unavailable once it is closed."""
        threading.Thread(target=self._run, name="errand", daemon=True).start()
        return self._future.result()

    def close(self) -> None:
        """Wait no longer, from any thread and at any time."""
        with suppress(InvalidStateError):
            self._future.set_exception(Unavailable("the work was ended: nobody waits for it"))

    def _run(self) -> None:
        if self._future.done():
            return
        with suppress(InvalidStateError):
            try:
                result = self._work(self._future.done)
            except Exception as error:  # noqa: BLE001 - the border of a thread: whoever waits gets it
                self._future.set_exception(error)
            else:
                self._future.set_result(result)
