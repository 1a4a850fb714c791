"""Many answers at once: continuous batching behind a guard, with a watchdog.

One bad request ends the library's loop for everybody. So nothing reaches it unvetted (``job.vet``); and when it
dies all the same, it is started again, and every answer goes on after its last token: nobody who waits notices.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty
from typing import ClassVar, Final
from uuid import uuid4

from bot.errors import BackendError, Rejected, Unavailable
from workers.backends.local.batching import Manager, Output
from workers.backends.local.job import Engine, Job, Knobs, Signal, vet

TICK: Final = 0.1
WAITING_MOST: Final = 256
SUSPECT_DEATHS: Final = 2
"""A job beside which the loop died so often runs alone: if it dies again, it was this one."""
DEATHS_MOST, DEATHS_SECONDS = 10, 600.0
"""So many deaths in so many seconds are no accidents: a fresh process is the better cure."""
PROOF_SECONDS: Final = 300.0
PROOF_TOKENS: Final = 4

_DEVICE_FAULTS: Final = (
    "cuda error",
    "cublas",
    "cudnn",
    "device-side assert",
    "illegal memory access",
    "acceleratorerror",
)

log = logging.getLogger("recado.local")


class Refused(Exception):
    """Raised when a model cannot be run this way; the text says why."""


def is_hopeless(device: str, fault: BaseException | None, deaths: Sequence[float], now: float) -> bool:
    """Whether a dead loop cannot be started again in this process.

    After an error on a CUDA device its context is lost, and every later call fails too
    (https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html, "must be terminated and relaunched").
    Being out of its memory is no such error.
    """
    if sum(now - death < DEATHS_SECONDS for death in deaths) >= DEATHS_MOST:
        return True
    if fault is None or not device.startswith("cuda") or "OutOfMemory" in type(fault).__name__:
        return False
    said = f"{type(fault).__name__} {fault}".lower()
    return any(word in said for word in _DEVICE_FAULTS)


def leave() -> None:
    """End this process, so that its supervisor starts it anew; what it was answering is thought anew elsewhere."""
    logging.shutdown()
    os._exit(1)


class Batching(Engine):
    """All jobs in one batch; ``prove`` comes before the first."""

    name: ClassVar[str] = "batching"

    def __init__(
        self, manager: Manager, *, vocabulary: int, most: int, parallel: int, ends: Sequence[int], device: str,
        leave: Callable[[], None] = leave,
    ) -> None:  # fmt: skip
        self._manager, self._vocabulary, self.most, self.parallel = manager, vocabulary, most, parallel
        self.ends, self._device, self._leave = frozenset(ends), device, leave
        self._lock = threading.RLock()
        self._waiting: deque[Job] = deque()
        self._running: dict[str, tuple[Job, int]] = {}
        self._deaths: deque[float] = deque(maxlen=DEATHS_MOST)
        self._closed, self._proven = False, False
        manager.start()
        self._pump = threading.Thread(target=self._run, name="local-engine")
        self._pump.start()

    def prove(self, ids: list[int], expected: list[int]) -> None:
        """Answer ``ids`` as the model itself does. Raises Refused, and is closed then."""
        job = Job(ids, len(expected), Knobs())
        try:
            self.submit(job)
            while not isinstance(item := job.box.get(timeout=PROOF_SECONDS), Signal):
                if isinstance(item, BackendError):
                    raise item
        except (BackendError, Empty) as error:
            fault = self._manager.fault
            self.close()
            raise Refused(str(error) or f"no answer within {PROOF_SECONDS:g} seconds") from fault
        if job.made != expected:
            self.close()
            raise Refused(f"it makes other tokens of a greeting ({job.made}) than the model itself ({expected})")
        self._proven = True

    def submit(self, job: Job) -> None:
        vet(job, vocabulary=self._vocabulary, most=self.most)
        with self._lock:
            if self._closed:
                raise _stopping()
            if len(self._waiting) >= WAITING_MOST:
                raise Unavailable(f"{WAITING_MOST} answers are waited for: start another worker", retry_after=1)
            self._waiting.append(job)
            self._dispatch()

    def cancel(self, job: Job) -> None:
        with self._lock:
            job.cancelled = True
            if job in self._waiting:
                self._waiting.remove(job)
            for request, (one, _) in list(self._running.items()):
                if one is job:
                    del self._running[request]
                    self._manager.cancel(request)
            self._dispatch()

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            left = [*self._waiting, *(job for job, _ in self._running.values())]
            self._waiting.clear()
            self._running.clear()
        for job in left:
            job.end(_stopping())
        self._manager.stop()

    def _dispatch(self) -> None:
        """Hand over who is next while there are places; in the order in which they came. The lock is held."""
        while self._waiting and not self._closed and self._has_place(self._waiting[0]):
            job, request = self._waiting.popleft(), uuid4().hex
            self._running[request] = (job, len(job.made))
            if not self._manager.add(request, [*job.ids, *job.made], job.limit - len(job.made), job.knobs):
                del self._running[request]
                self._waiting.appendleft(job)
                return  # the pump will see that the loop is dead, start it again and come back

    def _has_place(self, job: Job) -> bool:
        if any(one.deaths >= SUSPECT_DEATHS for one, _ in self._running.values()):
            return False
        return len(self._running) < (1 if job.deaths >= SUSPECT_DEATHS else self.parallel)

    def _run(self) -> None:
        """The pump: the only reader of what the loop makes, and its watchdog. Nobody watches over it but itself."""
        try:
            while not self._closed:
                self._step()
        except Exception as error:
            if not self._proven:
                self._give_up(error)
                return
            log.critical("the engine has failed, and its process ends: its supervisor starts it anew", exc_info=True)
            self._leave()

    def _step(self) -> None:
        if not threading.main_thread().is_alive():
            self.close()  # nobody is left who could; the loop's thread would keep the process alive
        elif (output := self._manager.next(TICK)) is not None:
            self._route(output)
        elif not self._manager.alive:
            self._revive()
        elif self._manager.dying:
            time.sleep(TICK / 10)

    def _route(self, output: Output) -> None:
        """Give its job what is new."""
        with self._lock:
            job, before = self._running.get(output.request, (None, 0))
            if job is None or (output.error and self._manager.dying):
                return  # cancelled; or all fail together, and are taken up again when the loop is dead
            if output.error:
                job.end(Rejected(f"the engine takes no such request: {output.error}"))
            else:
                job.give(output.tokens[len(job.made) - before :])
            if output.finished:
                del self._running[output.request]
                if not output.error:
                    job.end()
                self._dispatch()

    def _revive(self) -> None:
        """The loop is dead: start it again, with all who were in it."""
        with self._lock:
            if self._closed:
                return
            fault, lost = self._manager.fault, list(self._running.items())
            self._deaths.append(time.monotonic())
            if not self._proven:
                self._give_up(fault)
                return
            log.error("the engine's loop has died (%r); it starts again, and %d answers go on", fault, len(lost))
            if is_hopeless(self._device, fault, self._deaths, time.monotonic()):
                log.critical("the engine cannot be mended in this process, which ends: its supervisor starts it anew")
                self._leave()
            for request, _ in lost:
                self._manager.cancel(request)  # one that came while the loop was dying is still in its queue
            self._running.clear()
            self._take_up([job for _, (job, _) in lost], fault)
            self._manager.start()
            self._dispatch()

    def _take_up(self, lost: list[Job], fault: BaseException | None) -> None:
        for job in reversed(lost):
            job.deaths += 1
            if len(lost) == 1 and job.deaths >= SUSPECT_DEATHS:
                job.end(Rejected(f"the engine died of this request {job.deaths} times: {fault}"))
            elif len(job.made) >= job.limit or (job.made and job.made[-1] in self.ends):
                job.end()
            else:
                self._waiting.appendleft(job)

    def _give_up(self, fault: BaseException | None) -> None:
        """It died before it was proven: it would die of everything."""
        with self._lock:
            for job in [*self._waiting, *(job for job, _ in self._running.values())]:
                job.end(Rejected(f"its loop died: {fault}"))
            self._waiting.clear()
            self._running.clear()
        self.close()


def _stopping() -> Unavailable:
    return Unavailable("this worker is stopping: another will answer", retry_after=1)
