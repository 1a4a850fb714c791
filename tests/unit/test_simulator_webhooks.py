"""Webhooks come as the platforms bring them: signed, in order, again until accepted."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from time import monotonic

import pytest
from werkzeug.wrappers import Response

from simulator.delivery import Delivery, Parcel
from simulator.platforms import Platform
from simulator.post import Post
from simulator.server import Cut
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer
from tests.unit.webhooks import APP_SECRET, SECRET, Webhook, all_accepted, text_of, write


def test_a_chats_messages_arrive_in_order_one_at_a_time(platform: Platform, webhook: Webhook) -> None:
    webhook.pause = 0.02
    for number in range(5):
        write(platform, 555, f"n{number}")

    assert all_accepted(platform)
    assert [text_of(body) for _, body, _ in webhook.got] == [f"n{number}" for number in range(5)]
    assert webhook.most == 1


def test_chats_do_not_wait_for_each_other(platform: Platform, webhook: Webhook) -> None:
    webhook.pause = 0.2
    for chat in range(1, 9):
        write(platform, chat, "hola")

    assert all_accepted(platform)
    assert webhook.most > 1


def test_what_is_not_accepted_comes_again_before_what_follows(platform: Platform, webhook: Webhook) -> None:
    webhook.answers = [Response(status=500), Cut, Response(status=404)]
    write(platform, 555, "first")
    write(platform, 555, "second")

    assert all_accepted(platform)
    assert [text_of(body) for _, body, _ in webhook.got] == ["first"] * 4 + ["second"]
    times = [time for time, _, _ in webhook.got]
    assert times[1] - times[0] < 0.15  # at once after the first failure
    assert times[2] - times[1] >= 0.2  # then with growing pauses
    assert times[3] - times[2] >= 0.4


def test_the_receivers_retry_after_is_honoured(platform: Platform, webhook: Webhook) -> None:
    """Also when it is shorter than the pause that the platform would make."""
    webhook.answers = [Response(status=503), Response(status=503, headers={"Retry-After": "0"})]
    write(platform, 555, "hola")

    assert all_accepted(platform)
    assert webhook.got[2][0] - webhook.got[1][0] < 0.15
    webhook.answers = [Response(status=503, headers={"Retry-After": "70"})]
    assert platform.post(b"{}") == (503, 70)


def test_a_parcel_goes_again_when_the_receiver_wishes() -> None:
    """Not at once, as it would after a first failure without a wish."""
    times: list[float] = []
    taken = threading.Event()

    def send(_: Parcel) -> tuple[int, float | None]:
        times.append(monotonic())
        if len(times) == 1:
            return 503, 0.3
        taken.set()
        return 200, None

    delivery = Delivery(send)
    delivery.put("555", Parcel(b"", ()))
    assert taken.wait(5)
    delivery.close()

    assert times[1] - times[0] >= 0.3


def test_a_receiver_that_is_down_gets_the_message_when_it_is_back(platform: Platform) -> None:
    url = platform.webhook_url
    platform.webhook_url = "http://127.0.0.1:1/webhook"
    write(platform, 555, "hola")
    assert not platform.wait_until(lambda: bool(platform.said[0].accepted), 0.3)
    assert platform.delivery.pending == 1

    platform.webhook_url = url
    assert all_accepted(platform)


def test_each_webhook_proves_where_it_comes_from(platform: Platform, webhook: Webhook) -> None:
    write(platform, 555, "¿Abrís mañana? 🥐")
    assert all_accepted(platform)

    _, body, headers = webhook.got[0]
    assert text_of(body) == "¿Abrís mañana? 🥐"
    if platform.name == "telegram":
        assert headers["X-Telegram-Bot-Api-Secret-Token"] == SECRET
    else:
        expected = hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-Hub-Signature-256"] == f"sha256={expected}"
        assert body.isascii()


def test_the_simulator_reaches_no_other_machine() -> None:
    with pytest.raises(ValueError, match="this machine only"):
        Post()("https://api.telegram.org/x", {}, b"")


def test_the_same_update_can_be_delivered_many_times(telegram: TelegramServer, webhook: Webhook) -> None:
    update = telegram.update(555, "hola")

    assert [telegram.deliver(update) for _ in range(5)] == [200] * 5
    assert {body for _, body, _ in webhook.got} == {webhook.got[0][1]}
    webhook.answers = [Response(status=503)]
    assert telegram.deliver(update) == 503


def test_several_messages_of_several_people_fit_in_one_post(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.say_many([("34600", "uno"), ("34601", "dos"), ("34600", "tres")])
    assert all_accepted(whatsapp)

    ((_, body, _),) = webhook.got
    value = json.loads(body)["entry"][0]["changes"][0]["value"]
    assert [(m["from"], m["text"]["body"]) for m in value["messages"]] == [
        ("34600", "uno"),
        ("34601", "dos"),
        ("34600", "tres"),
    ]
    assert len({m["id"] for m in value["messages"]}) == 3
    assert [contact["wa_id"] for contact in value["contacts"]] == ["34600", "34601"]


def test_metas_handshake_needs_the_right_token(whatsapp: WhatsAppServer) -> None:
    assert whatsapp.verify()
    whatsapp.verify_token = "another"
    assert not whatsapp.verify()
