"""A worker that goes step by step, and ends by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bot.stores.connection import Store
from bot.stores.wakeups import Wakeup
from tests.contract.recorder import Recorder
from workers import jobs
from workers.worker import TurnWorker

LONGEST = 5.0


class Stepwise(TurnWorker):
    """Waits a tenth of a second for a wake-up; ``steps`` run before its first rounds, one each."""

    dequeue_timeout = 0.1  # type: ignore[assignment]

    def __init__(self, store: Store, recorder: Recorder, slots: int = 1) -> None:
        super().__init__(store.client, recorder, slots)  # type: ignore[arg-type]
        jobs.use(recorder)  # type: ignore[arg-type]
        self.steps: list[Callable[[], object]] = []

    def _take(self, seconds: float) -> Wakeup | None:
        if self.steps:
            self.steps.pop(0)()
        return super()._take(seconds)

    def work_for_a_while(self) -> float:
        """Work until it is stopped, at the latest by us; returns the seconds."""
        begun = time.monotonic()
        timer = threading.Timer(LONGEST, self._stop)
        timer.start()
        self.work()
        timer.cancel()
        timer.join()
        return time.monotonic() - begun


def stop(worker: TurnWorker) -> Callable[[str], None]:
    """What an answer does that is the last one."""
    return lambda _: worker._stop()


def idle() -> None:
    """A round in which nothing happens."""
