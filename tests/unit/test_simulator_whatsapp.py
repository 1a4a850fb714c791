"""The simulated Graph API answers and refuses as Meta's does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulator.whatsapp import WhatsAppServer, encode

NUMBER = "106540352242922"


@pytest.fixture
def whatsapp() -> Iterator[WhatsAppServer]:
    with WhatsAppServer("bearer", NUMBER, "test-app-secret", "verify-me") as server:
        yield server


def post(server: WhatsAppServer, token: str = "bearer", number: str = NUMBER, **body: Any) -> httpx.Response:
    whole = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "34600", "type": "text"} | body
    return httpx.post(f"{server.url}/{number}/messages", json=whole, headers={"Authorization": f"Bearer {token}"})


def test_a_message_gets_an_id_and_is_seen(whatsapp: WhatsAppServer) -> None:
    answer = post(whatsapp, text={"body": "hola"}, biz_opaque_callback_data="r1").json()

    (bubble,) = whatsapp.chat("34600")
    assert answer["messages"] == [{"id": bubble.id}]
    assert bubble.id.startswith("wamid.")
    assert (bubble.who, bubble.text) == ("assistant", "hola")
    assert whatsapp.calls[0].params["biz_opaque_callback_data"] == "r1"


def test_4096_characters_are_taken_and_one_more_is_not(whatsapp: WhatsAppServer) -> None:
    assert post(whatsapp, text={"body": "x" * 4096}).status_code == 200
    refused = post(whatsapp, text={"body": "x" * 4097})

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, 100)
    assert len(whatsapp.chat("34600")) == 1
    assert [call.taken for call in whatsapp.calls] == [True, False]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": {"body": ""}}, 400, 100),
        ({"text": {"body": "x"}, "to": ""}, 400, 100),
        ({"text": {"body": "x"}, "messaging_product": ""}, 400, 100),
        ({"text": {"body": "x"}, "token": "another"}, 401, 190),
        ({"text": {"body": "x"}, "number": "999"}, 400, 100),
    ],
)
def test_what_meta_refuses_is_refused(whatsapp: WhatsAppServer, body: dict[str, Any], status: int, code: int) -> None:
    answer = post(whatsapp, **body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert whatsapp.chat("34600") == []


def test_reading_and_typing_is_a_call_of_its_own_in_the_right_chat(whatsapp: WhatsAppServer) -> None:
    said = whatsapp.say("34600", "hola")["entry"][0]["changes"][0]["value"]["messages"][0]
    answer = post(whatsapp, status="read", message_id=said["id"], typing_indicator={"type": "text"})

    assert answer.json() == {"success": True}
    assert [(call.method, call.chat_id, call.bubble) for call in whatsapp.calls] == [("read", "34600", "")]


def test_the_number_can_be_asked_for_as_a_credential_check(whatsapp: WhatsAppServer) -> None:
    address = f"{whatsapp.url}/v26.0/{NUMBER}?fields=display_phone_number,verified_name"

    found = httpx.get(address, headers={"Authorization": "Bearer bearer"}).json()
    assert found == {"id": NUMBER, "display_phone_number": "+34 600 000 000", "verified_name": "Recado"}
    assert httpx.get(address, headers={"Authorization": "Bearer x"}).json()["error"]["code"] == 190


def test_the_signature_is_the_known_one(whatsapp: WhatsAppServer) -> None:
    """The vector was computed with another implementation (openssl dgst -sha256 -hmac)."""
    body = b'{"object":"whatsapp_business_account"}'

    expected = "sha256=b6978b21c4467654c466607663db9b43fae44b71083568df403e0a077089208e"
    assert whatsapp.webhook_headers(body)["X-Hub-Signature-256"] == expected


def test_what_is_signed_is_the_escaped_text() -> None:
    assert encode({"text": "¿Mañana? 🥐"}) == b'{"text":"\\u00bfMa\\u00f1ana? \\ud83e\\udd50"}'
