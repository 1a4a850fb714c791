"""A receiver that remembers what it was sent, and platforms that deliver to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any

import httpx
import pytest
from werkzeug.wrappers import Request, Response

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


def values_of(body: bytes) -> list[dict[str, Any]]:
    """All values of all changes of all entries of a WhatsApp body."""
    return [change["value"] for entry in json.loads(body)["entry"] for change in entry["changes"]]


def send(whatsapp: WhatsAppServer, wa_id: str) -> str:
    """The product writes to somebody, with the reference ``reply-`` and their number; the wamid."""
    body = {"messaging_product": "whatsapp", "to": wa_id, "text": {"body": "hola"}}
    body["biz_opaque_callback_data"] = f"reply-{wa_id}"
    headers = {"Authorization": "Bearer bearer"}
    answer = httpx.post(f"{whatsapp.url}/{NUMBER}/messages", json=body, headers=headers, verify=False)
    return str(answer.json()["messages"][0]["id"])


def statuses(whatsapp: WhatsAppServer, webhook: Webhook) -> list[dict[str, Any]]:
    """All statuses that the receiver got, once nothing is on its way any more."""
    assert whatsapp.wait_until(lambda: not whatsapp.delivery.pending, 20)
    return [status for _, raw, _ in webhook.got for value in values_of(raw) for status in value.get("statuses", ())]
