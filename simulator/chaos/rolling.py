"""Everything is told to end and started again under load, one process after the other."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from time import monotonic, sleep
from typing import Final

from simulator.chaos.load import WORKERS, start_workers, writing
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import World
from simulator.ports import free_port
from simulator.processes import NotReady, wait_until

PEOPLE: Final = 60
PER_SECOND: Final = 6.0
BETWEEN: Final = 0.5
"""Seconds of load between two processes."""
GONE_SECONDS: Final = 30.0
SPARE: Final = "spare receiver"


def restarts(trials: int, seed: int, channel: str) -> Row:
    """Two receivers, two workers and Redis, each ended by SIGTERM and replaced before the next one."""
    with World("rolling-restart", channel, seed, WHATSAPP_STATUS_SECONDS="10") as world:
        ports = {"receiver": world.processes.port, SPARE: free_port()}
        world.start(SPARE, PORT=str(ports[SPARE]))
        _await_receiver(world, ports[SPARE])
        start_workers(world)
        people = world.people(PEOPLE)
        world.greet(people)
        with writing(people, PER_SECOND, seed):
            for _ in range(trials):
                _restart_everything(world, ports)
                world.row.trials += 1
        return world.judge()


def _restart_everything(world: World, ports: dict[str, int]) -> None:
    for name, port in ports.items():
        (other,) = (port for one, port in ports.items() if one != name)
        _end(world, name, aside=f"http://127.0.0.1:{other}/webhook/{world.platform.name}")
        world.start(name, PORT=str(port))
        _await_receiver(world, port)
    for name in WORKERS:
        _end(world, name)
        world.start_worker(name)
        world.await_worker(name)
    _end(world, "redis")
    world.start("redis")
    sleep(BETWEEN)


def _end(world: World, name: str, aside: str = "") -> None:
    """SIGTERM; then webhooks go to ``aside``, as a proxy in front of both receivers would send them."""
    sleep(BETWEEN)
    process, began, kind = world.processes.running[name], monotonic(), name.rpartition(" ")[2]
    process.terminate()
    world.platform.webhook_url = aside or world.platform.webhook_url
    try:
        status = process.wait(2 * GONE_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotReady(f"The {name} does not end.\n{world.processes.log_tails()}") from None
    took = monotonic() - began
    world.row.count(f"{kind}_gone_ms_most", round(took * 1000))
    if status:
        world.row.broken.append(f"the {kind} ended with exit code {status}")
    if took > GONE_SECONDS:
        world.row.slow.append(f"a {kind} took more than {GONE_SECONDS:.0f} s to end")


def _await_receiver(world: World, port: int) -> None:
    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    if not wait_until(ready, 60):
        raise NotReady(f"A receiver does not come up.\n{world.processes.log_tails()}")


RESTARTS = Scenario(
    "rolling-restart", "SIGTERM and a new start of every process under load", Trials(1, 1, 10), restarts
)
