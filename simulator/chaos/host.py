"""What befalls the machine under Redis: a clock that jumps, and a disk that is full."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from simulator.chaos.load import refuse_for, start_workers, writing
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import World
from simulator.faults import Shim
from simulator.processes import NotReady, wait_until

PEOPLE: Final = 40
PER_SECOND: Final = 6.0
JUMPS: Final = (7200.0, 1800.0)
"""Seconds by which the clock jumps ahead and then back; a short way back may look like an honest wait."""
SPAN: Final = (0.5, 2.0)
"""Seconds of load before each fault, at random."""
STUCK_SECONDS: Final = 30.0
"""Whoever writes after a fault must be answered in this time: a lease, and the sweep's longest pause."""
FULL_SECONDS: Final = (0.5, 2.0)
PROBE_CHAT: Final = 34_510_000_000


def jumps(trials: int, seed: int, channel: str) -> Row:
    """The clock of Redis' host jumps two hours ahead and back, half an hour ahead and back, and so on."""
    with World("clock", channel, seed) as world, _shimmed(world) as shim:
        if shim is None:
            return world.row
        with writing(world.people(PEOPLE), PER_SECOND, seed):
            for number in range(trials):
                sleep(world.random.uniform(*SPAN))
                jump = JUMPS[number // 2 % len(JUMPS)]
                shim.step(-jump if number % 2 else jump)
                world.row.trials += 1
                _answer_somebody(world)
        return world.judge()


def full_disks(trials: int, seed: int, channel: str) -> Row:
    """There is no room for Redis' append-only file: it ends, as it must, and is started again when there is."""
    with World("full-disk", channel, seed, WHATSAPP_STATUS_SECONDS="10") as world, _shimmed(world) as shim:
        if shim is None:
            return world.row
        with writing(world.people(PEOPLE), PER_SECOND, seed):
            for _ in range(trials):
                sleep(world.random.uniform(*SPAN))
                _fill(world, shim)
                world.row.trials += 1
                _answer_somebody(world)
        return world.judge()


@contextmanager
def _shimmed(world: World) -> Iterator[Shim | None]:
    """Redis on a host whose clock and disk are ours, and workers; None where this machine cannot do it."""
    with tempfile.TemporaryDirectory(prefix="recado-shim-") as folder:
        shim = Shim(Path(folder))
        if not shim.available:
            world.row.broken.append(f"not tried: {shim.reason}")
            yield None
            return
        world.kill("redis")
        world.start("redis", **shim.environment)
        start_workers(world)
        yield shim


def _fill(world: World, shim: Shim) -> None:
    """No room until Redis has ended and for a while longer; nobody may be told that anything was accepted."""
    server = world.processes.running["redis"]
    shim.fill_disk()
    if not wait_until(lambda: server.poll() is not None, 30):
        raise NotReady(f"Redis goes on without room.\n{world.processes.log_tails()}")
    refuse_for(world, world.random.uniform(*FULL_SECONDS), PROBE_CHAT, "the disk was full")
    shim.free_disk()
    world.start("redis", **shim.environment)


def _answer_somebody(world: World) -> None:
    """A newcomer is answered."""
    began, chat = monotonic(), PROBE_CHAT + 1 + world.row.trials
    taken = wait_until(lambda: world.probe(chat) == 200, STUCK_SECONDS)
    seen = taken and world.platform.wait_until(lambda: bool(world.platform.answers(chat)), STUCK_SECONDS)
    world.row.count("answered_ms_most", round((monotonic() - began) * 1000))
    if not seen:
        world.row.broken.append(f"somebody was not answered within {STUCK_SECONDS:.0f} s")


CLOCK = Scenario("clock", "the clock of Redis' host jumps ahead, and back", Trials(2, 4, 40), jumps)
DISK = Scenario("full-disk", "no room for Redis under appendfsync always", Trials(1, 2, 10), full_disks)
