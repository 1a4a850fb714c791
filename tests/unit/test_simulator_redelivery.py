"""Webhooks come at least once: again after an answer that was missed, packed together, past each other only if told."""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from time import monotonic, sleep

import pytest
from werkzeug.wrappers import Response

from simulator.delivery import Delivery, Parcel
from simulator.platforms import Platform
from simulator.server import Cut
from simulator.whatsapp import WhatsAppServer
from tests.unit.webhooks import Webhook, all_accepted, text_of, values_of, write


def at_rest(platform: Platform) -> bool:
    return platform.wait_until(lambda: not platform.delivery.pending, 20)


def test_an_accepted_body_may_come_once_more(platform: Platform, webhook: Webhook) -> None:
    platform.redeliver, platform.redeliver_seconds = 1.0, (0.0, 0.1)
    for number in range(3):
        write(platform, 555, f"n{number}")

    assert at_rest(platform)
    assert Counter(body for _, body, _ in webhook.got) == {body: 2 for _, body, _ in webhook.got}
    assert (len(webhook.got), platform.redelivered) == (6, 3)


def test_what_will_come_again_is_out_of_its_chats_way(platform: Platform, webhook: Webhook) -> None:
    platform.redeliver, platform.redeliver_seconds = 1.0, (600, 600)
    for number in range(3):
        write(platform, 555, f"n{number}")

    assert all_accepted(platform)
    assert [text_of(body) for _, body, _ in webhook.got] == ["n0", "n1", "n2"]
    assert platform.wait_until(lambda: platform.delivery.pending == 3, 5)


def test_a_message_counts_as_accepted_when_it_first_was(platform: Platform, webhook: Webhook) -> None:
    platform.redeliver, platform.redeliver_seconds = 1.0, (0.1, 0.1)
    write(platform, 555, "hola")

    assert at_rest(platform)
    assert platform.said[0].accepted is not None
    assert webhook.got[0][0] < platform.said[0].accepted < webhook.got[1][0]


def test_a_share_comes_again_and_the_seed_says_which(platform: Platform, webhook: Webhook) -> None:
    platform.redeliver, platform.redeliver_seconds = 0.3, (0.0, 0.0)
    twice = []
    for _ in range(2):
        platform.dice.seed(5)
        webhook.got.clear()
        for number in range(30):
            write(platform, 1000 + number, f"n{number}")
        assert at_rest(platform)
        counts = Counter(text_of(body) for _, body, _ in webhook.got)
        twice.append({text for text, times in counts.items() if times == 2})
        assert set(counts.values()) == {1, 2}
    assert twice[0] == twice[1]


def read_all(webhook: Webhook) -> list[list[tuple[str, str, str]]]:
    """The messages (sender, id, text) of each body, in the order in which they stand."""
    return [
        [(one["from"], one["id"], one["text"]["body"]) for value in values_of(body) for one in value["messages"]]
        for _, body, _ in webhook.got
    ]


def test_what_is_written_close_together_may_come_in_one_body(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.batch = (2, 5)
    for number in range(24):
        whatsapp.say(str(34600 + number % 8), f"n{number}")

    assert all_accepted(whatsapp)
    bodies = read_all(webhook)
    assert len(bodies) < 24
    assert max(len(body) for body in bodies) <= 5
    assert sorted(text for body in bodies for _, _, text in body) == sorted(f"n{number}" for number in range(24))
    assert any(len({sender for sender, _, _ in body}) > 1 for body in bodies)


def test_packed_bodies_keep_each_persons_order_through_failures(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    """Also with bodies that wait for each other, because they hold messages of the same people."""
    whatsapp.batch = (1, 4)
    webhook.answers = [Response(status=500), Cut, Response(status=503, headers={"Retry-After": "0"}), Cut]
    order = random.Random(3)
    for number in range(60):
        whatsapp.say(str(34600 + order.randrange(5)), f"{number:02}")

    assert all_accepted(whatsapp)
    seen: dict[str, list[str]] = defaultdict(list)
    for body in read_all(webhook):
        for sender, _, text in body:
            seen[sender] += [text] if text not in seen[sender] else []
    assert all(texts == sorted(texts) for texts in seen.values())
    assert sum(map(len, seen.values())) == 60


@pytest.mark.parametrize("seed", range(5))
def test_packed_bodies_come_in_every_shape_that_meta_has(whatsapp: WhatsAppServer, webhook: Webhook, seed: int) -> None:
    """As several messages, changes or entries, with the contacts of exactly those who wrote."""
    whatsapp.batch = (3, 3)
    whatsapp.dice.seed(seed)
    for number in range(9):
        whatsapp.say(str(34600 + number % 3), f"n{number}")
    assert all_accepted(whatsapp)

    for _, body, _ in webhook.got:
        for value in values_of(body):
            senders = {one["from"] for one in value["messages"]}
            assert {contact["wa_id"] for contact in value["contacts"]} == senders


@pytest.mark.parametrize("overtaking", [True, False])
def test_what_failed_lets_later_ones_pass_only_if_told(overtaking: bool) -> None:
    """Nobody takes the first before the second: without overtaking neither comes."""
    taken: list[bytes] = []
    tries = threading.Semaphore(0)

    def send(parcel: Parcel) -> tuple[int, float | None]:
        tries.release()
        if parcel.body == b"first" and not taken:
            return 503, 0
        taken.append(parcel.body)
        return 200, None

    delivery = Delivery(send)
    delivery.overtaking = overtaking
    for body in (b"first", b"second"):
        delivery.put("555", Parcel(body, ()))
    assert all(tries.acquire(timeout=10) for _ in range(3))
    if overtaking:
        until = monotonic() + 10
        while delivery.pending and monotonic() < until:
            sleep(0.01)
    delivery.close()

    assert taken == ([b"second", b"first"] if overtaking else [])


@pytest.mark.parametrize("seed", range(3))
def test_parcels_of_several_chats_keep_the_order_of_each_and_none_is_left(seed: int) -> None:
    """Whatever fails, nobody waits for somebody who waits for them."""
    luck, chats = random.Random(seed), [str(number) for number in range(6)]
    lock, taken, done = threading.Lock(), list[Parcel](), threading.Event()

    def send(parcel: Parcel) -> tuple[int, float | None]:
        with lock:
            if luck.random() < 0.3:
                return 503, 0
            taken.append(parcel)
            if len(taken) == 200:
                done.set()
            return 200, None

    delivery = Delivery(send, connections=8)
    parcels = [Parcel(b"%d" % number, ()) for number in range(200)]
    for parcel in parcels:
        delivery.put(tuple(luck.sample(chats, luck.randint(1, 3))), parcel)
    assert done.wait(20)
    delivery.close()

    for chat in chats:
        expected = [parcel for parcel in parcels if chat in parcel.chats]
        assert [parcel for parcel in taken if chat in parcel.chats] == expected


def test_a_parcel_goes_no_sooner_than_it_is_due_and_holds_what_follows() -> None:
    times: dict[bytes, float] = {}
    done = threading.Event()

    def send(parcel: Parcel) -> tuple[int, float | None]:
        times[parcel.body] = monotonic()
        if len(times) == 2:
            done.set()
        return 200, None

    delivery = Delivery(send)
    start = monotonic()
    delivery.put("555", Parcel(b"late", ()), 0.3)
    delivery.put("555", Parcel(b"behind", ()))
    assert done.wait(10)
    delivery.close()

    assert times[b"late"] - start >= 0.3
    assert times[b"late"] < times[b"behind"]
