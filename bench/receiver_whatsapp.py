"""What an acknowledged WhatsApp body costs the receiver, beside pywa's: python bench/receiver_whatsapp.py

CPU (user and system) of the server's process, at 16 connections that never pause. The servers take turns in one
run, in an order that changes, and medians of the ratios within a round count, because machines are noisy. Redis is
the embedded server as shipped (appendfsync always); its own CPU is shown beside.

Ours keeps every message, once, before it acknowledges. pywa (bench/_pywa.py) acknowledges first and hears the first
message of a body only, so its cost per body is its cost per message heard, and its bodies of five lose four.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from _installation import SHORT, Figure, percentile, run
from _posting import CONNECTIONS, at_once, load, request, within
from _servers import cpu_seconds

from bot.settings import ENV_FILE
from bot.stores import embedded
from bot.stores.connection import connect
from simulator.processes import free_port

ROUNDS, BODIES = (5, 600) if SHORT else (9, 2000)
LENIENCE = 1.25 if SHORT else 1.0
"""A short run on a busy machine only looks for something that has gone badly wrong."""

ONE, FIVE = 1.3 * LENIENCE, 0.5 * LENIENCE
MEDIAN_MS, LONGEST_MS = 50 * LENIENCE, 1000 * LENIENCE
BURST = 200
PERSON_SAYS = 10
"""So many messages of one person follow each other; the first of them rings."""

NUMBER = "123456789012345"
_ids = itertools.count(500_000_000)
Shape = tuple[str, int]
SHAPES: tuple[Shape, ...] = (("recado", 1), ("recado", 5), ("pywa", 1), ("pywa", 5))


class Cost(NamedTuple):
    """CPU in ms per body, of the server and of Redis, and the seconds until each acknowledgement."""

    server: float
    redis: float
    took: list[float]


def message(person: int) -> dict[str, object]:
    text = "Y otra cosa: ¿hacéis tartas por encargo para el sábado? Mirad www.example.com"
    about = {"from": str(person), "from_user_id": f"ES.{person}7", "timestamp": str(int(time.time())), "type": "text"}
    return {"id": f"wamid.HBgLMzQ2MDAwMDAwMDEVAgASGBQ{next(_ids)}", "text": {"body": text}} | about


def bodies(count: int, each: int) -> Iterator[bytes]:
    """Webhook bodies of ``each`` messages, escaped as Meta escapes them; who wrote is mixed."""
    people = [34_600_000_000 + number // PERSON_SAYS for number in range(count * each)]
    random.shuffle(people)
    metadata = {"display_phone_number": "34600000000", "phone_number_id": NUMBER}
    for start in range(0, len(people), each):
        wrote = people[start : start + each]
        contacts = [
            {"profile": {"name": "Ana García"}, "wa_id": str(one), "user_id": f"ES.{one}7"}
            for one in dict.fromkeys(wrote)
        ]
        value = {"messaging_product": "whatsapp", "metadata": metadata, "contacts": contacts}
        change = {"field": "messages", "value": value | {"messages": [message(one) for one in wrote]}}
        whole = {"object": "whatsapp_business_account", "entry": [{"id": "100000000000001", "changes": [change]}]}
        yield json.dumps(whole, separators=(",", ":")).encode()


class Bench:
    """Both servers and their Redis, started here and ended with the run."""

    def __init__(self, folder: Path) -> None:
        self.secret = secrets.token_hex(32)
        self.folder = folder
        self.store = connect("", folder, 5)
        settings = {
            "DATA_DIR": str(folder), "WHATSAPP_TOKEN": "t" * 40, "WHATSAPP_PHONE_NUMBER_ID": NUMBER,
            "WHATSAPP_APP_SECRET": self.secret, "WHATSAPP_VERIFY_TOKEN": secrets.token_hex(8), ENV_FILE: "",
        }  # fmt: skip
        here = Path(__file__).parent
        self.ports = {"recado": free_port(), "pywa": free_port()}
        commands = {"recado": [str(here / "_servers.py"), "recado"], "pywa": [str(here / "_pywa.py")]}
        self.running = {
            name: subprocess.Popen([sys.executable, *command, str(self.ports[name])], env=os.environ | settings)
            for name, command in commands.items()
        }
        self.redis_pid = int(self.store.client.info("server")["process_id"])

    def requests(self, count: int, each: int) -> list[bytes]:
        def signed(body: bytes) -> bytes:
            signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
            return request("/webhook/whatsapp", {"X-Hub-Signature-256": f"sha256={signature}"}, body)

        return [signed(body) for body in bodies(count, each)]

    async def ready(self) -> None:
        until = time.monotonic() + 30
        for port in self.ports.values():
            while True:
                try:
                    await load(port, self.requests(50, 1))
                    break
                except OSError:
                    if time.monotonic() > until:
                        raise
                    await asyncio.sleep(0.1)

    async def measure(self, name: str, each: int) -> Cost:
        """The cost of bodies of ``each`` messages, once what the server is to keep is kept."""
        self.store.client.flushall()
        requests = self.requests(BODIES, each)
        pids = (self.running[name].pid, self.redis_pid)
        before = [cpu_seconds(pid) for pid in pids]
        took = await load(self.ports[name], requests)
        await self.kept(name, BODIES * each if name == "recado" else BODIES)
        server, redis = ((cpu_seconds(pid) - then) / BODIES * 1000 for pid, then in zip(pids, before, strict=True))
        return Cost(server, redis, took)

    async def kept(self, name: str, count: int) -> None:
        """Wait until so many messages are kept. Ends the bench where they never are."""
        until = time.monotonic() + 20
        while (found := self.count(name)) != count:
            if time.monotonic() > until:
                raise SystemExit(f"{name} acknowledged {count} messages and kept {found}")
            await asyncio.sleep(0.05)

    def count(self, name: str) -> int:
        if name == "pywa":
            return int(self.store.client.llen("bench:pywa"))
        return sum(map(self.store.client.llen, self.store.client.scan_iter("recado:*:in", count=1000)))

    async def bursts(self) -> tuple[list[float], list[float]]:
        """Seconds to acknowledge: of bodies within one second, and of as many at the same instant."""
        self.store.client.flushall()
        port = self.ports["recado"]
        paced = await within(port, self.requests(BURST, 1), 1.0)
        return paced, await at_once(port, self.requests(BURST, 1))

    def close(self) -> None:
        for process in self.running.values():
            process.terminate()
            process.wait(10)
        self.store.close()
        embedded.leave(self.folder)


class Results:
    """What was measured in each round, in the same order everywhere."""

    def __init__(self) -> None:
        self.costs: dict[Shape, list[Cost]] = {shape: [] for shape in SHAPES}
        self.paced: list[float] = []
        self.longest: list[float] = []

    def ratio(self, ours: Shape, theirs: Shape, messages: int) -> tuple[float, str]:
        """Our CPU per message against theirs per message heard: the median within a round, and how it varied."""
        found = sorted(
            a.server / messages / b.server for a, b in zip(self.costs[ours], self.costs[theirs], strict=True)
        )
        return median(found), f"{median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"

    def cpu(self, shape: Shape) -> str:
        costs = self.costs[shape]
        return f"{median(one.server for one in costs):.3f} ms, Redis {median(one.redis for one in costs):.3f} ms"


async def compare(bench: Bench) -> Results:
    results = Results()
    await bench.ready()
    for number in range(ROUNDS):
        start = number % len(SHAPES)
        for name, each in SHAPES[start:] + SHAPES[:start]:
            results.costs[name, each].append(await bench.measure(name, each))
        paced, burst = await bench.bursts()
        results.paced.append(median(paced) * 1000)
        results.longest.append(percentile(burst, 0.99) * 1000)
    return results


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as folder:
        bench = Bench(Path(folder))
        try:
            results = asyncio.run(compare(bench))
        finally:
            bench.close()
    one, one_words = results.ratio(("recado", 1), ("pywa", 1), 1)
    five, five_words = results.ratio(("recado", 5), ("pywa", 1), 5)
    _, heard = results.ratio(("recado", 5), ("pywa", 5), 5)
    paced, longest = median(results.paced), median(results.longest)
    return [
        *(Figure(f"{name}, {each} in a body: CPU per body", results.cpu((name, each))) for name, each in SHAPES),
        Figure("per body of one, of pywa's", one_words, f"<= {ONE:.2f}", one <= ONE),
        Figure("per message in bodies of five, of pywa's per body of one", five_words, f"<= {FIVE:.2f}", five <= FIVE),
        Figure("the same, of pywa's per message that it hears of five", heard),
        Figure(f"{BURST} bodies in 1 s, {CONNECTIONS} connections: ack, median", f"{paced:.1f} ms",
               f"<= {MEDIAN_MS:.0f} ms", paced <= MEDIAN_MS),
        Figure(f"{BURST} bodies at one instant: ack, p99", f"{longest:.0f} ms", f"<= {LONGEST_MS:.0f} ms",
               longest <= LONGEST_MS),
    ]  # fmt: skip


if __name__ == "__main__":
    run(f"the WhatsApp receiver: {ROUNDS} rounds of {BODIES} bodies, {CONNECTIONS} connections", figures)
