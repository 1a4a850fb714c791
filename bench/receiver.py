"""What a durable acknowledgement costs the receiver, as ratios: python bench/receiver.py

CPU (user and system) per request of the server's process, at 16 connections that never pause. The
servers take turns in one run, in an order that changes, and medians of the ratios within a round
count, because machines are noisy. Redis is the embedded server as shipped (appendfsync always);
each update has an id of its own, and a conversation is rung for its first of ten updates, or of one.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from _posting import CONNECTIONS, load, request
from _servers import SERVERS, cpu_seconds
from rich.console import Console
from rich.table import Table

from bot.settings import ENV_FILE
from bot.stores import embedded
from bot.stores.connection import connect
from simulator.processes import free_port

SHORT = "--short" in sys.argv or bool(os.environ.get("SHORT"))
ROUNDS, REQUESTS = (5, 1000) if SHORT else (9, 3000)
LENIENCE = 1.25 if SHORT else 1.0
"""A short run on a busy machine only looks for something that has gone badly wrong."""

PTB_BOUND, FLASK_BOUND = 0.75 * LENIENCE, 2.2 * LENIENCE
_ids = itertools.count(500_000_000)


def update(chat: int) -> bytes:
    """An update of about 880 bytes, as a private chat's message with a reply and two entities has."""
    person = {"id": chat, "is_bot": False, "first_name": "Ana", "last_name": "García", "username": "ana_garcia",
              "language_code": "es", "is_premium": True}  # fmt: skip
    place = {"id": chat, "first_name": "Ana", "last_name": "García", "username": "ana_garcia", "type": "private"}
    before = {"message_id": 41, "from": person, "chat": place, "date": 1795368000, "text": "¿A qué hora abrís mañana?"}
    message = {"message_id": 42, "from": person, "chat": place, "date": 1795368060, "reply_to_message": before,
               "text": "Y otra cosa: ¿hacéis tartas por encargo para el sábado? Mirad www.example.com",
               "entities": [{"offset": 62, "length": 15, "type": "url"}]}  # fmt: skip
    return json.dumps({"update_id": next(_ids), "message": message}).encode()


def requests(secret: str, count: int, each: int) -> list[bytes]:
    """``count`` updates, ``each`` to one conversation, in any order."""
    bodies = [update(10_000_000 + number // each) for number in range(count)]
    random.shuffle(bodies)
    return [request("/webhook/telegram", {"X-Telegram-Bot-Api-Secret-Token": secret}, body) for body in bodies]


class Bench:
    """The servers and their Redis, started here and ended with the run."""

    def __init__(self, folder: Path) -> None:
        self.secret = secrets.token_hex(32)
        self.folder = folder
        self.store = connect("", folder, 5)
        settings = {
            "DATA_DIR": str(folder), "TELEGRAM_BOT_TOKEN": "7123456:" + "a" * 35,
            "TELEGRAM_WEBHOOK_SECRET": self.secret, ENV_FILE: "",
        }  # fmt: skip
        self.ports = {name: free_port() for name in SERVERS}
        self.running = {
            name: subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("_servers.py")), name, str(port)],
                env=os.environ | settings,
            )
            for name, port in self.ports.items()
        }

    async def ready(self) -> None:
        until = time.monotonic() + 20
        for name in SERVERS:
            while True:
                try:
                    await load(self.ports[name], requests(self.secret, 50, 10))
                    break
                except OSError:
                    if time.monotonic() > until:
                        raise
                    await asyncio.sleep(0.1)

    async def measure(self, name: str, each: int) -> tuple[float, list[float]]:
        """CPU in ms per request, and the seconds that each acknowledgement took."""
        self.store.client.flushall()
        sent = requests(self.secret, REQUESTS, each)
        before = cpu_seconds(self.running[name].pid)
        took = await load(self.ports[name], sent)
        if name != "bare Flask" and (kept := sum(map(self.store.client.llen, self.inboxes()))) != REQUESTS:
            raise SystemExit(f"{name} acknowledged {REQUESTS} updates and kept {kept}")
        return (cpu_seconds(self.running[name].pid) - before) / REQUESTS * 1000, took

    def inboxes(self) -> list[bytes]:
        return list(self.store.client.scan_iter("recado:*:in", count=1000))

    def close(self) -> None:
        for process in self.running.values():
            process.terminate()
            process.wait(10)
        self.store.close()
        embedded.leave(self.folder)


CASES = (("recado", 10), ("recado", 1), ("python-telegram-bot", 10), ("python-telegram-bot", 1), ("bare Flask", 10))


async def run(bench: Bench) -> dict[tuple[str, int], list[tuple[float, list[float]]]]:
    await bench.ready()
    results: dict[tuple[str, int], list[tuple[float, list[float]]]] = {case: [] for case in CASES}
    for number in range(ROUNDS):
        for case in CASES[number % len(CASES) :] + CASES[: number % len(CASES)]:
            results[case].append(await bench.measure(*case))
    return results


def ratio(
    results: dict[tuple[str, int], list[tuple[float, list[float]]]], a: tuple[str, int], b: tuple[str, int]
) -> float:
    return median(x[0] / y[0] for x, y in zip(results[a], results[b], strict=True))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        try:
            results = asyncio.run(run(bench))
        finally:
            bench.close()
    table = Table(title=f"the receiver: {ROUNDS} rounds of {REQUESTS} updates, {CONNECTIONS} connections")
    for head in ("server", "one ring in", "CPU ms, median", "min", "ack ms, p50", "p99", "vs PTB", "vs bare Flask"):
        table.add_column(head, justify="right")
    bare = ("bare Flask", 10)
    for case in CASES:
        cpu = [one[0] for one in results[case]]
        took = sorted(second * 1000 for one in results[case] for second in one[1])
        ptb = ("python-telegram-bot", case[1])
        figures = [f"{median(cpu):.3f}", f"{min(cpu):.3f}", f"{median(took):.1f}", f"{took[len(took) * 99 // 100]:.1f}"]
        ratios = [f"{ratio(results, case, ptb):.2f}", f"{ratio(results, case, bare):.2f}"]
        table.add_row(case[0], "-" if case == bare else str(case[1]), *figures, *ratios)
    Console(width=120).print(table)
    ours = ("recado", 10)
    versus_ptb = ratio(results, ours, ("python-telegram-bot", 10))
    versus_flask = ratio(results, ours, bare)
    ok = versus_ptb <= PTB_BOUND and versus_flask <= FLASK_BOUND
    print(f"vs python-telegram-bot {versus_ptb:.2f} (bound {PTB_BOUND:.2f}), vs bare Flask {versus_flask:.2f} "
          f"(bound {FLASK_BOUND:.2f}): {'ok' if ok else 'missed'}")  # fmt: skip
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
