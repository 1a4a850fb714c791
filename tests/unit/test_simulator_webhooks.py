"""Webhooks come as the platforms bring them: signed, in order, again until accepted."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from time import monotonic, sleep

import httpx
import pytest
from werkzeug.wrappers import Request, Response

from simulator.delivery import Delivery, Parcel, Post
from simulator.platforms import Platform
from simulator.server import Cut, Server
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

TOKEN = "7123:AAE-test-token"
SECRET = "a-webhook-secret-of-some-length-0123456789"
NUMBER = "106540352242922"
APP_SECRET = "0123456789abcdef0123456789abcdef"


class Webhook(Server):
    """A receiver with a memory, which answers as told and then 200."""

    def __init__(self) -> None:
        super().__init__(threads=16)
        self.lock = threading.Lock()
        self.got: list[tuple[float, bytes, dict[str, str]]] = []
        self.answers: list[Response | type[Cut]] = []
        self.pause = 0.0
        self.now = self.most = 0

    def respond(self, request: Request) -> Response:
        if request.method == "GET":
            right = request.args.get("hub.verify_token") == "verify-me"
            return Response(request.args["hub.challenge"] if right else "", 200 if right else 403)
        with self.lock:
            self.got.append((monotonic(), request.get_data(), dict(request.headers)))
            self.now += 1
            self.most = max(self.most, self.now)
            answer = self.answers.pop(0) if self.answers else Response("ok")
        self.closing.wait(self.pause)
        with self.lock:
            self.now -= 1
        if not isinstance(answer, Response):
            raise answer
        return answer


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        yield server


@pytest.fixture
def telegram(webhook: Webhook) -> Iterator[TelegramServer]:
    with TelegramServer(TOKEN, f"{webhook.url}/webhook/telegram", SECRET, retry_seconds=0.2) as server:
        yield server


@pytest.fixture
def whatsapp(webhook: Webhook) -> Iterator[WhatsAppServer]:
    with WhatsAppServer(
        "bearer", NUMBER, APP_SECRET, "verify-me", f"{webhook.url}/webhook/whatsapp", retry_seconds=0.2
    ) as server:
        yield server


@pytest.fixture(params=["telegram", "whatsapp"])
def platform(request: pytest.FixtureRequest) -> Platform:
    found: Platform = request.getfixturevalue(request.param)
    return found


def write(platform: Platform, chat: int, text: str) -> None:
    if isinstance(platform, TelegramServer):
        platform.say(chat, text)
    elif isinstance(platform, WhatsAppServer):
        platform.say(str(chat), text)


def all_accepted(platform: Platform) -> bool:
    return platform.wait_until(lambda: all(said.accepted for said in platform.said), 10)


def text_of(body: bytes) -> str:
    found = json.loads(body)
    if "message" in found:
        return str(found["message"]["text"])
    return str(found["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"])


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


def test_statuses_follow_a_message_that_was_taken_even_when_its_answer_was_lost(
    whatsapp: WhatsAppServer, webhook: Webhook
) -> None:
    whatsapp.statuses = True
    whatsapp.fail_next("messages", 500, after=True)
    body = {
        "messaging_product": "whatsapp",
        "to": "34600",
        "text": {"body": "hola"},
        "biz_opaque_callback_data": "reply-1",
    }
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{whatsapp.url}/{NUMBER}/messages", json=body, headers={"Authorization": "Bearer bearer"})

    until = monotonic() + 5
    while whatsapp.delivery.pending and monotonic() < until:
        sleep(0.02)
    told = [json.loads(raw)["entry"][0]["changes"][0]["value"]["statuses"][0] for _, raw, _ in webhook.got]
    assert [status["status"] for status in told] == ["sent", "delivered"]
    assert {status["biz_opaque_callback_data"] for status in told} == {"reply-1"}
