"""The simulated Graph API answers and refuses as Meta's does."""

from __future__ import annotations

from collections.abc import Iterator
from time import sleep
from typing import Any

import httpx
import pytest

from simulator.graph import encode
from simulator.weather import ON_THE_WAY_SECONDS
from simulator.whatsapp import WhatsAppServer

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


def refusal_to(server: WhatsAppServer, to: str = "34600") -> int:
    """The Graph error code with which a message is refused; 0 when it is taken."""
    answer = post(server, to=to, text={"body": "hola"})
    return 0 if answer.is_success else int(answer.json()["error"]["code"])


def test_a_closed_window_takes_nothing_until_the_person_writes(whatsapp: WhatsAppServer) -> None:
    whatsapp.close_window("34600")
    assert (refusal_to(whatsapp), refusal_to(whatsapp, "34601")) == (131047, 0)
    assert whatsapp.chat("34600") == []

    whatsapp.say("34600", "sigo aquí")
    assert refusal_to(whatsapp) == 0


def test_a_dead_token_takes_nothing_until_there_is_another(whatsapp: WhatsAppServer) -> None:
    whatsapp.revoke_token()
    refused = post(whatsapp, text={"body": "hola"})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["error_subcode"]) == (401, 190, 463)

    whatsapp.renew_token("another")
    assert post(whatsapp, text={"body": "hola"}).status_code == 401
    assert post(whatsapp, text={"body": "hola"}, token="another").status_code == 200


def test_a_pair_limit_is_of_one_person_and_does_not_stop_read_marks(whatsapp: WhatsAppServer) -> None:
    said = whatsapp.say("34600", "hola")["entry"][0]["changes"][0]["value"]["messages"][0]
    whatsapp.refuse_next(131056, retry_after=60)
    assert [refusal_to(whatsapp), refusal_to(whatsapp, "34601"), refusal_to(whatsapp)] == [131056, 0, 131056]

    assert post(whatsapp, status="read", message_id=said["id"]).status_code == 200
    assert [call.chat_id for call in whatsapp.early] == ["34600"]


def test_the_numbers_own_limit_is_of_everybody(whatsapp: WhatsAppServer) -> None:
    """Whoever writes to another person may not have heard of it at once, but soon must have."""
    whatsapp.refuse_next(130429, retry_after=60)
    assert [refusal_to(whatsapp), refusal_to(whatsapp, "34601")] == [130429, 130429]
    sleep(ON_THE_WAY_SECONDS)
    assert refusal_to(whatsapp, "34602") == 130429

    assert whatsapp.early[-1].chat_id == "34602"
    assert "34600" not in {call.chat_id for call in whatsapp.early}


@pytest.mark.parametrize("code", [131000, 131016, 131026, 131031])
def test_a_refusal_on_command_names_its_code_once(whatsapp: WhatsAppServer, code: int) -> None:
    whatsapp.refuse_next(code)
    assert [refusal_to(whatsapp), refusal_to(whatsapp)] == [code, 0]
    assert [call.taken for call in whatsapp.calls] == [False, True]
