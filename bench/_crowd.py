"""Many people before an installation of several workers, and what its processes take of the machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import monotonic, process_time
from types import TracebackType
from typing import Self

from _contest import cpu_seconds
from _installation import Installation

from bot.stores.bell import QUEUE
from simulator.ledger.records import marks_of
from simulator.models import ModelServer
from simulator.people import People
from simulator.processes import NotReady, wait_until

READY_SECONDS, ANSWERED_SECONDS, LOOK_SECONDS = 60, 120, 0.25


class Crowd:
    """A receiver and workers of so many ``slots``, a model that takes ``in_flight`` questions, and people who write.

    ``more`` are the product's further settings.
    """

    def __init__(self, thinking: float, slots: int, in_flight: int, **more: str) -> None:
        self.model = ModelServer(thinking, threads=in_flight + 32)
        settings = {"LLM_PARALLEL": str(in_flight), "WORKER_CONCURRENCY": str(slots)} | more
        self.installation = Installation(self.model, **settings)
        self.telegram = self.installation.telegram
        self.workers: list[str] = []
        self._written = 0

    def __enter__(self) -> Self:
        self.installation.open()
        try:
            self.installation.start("receiver")
        except BaseException:
            self.installation.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.installation.close()

    def grow(self, workers: int, *, warm: bool = True) -> None:
        """Start workers until there are so many; ``warm`` ones have had a turn, which loads what it needs.

        Raises NotReady.
        """
        installation = self.installation
        for number in range(len(self.workers), workers):
            self.workers.append(f"{number} worker")
            installation.start(self.workers[-1])
        if not wait_until(lambda: int(installation.redis.scard(f"rq:workers:{QUEUE}")) >= workers, READY_SECONDS):
            raise NotReady(f"The workers do not come up.\n{installation.processes.log_tails()}")
        if warm:
            people = self.people(4 * workers)
            people.everybody()
            self.answered(people)

    def people(self, count: int) -> People:
        """People who have never written before."""
        self._written += count
        return People(self.telegram, count, rate=1, first=self._written - count)

    def write(self, people: People, rate: float) -> None:
        """Each of them once, at an even rate."""
        start, never = monotonic(), Event()
        for number, person in enumerate(people.persons):
            never.wait(max(start + number / rate - monotonic(), 0))
            people.write_one(person)

    def answered(self, people: People, watch: Callable[[], object] = lambda: None) -> dict[str, float]:
        """When each of them was first shown a whole answer; ``watch`` is called while they wait.

        Raises SystemExit when somebody never was.
        """
        chats, found, seen = {person.chat_id for person in people.persons}, dict[str, float](), 0
        never, until = Event(), monotonic() + ANSWERED_SECONDS
        while len(found) < len(chats):
            if monotonic() > until:
                tails = self.installation.processes.log_tails()
                raise SystemExit(f"{len(chats) - len(found)} of {len(chats)} people were not answered\n{tails}")
            watch()
            never.wait(LOOK_SECONDS)
            calls = self.telegram.calls[seen:]
            seen += len(calls)
            for call in calls:
                if call.taken and call.chat_id in chats and marks_of(str(call.params.get("text"))):
                    found.setdefault(call.chat_id, call.time)
        return found

    def cpu(self) -> dict[str, float]:
        """The seconds of processors that each kind of process has had; the simulator is this one."""
        of, server = self.installation.pid, self.installation.redis.info("server")
        pids = {"receiver": [of("receiver")], "workers": map(of, self.workers), "Redis": [int(server["process_id"])]}
        return {name: sum(map(cpu_seconds, each)) for name, each in pids.items()} | {"simulator": process_time()}

    def memory_mb(self) -> float:
        """What the largest worker occupies, in MB."""
        return max(pss_mb(self.installation.pid(name)) for name in self.workers)


def pss_mb(pid: int) -> float:
    """The memory of a process, what it shares counted in part (proc(5), /proc/pid/smaps_rollup), in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1_000_000
