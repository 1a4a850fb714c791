"""What a durable acknowledgement costs the receiver, as ratios: python bench/receiver.py

CPU (user and system) per request of the server's process, at 16 connections that never pause; bench/_contest.py says
how the servers take turns. Each update has an id of its own, and a conversation is rung for its first of ten updates,
or of one. python-telegram-bot's webhook server, and with PEERS=all aiogram's, are made durable by the product's own
script and arguments (bench/peers). What the receiver's metrics cost is the difference to one that counts nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import environments
from _contest import Contest, Cost, accept_by, cost, ratio, take_turns
from _plots import Bar, Bars
from _posting import CONNECTIONS, request
from _report import ALL_PEERS, SHORT, Figure, run

ROUNDS, REQUESTS = (5, 800) if SHORT else (15, 3000)
LENIENCE = 1.25 if SHORT else 1.0
"""A short run on a busy machine only looks for something that has gone badly wrong."""

PTB_BOUND, FLASK_BOUND, METRICS_BOUND = 0.75 * LENIENCE, 2.2 * LENIENCE, 1.03 * LENIENCE
OURS, UNCOUNTED, BARE, PTB, AIOGRAM = "recado", "uncounted", "bare Flask", "python_telegram_bot", "aiogram"
PEERS = [PTB, AIOGRAM] if ALL_PEERS else [PTB]
Case = tuple[str, int]
"""A server, and so many updates to one conversation: the first of them rings."""

CASES: list[Case] = [(OURS, 10), (PTB, 10), (BARE, 10), (UNCOUNTED, 10)]
CASES += [(AIOGRAM, 10)] if ALL_PEERS else []
CASES += [] if SHORT else [(OURS, 1), (PTB, 1)]
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


async def compare(contest: Contest, secret: str) -> dict[Case, list[Cost]]:
    async def measure(case: Case) -> Cost:
        name, each = case
        found = await contest.measure(name, requests(secret, REQUESTS, each))
        if name != BARE and (kept := contest.inboxes()) != REQUESTS:
            raise SystemExit(f"{name} acknowledged {REQUESTS} updates and kept {kept}")
        return found

    await contest.ready(lambda: requests(secret, 50, 10))
    return await take_turns(CASES, ROUNDS, measure)


def measure() -> Iterator[Figure | Bars]:
    secret = secrets.token_hex(32)
    settings = {"TELEGRAM_BOT_TOKEN": "7123456:" + "a" * 35, "TELEGRAM_WEBHOOK_SECRET": secret}
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as folder:
        contest = Contest(Path(folder), settings, [OURS, UNCOUNTED, BARE], PEERS)
        contest.told |= accept_by("telegram", settings) | {"secret": secret}
        with contest:
            costs = asyncio.run(compare(contest, secret))
    for name, each in CASES:
        rings = "" if name == BARE else f", a ring in {each}"
        yield cost(f"{title(name)}{rings}: CPU per update", costs[name, each], f"{name}-{each}")
    yield from ratios(costs)
    yield bars(costs)


def ratios(costs: Mapping[Case, Sequence[Cost]]) -> Iterator[Figure]:
    ours = costs[OURS, 10]
    yield ratio(f"Recado, of {title(PTB)}'s", ours, costs[PTB, 10], key="ptb", most=PTB_BOUND)
    yield ratio("Recado, of bare Flask's", ours, costs[BARE, 10], key="flask", most=FLASK_BOUND)
    yield ratio("with its metrics, of without", ours, costs[UNCOUNTED, 10], key="metrics", most=METRICS_BOUND, digits=3)
    if ALL_PEERS:
        yield ratio(f"Recado, of {title(AIOGRAM)}'s", ours, costs[AIOGRAM, 10], key="aiogram")
    if (OURS, 1) in costs:
        yield ratio(f"each rings: Recado, of {title(PTB)}'s", costs[OURS, 1], costs[PTB, 1], key="ptb-1")


def title(name: str) -> str:
    """How a table calls a server."""
    if name in PEERS:
        return f"{environments.version(name)}, durable"
    return {OURS: "Recado", UNCOUNTED: "Recado without metrics"}.get(name, name)


def bars(costs: Mapping[Case, Sequence[Cost]]) -> Bars:
    drawn = [case for case in CASES if case[1] == 10 and case[0] != UNCOUNTED]
    bars = []
    for case in drawn:
        spent = [one.server for one in costs[case]]
        bars.append(Bar(title(case[0]), median(spent), min(spent), max(spent), case[0] == OURS))
    axis = "ms of CPU per acknowledged update (less is better)"
    return Bars("receiver", "Telegram: what an acknowledgement costs the receiver", axis, bars)


if __name__ == "__main__":
    peers = [environments.version(peer) for peer in PEERS]
    run(f"the receiver: {ROUNDS} rounds of {REQUESTS} updates, {CONNECTIONS} connections", measure, peers=peers)
