"""What an acknowledged WhatsApp body costs the receiver, beside pywa's: python bench/receiver_whatsapp.py

CPU (user and system) of the server's process, at 16 connections that never pause; bench/_contest.py says how the
servers take turns. Redis' own CPU is shown beside.

Ours keeps every message, once, before it acknowledges. pywa (bench/peers/serve_pywa.py) acknowledges first and hears
the first message of a body only, so its cost per body is its cost per message heard, and its bodies of five lose four.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import random
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import environments
from _contest import Contest, Cost, cost, ratio, take_turns
from _plots import Bar, Bars
from _posting import CONNECTIONS, at_once, request, within
from _report import SHORT, Figure, percentile, run, spread

ROUNDS, BODIES = (3, 600) if SHORT else (9, 2000)
LENIENCE = 1.25 if SHORT else 1.0
"""A short run on a busy machine only looks for something that has gone badly wrong."""

ONE, FIVE = 1.3 * LENIENCE, 0.5 * LENIENCE
MEDIAN_MS, LONGEST_MS = 50 * LENIENCE, 1000 * LENIENCE
BURST = 200
PERSON_SAYS = 10
"""So many messages of one person follow each other; the first of them rings."""

NUMBER = "123456789012345"
_ids = itertools.count(500_000_000)
OURS, PYWA, KEPT = "recado", "pywa", "bench:pywa"
Case = tuple[str, int]
"""A server, and so many messages in each body."""

CASES: list[Case] = [(OURS, 1), (OURS, 5), (PYWA, 1), (PYWA, 5)]


def message(person: int) -> dict[str, object]:
    text = "Y otra cosa: ¿hacéis tartas por encargo para el sábado? Mirad www.example.com"
    about: dict[str, object] = {
        "from": str(person),
        "from_user_id": f"ES.{person}7",
        "timestamp": str(int(time.time())),
        "type": "text",
    }
    return about | {"id": f"wamid.HBgLMzQ2MDAwMDAwMDEVAgASGBQ{next(_ids)}", "text": {"body": text}}


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


def requests(secret: str, count: int, each: int) -> list[bytes]:
    """``count`` bodies of ``each`` messages, signed."""

    def signed(body: bytes) -> bytes:
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return request("/webhook/whatsapp", {"X-Hub-Signature-256": f"sha256={signature}"}, body)

    return [signed(body) for body in bodies(count, each)]


class Results(NamedTuple):
    """What each case cost in each round, and how long bursts waited for their acknowledgements, in ms."""

    costs: dict[Case, list[Cost]]
    paced: list[float]
    longest: list[float]


async def compare(contest: Contest, secret: str) -> Results:
    async def measure(case: Case) -> Cost:
        name, each = case
        wanted = BODIES * each if name == OURS else BODIES
        return await contest.measure(name, requests(secret, BODIES, each), lambda: kept(contest, name, wanted))

    await contest.ready(lambda: requests(secret, 50, 1))
    results = Results({case: [] for case in CASES}, [], [])
    for number in range(ROUNDS):
        for case, costs in (await take_turns(CASES[number % 4 :] + CASES[: number % 4], 1, measure)).items():
            results.costs[case] += costs
        contest.store.client.flushall()
        port = contest.ports[OURS]
        paced = await within(port, requests(secret, BURST, 1), 1.0)
        results.paced.append(median(paced) * 1000)
        results.longest.append(percentile(await at_once(port, requests(secret, BURST, 1)), 0.99) * 1000)
    return results


async def kept(contest: Contest, name: str, count: int) -> None:
    """Wait until so many messages are kept. Ends the bench where they never are."""
    until = time.monotonic() + 20
    while (found := contest.inboxes() if name == OURS else contest.store.client.llen(KEPT)) != count:
        if time.monotonic() > until:
            raise SystemExit(f"{name} acknowledged {count} messages and kept {found}")
        await asyncio.sleep(0.05)


def measure() -> Iterator[Figure | Bars]:
    secret = secrets.token_hex(32)
    settings = {
        "WHATSAPP_TOKEN": "t" * 40, "WHATSAPP_PHONE_NUMBER_ID": NUMBER, "WHATSAPP_APP_SECRET": secret,
        "WHATSAPP_VERIFY_TOKEN": secrets.token_hex(8),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as folder:
        contest = Contest(Path(folder), settings, [OURS], [PYWA])
        contest.told |= {"secret": secret, "number": NUMBER, "kept": KEPT}
        with contest:
            results = asyncio.run(compare(contest, secret))
    yield from figures(results)
    yield bars(results.costs)


def figures(results: Results) -> Iterator[Figure]:
    costs, theirs = results.costs, title(PYWA)
    for name, each in CASES:
        yield cost(f"{title(name)}, {each} in a body: CPU per body", costs[name, each], f"{name}-{each}")
    one, five = (costs[OURS, each] for each in (1, 5))
    alone = costs[PYWA, 1]
    yield ratio(f"per body of one, of {theirs}'s", one, alone, key="pywa", most=ONE)
    yield ratio("per message in bodies of five, of its per body of one", five, alone, each=5, key="five", most=FIVE)
    yield ratio("the same, of its per message that it hears of five", five, costs[PYWA, 5], each=5)
    about = f"{BURST} bodies in 1 s, {CONNECTIONS} connections: ack, median"
    yield spread(about, results.paced, "ms", key="ack", most=MEDIAN_MS, digits=1)
    about = f"{BURST} bodies at one instant: ack, p99"
    yield spread(about, results.longest, "ms", key="burst", most=LONGEST_MS, digits=0)


def title(name: str) -> str:
    """How a table calls a server."""
    return "Recado" if name == OURS else environments.version(name)


def bars(costs: Mapping[Case, Sequence[Cost]]) -> Bars:
    found = []
    for name, each in ((OURS, 5), (OURS, 1), (PYWA, 1)):
        spent = [one.server / each for one in costs[name, each]]
        found.append(Bar(f"{title(name)}, {each} in a body", median(spent), min(spent), max(spent), name == OURS))
    axis = "ms of CPU per message that is heard (less is better)"
    return Bars("receiver_whatsapp", "WhatsApp: what a message costs the receiver", axis, found)


if __name__ == "__main__":
    what = f"the WhatsApp receiver: {ROUNDS} rounds of {BODIES} bodies, {CONNECTIONS} connections"
    run(what, measure, peers=[environments.version(PYWA)])
