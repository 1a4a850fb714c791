"""Servers that take turns under the same load: what a request costs each of them in CPU.

Each is a process of its own, all on the same Redis, the embedded server as shipped (appendfsync always). Machines are
noisy: so they are measured one after the other in each round, in an order that changes, and what counts is the
median of the ratios within a round.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import environments
from _posting import load
from _report import Figure, percentile, spread

from bot import wiring
from bot.message import Message
from bot.settings import ENV_FILE, load_settings
from bot.stores import embedded
from bot.stores.connection import connect
from simulator.ports import free_port

HERE = Path(__file__).parent
READY_SECONDS = 30
Case = TypeVar("Case")


class Cost(NamedTuple):
    """CPU in ms per request, of the server and of Redis, and the seconds until each acknowledgement."""

    server: float
    redis: float
    took: list[float]


class Contest:
    """The servers and their Redis, started here and ended with the context.

    ``ours`` are names in bench/_servers.py, ``peers`` in bench/peers; ``told`` is what the peers' processes must know.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str], ours: Iterable[str], peers: Iterable[str]) -> None:
        self.folder, self.settings = folder, dict(settings) | {"DATA_DIR": str(folder), ENV_FILE: ""}
        self.ours, self.peers = list(ours), list(peers)
        self.ports = {name: free_port() for name in [*self.ours, *self.peers]}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.told: dict[str, Any] = {"socket": str(embedded.socket_path(folder))}

    def __enter__(self) -> Self:
        pythons = {peer: str(environments.python(peer)) for peer in self.peers}
        self.store = connect("", self.folder, 5)
        self.redis_pid = int(self.store.client.info("server")["process_id"])
        commands = {name: [sys.executable, str(HERE / "_servers.py"), name] for name in self.ours}
        commands |= {peer: [python, str(HERE / "peers" / f"serve_{peer}.py")] for peer, python in pythons.items()}
        environment = os.environ | self.settings | {"BENCH": json.dumps(self.told)}
        for name, command in commands.items():
            self.running[name] = subprocess.Popen([*command, str(self.ports[name])], env=environment)
        return self

    def __exit__(self, *exc: object) -> None:
        for process in self.running.values():
            process.terminate()
            process.wait(10)
        self.store.close()
        embedded.leave(self.folder)

    async def ready(self, requests: Callable[[], Sequence[bytes]]) -> None:
        """Wait until each of them acknowledges; their first requests are not counted."""
        until = time.monotonic() + READY_SECONDS
        for name, port in self.ports.items():
            while True:
                try:
                    await load(port, requests())
                    break
                except OSError:
                    if time.monotonic() > until or self.running[name].poll() is not None:
                        raise SystemExit(f"{name} does not come up") from None
                    await asyncio.sleep(0.1)

    async def measure(
        self, name: str, requests: Sequence[bytes], kept: Callable[[], Awaitable[None]] | None = None
    ) -> Cost:
        """The cost of these requests to one of them, on an empty Redis, until what it must keep is ``kept``."""
        self.store.client.flushall()
        pids = (self.running[name].pid, self.redis_pid)
        before = [cpu_seconds(pid) for pid in pids]
        took = await load(self.ports[name], requests)
        if kept:
            await kept()
        spent = [(cpu_seconds(pid) - then) / len(requests) * 1000 for pid, then in zip(pids, before, strict=True)]
        return Cost(spent[0], spent[1], took)

    def inboxes(self) -> int:
        """How many messages are in mailboxes."""
        return sum(map(self.store.client.llen, self.store.client.scan_iter("recado:*:in", count=1000)))


async def take_turns(
    cases: Sequence[Case], rounds: int, measure: Callable[[Case], Awaitable[Cost]]
) -> dict[Case, list[Cost]]:
    """What each case cost in each round."""
    costs: dict[Case, list[Cost]] = {case: [] for case in cases}
    for number in range(rounds):
        start = number % len(cases)
        for case in [*cases[start:], *cases[:start]]:
            costs[case].append(await measure(case))
    return costs


def ratio(what: str, ours: Sequence[Cost], theirs: Sequence[Cost], *, each: float = 1, **figure: Any) -> Figure:
    """Our CPU, per message of ``each`` in a request, against theirs per request, within each round."""
    return spread(what, [a.server / each / b.server for a, b in zip(ours, theirs, strict=True)], **figure)


def cost(what: str, costs: Sequence[Cost], key: str) -> Figure:
    """CPU per request, beside what it cost Redis and how long acknowledgements took under this load."""
    figure = spread(what, [one.server for one in costs], "ms", key=key, digits=3)
    took = [seconds * 1000 for one in costs for seconds in one.took]
    redis = percentile([one.redis for one in costs], 0.5)
    beside = f"; Redis {redis:.3f}; ack p50 {percentile(took, 0.5):.1f}, p99 {percentile(took, 0.99):.1f}"
    return figure._replace(measured=figure.measured + beside)


class _Recorder:
    """A store that only writes down what it is asked to run."""

    def run(self, script: Any, keys: Sequence[str], arguments: Sequence[Any]) -> int:
        self.asked = {"sha": script.sha, "source": script.source, "keys": list(keys), "given": list(arguments)}
        return 1


def accept_by(channel: str, settings: Mapping[str, str], parts: int = 8) -> dict[str, Any]:
    """How the product's own script keeps a message of this channel, without the message's own ``parts`` arguments."""
    ours = load_settings(**{name.lower(): value for name, value in settings.items()})
    recorder, way = _Recorder(), wiring.open_channels(ours)[channel]
    mailbox = wiring.open_mailbox(ours, recorder)  # type: ignore[arg-type]
    said = Message("1", f"{channel}:1:1", "")
    mailbox.accept([said], seen_hours=way.seen_hours, raw_hours=way.raw_hours, follows=way.follows)
    return recorder.asked | {"given": recorder.asked["given"][:-parts]}


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, to the nanosecond where /proc counts in hundredths of a second
    (clock_getcpuclockid(3))."""
    clock = ctypes.c_int()
    if error := ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise ProcessLookupError(error, os.strerror(error))
    return time.clock_gettime(clock.value)
