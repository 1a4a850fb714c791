"""Everything that Meta sends, put together at random and delivered twice, to two receivers at once on one Redis."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from simulator.forgeries import META_HEADER, META_PATH, sign
from simulator.ports import free_port
from simulator.processes import wait_until
from tests import whatsapp_bodies
from tests.e2e.conftest import Installation, installation
from tests.whatsapp_bodies import NUMBER, Case, Tree

SENDERS = ("from", "from_user_id", "from_parent_user_id")
NOT_WAITING = ("replaces", "revokes")
"""What is about another message waits nowhere itself."""


class Pair:
    """Two receivers of one installation."""

    def __init__(self, one: Installation, ports: Sequence[int]) -> None:
        self.one = one
        self.clients = [httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) for port in ports]

    def post(self, number: int, body: bytes) -> int:
        headers = {META_HEADER: sign(body, self.one.whatsapp.app_secret)}
        return self.clients[number % 2].post(META_PATH, content=body, headers=headers).status_code

    def deliver(self, bodies: Sequence[bytes]) -> list[int]:
        """Each body to both receivers, at the same time."""
        jobs = [(number, body) for body in bodies for number in range(2)]
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda job: self.post(*job), jobs))

    def waiting(self) -> Counter[tuple[str, str]]:
        """Every message in every mailbox: its id and its words."""
        redis, found = self.one.redis, Counter[tuple[str, str]]()
        for name in redis.scan_iter("recado:*:in", count=1000):
            for entry in redis.lrange(name, 0, -1):
                record = json.loads(entry.split(b"|", 4)[4].partition(b"\n")[0])
                found[record["id"], record["text"]] += 1
        return found

    def close(self) -> None:
        for client in self.clients:
            client.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    one = installation(tmp_path_factory.mktemp("pair") / "installation", WHATSAPP_PHONE_NUMBER_ID=NUMBER)
    port = free_port()
    try:
        one.start("receiver")
        one.start("second receiver", PORT=str(port))
        found = Pair(one, [one.processes.port, port])
        assert wait_until(lambda: answers(found.clients[1]), 30), one.processes.log_tails()
        yield found
        found.close()
    finally:
        one.close()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def written(chance: random.Random, tree: Any) -> bytes:
    """In Meta's escapes, or in plain UTF-8 where that can be."""
    try:
        return json.dumps(tree, ensure_ascii=chance.random() < 0.5).encode()
    except UnicodeEncodeError:
        return json.dumps(tree).encode()


def expected(cases: Sequence[Case]) -> Counter[tuple[str, str]]:
    """Each message that must wait, once."""
    messages = [message for case in cases for message in case.messages if not any(map(message.get, NOT_WAITING))]
    return Counter({(message["id"], message["text"]) for message in messages})


def changes_of(case: Case) -> list[Tree]:
    """The changes of a body that is put together as Meta does it; none of another one."""
    entries = case.body.get("entry")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return []
    found = [change for entry in entries for change in entry.get("changes") or []]
    return copy.deepcopy(found) if all(isinstance(change, dict) for change in found) else []


def spread(chance: random.Random, changes: list[Tree]) -> list[Tree]:
    """Bodies with the same changes, some in one entry, some in several."""
    chance.shuffle(changes)
    bodies = []
    while changes:
        entries = []
        for _ in range(chance.randint(1, 3)):
            most = chance.randint(1, 4)
            taken, changes = changes[:most], changes[most:]
            entries.append({"id": "1", "changes": taken})
        bodies.append({"object": "whatsapp_business_account", "entry": entries})
    return bodies


def merged(chance: random.Random, changes: list[Tree]) -> list[Tree]:
    """The same messages in other values: several of them under one, with everybody's contacts."""
    alone, together = [], []
    for change in changes:
        value = change.get("value")
        (together if _names_its_senders(change.get("field"), value) else alone).append(change)
    chance.shuffle(together)
    while together:
        most = chance.randint(1, 5)
        taken, together = [change["value"] for change in together[:most]], together[most:]
        value: Tree = {"metadata": taken[0]["metadata"], "messages": [], "contacts": []}
        for one in taken:
            value["messages"] += one["messages"]
            value["contacts"] += one.get("contacts") or []
        chance.shuffle(value["messages"])
        alone.append({"field": "messages", "value": value})
    return alone


def _names_its_senders(field: Any, value: Any) -> bool:
    if field != "messages" or not isinstance(value, dict) or not set(value) <= _PLAIN_VALUE:
        return False
    messages, contacts = value.get("messages"), value.get("contacts") or []
    if not isinstance(messages, list) or not isinstance(contacts, list):
        return False
    ours = value["metadata"]["phone_number_id"] == NUMBER
    return ours and all(isinstance(one, dict) and any(map(one.get, SENDERS)) for one in messages)


_PLAIN_VALUE = {"messaging_product", "metadata", "contacts", "messages"}


def thinned(chance: random.Random, change: Tree) -> Tree:
    """Without what a message can do without: some of contacts, their ids, time, type and one of two senders."""
    value = change["value"]
    if not _names_its_senders(change.get("field"), value):
        return change
    for contact in value.get("contacts") or []:
        for name in ("wa_id", "user_id", "profile"):
            if chance.random() < 0.3:
                contact.pop(name, None)
    if chance.random() < 0.4:
        chance.choice([lambda: value.pop("contacts", None), lambda: value.update(contacts=[])])()
    for message in value["messages"]:
        for name in ("timestamp", "type"):
            if chance.random() < 0.4 and (name == "timestamp" or message.get("type") in message):
                message.pop(name, None)
        if message.get("from") and message.get("from_user_id"):
            chance.choice([lambda one: one.pop("from"), lambda one: one.update({"from": ""})])(message)
    return change


ALL = whatsapp_bodies.cases()


def test_every_body_is_taken_and_every_message_once(pair: Pair) -> None:
    """As they stand in the corpus, each delivered to both receivers at once."""
    chance = random.Random(1)
    pair.one.redis.flushall()

    statuses = pair.deliver([written(chance, case.body) for case in ALL])

    assert set(statuses) == {200}
    assert pair.waiting() == expected(ALL)


@pytest.mark.parametrize("seed", range(3))
def test_put_together_otherwise_doubled_shuffled_and_thinned_it_is_the_same(pair: Pair, seed: int) -> None:
    """The same messages, each accepted once, whichever bodies they come in and whatever else is missing there."""
    chance = random.Random(seed)
    pair.one.redis.flushall()
    known = [case for case in ALL if changes_of(case)]
    changes = [change for case in known for change in changes_of(case)]
    changes = merged(chance, [thinned(chance, change) for change in changes if "value" in change])
    bodies = [written(chance, body) for body in spread(chance, changes)]
    bodies += [written(chance, case.body) for case in chance.sample(known, 30)]
    chance.shuffle(bodies)

    statuses = pair.deliver(bodies)

    assert set(statuses) == {200}
    found, wanted = pair.waiting(), expected(known)
    assert {one for one, count in found.items() if count > 1} == set()
    assert found == wanted, (found - wanted, wanted - found)
