"""WhatsApp's statuses come late, twice, in any order and even when the answer was lost, and say what failed."""

from __future__ import annotations

from collections import Counter
from time import monotonic

import httpx
import pytest

from simulator.graph import Statuses
from simulator.whatsapp import WhatsAppServer
from tests.unit.webhooks import Webhook, send, statuses


def test_statuses_follow_a_message_that_was_taken_even_when_its_answer_was_lost(
    whatsapp: WhatsAppServer, webhook: Webhook
) -> None:
    whatsapp.statuses = True
    whatsapp.fail_next("messages", 500, after=True)
    with pytest.raises(httpx.RemoteProtocolError):
        send(whatsapp, "34600")

    told = statuses(whatsapp, webhook)
    assert [status["status"] for status in told] == ["sent", "delivered"]
    assert {status["biz_opaque_callback_data"] for status in told} == {"reply-34600"}


def test_no_status_is_told_unless_asked_for(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    send(whatsapp, "34600")
    assert statuses(whatsapp, webhook) == []


def test_a_status_names_its_message_and_what_it_costs(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.statuses = True
    wamid = send(whatsapp, "34600")

    told = statuses(whatsapp, webhook)
    assert {(status["id"], status["recipient_id"]) for status in told} == {(wamid, "34600")}
    assert all(status["pricing"]["category"] == "service" for status in told)


def test_every_status_may_come_twice(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.statuses = Statuses(doubled=1)
    send(whatsapp, "34600")
    assert Counter(status["status"] for status in statuses(whatsapp, webhook)) == {"sent": 2, "delivered": 2}


def test_late_statuses_come_later_in_their_order(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.statuses = Statuses(late=(0.3, 0.4), kinds=("sent", "delivered", "read"))
    start = monotonic()
    send(whatsapp, "34600")

    assert [status["status"] for status in statuses(whatsapp, webhook)] == ["sent", "delivered", "read"]
    assert webhook.got[0][0] - start >= 0.3


def test_shuffled_statuses_come_in_any_order_but_all_of_them(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.statuses = Statuses(seed=1, shuffled=True, late=(0, 0.05))
    for number in range(10):
        send(whatsapp, str(34600 + number))

    told = statuses(whatsapp, webhook)
    assert Counter(status["recipient_id"] for status in told) == {str(34600 + number): 2 for number in range(10)}
    plans = [[one.kind for one in Statuses(seed=seed, shuffled=True).next()] for seed in range(20)]
    assert {tuple(plan) for plan in plans} == {("sent", "delivered"), ("delivered", "sent")}


def test_the_same_seed_tells_the_same() -> None:
    one, two, other = (Statuses(seed=seed, late=(0, 9), doubled=0.3, failed=0.2, shuffled=True) for seed in (7, 7, 8))
    plans = [[plan.next() for _ in range(30)] for plan in (one, two, other)]
    assert plans[0] == plans[1] != plans[2]


def test_what_failed_was_said_to_be_taken_and_never_came(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.statuses = Statuses(failed=1, codes=(131026,))
    wamid = send(whatsapp, "34600")

    (told,) = statuses(whatsapp, webhook)
    assert (told["id"], told["status"], told["errors"][0]["code"]) == (wamid, "failed", 131026)
    assert told["biz_opaque_callback_data"] == "reply-34600"
    assert whatsapp.chat("34600") == []
    assert [(call.bubble, call.taken, call.status) for call in whatsapp.calls] == [(wamid, False, 200)]


def test_a_window_may_turn_out_to_be_closed_by_status(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.close_window("34600", by_status=True)
    send(whatsapp, "34600")

    (told,) = statuses(whatsapp, webhook)
    assert (told["status"], told["errors"][0]["code"]) == ("failed", 131047)
    assert whatsapp.answers("34600") == []


def test_a_status_can_be_told_on_command(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    wamid = send(whatsapp, "34600")
    whatsapp.status(wamid, "read")
    whatsapp.status(wamid, "failed", 131056)

    told = statuses(whatsapp, webhook)
    assert [status["status"] for status in told] == ["read", "failed"]
    assert told[1]["errors"][0]["code"] == 131056


def test_nobody_waits_at_the_end_for_statuses_that_are_late(webhook: Webhook) -> None:
    with WhatsAppServer("bearer", "1", "s", "v", webhook.url, statuses=Statuses(late=(600, 600))) as server:
        body = {"messaging_product": "whatsapp", "to": "34600", "text": {"body": "hola"}}
        httpx.post(f"{server.url}/1/messages", json=body, headers={"Authorization": "Bearer bearer"})
        assert server.delivery.pending == 2
        start = monotonic()
    assert monotonic() - start < 60
    assert webhook.got == []
