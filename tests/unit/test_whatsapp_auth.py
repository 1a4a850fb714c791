"""Who may call WhatsApp's webhook, and which settings let the channel start."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from bot.channels.whatsapp import SIGNATURE_HEADER, WhatsApp
from bot.errors import Forged, SettingsError
from bot.received import Received
from bot.settings import load_settings
from tests.unit.test_whatsapp_payload import (
    APP_SECRET,
    CONFIGURED,
    NUMBER,
    WHATSAPP,
    change,
    channel,
    payload,
    receive,
    sign,
    text,
)


def test_a_signature_is_over_the_bytes_as_they_came() -> None:
    """Meta signs its own escapes; JSON written anew has other bytes."""
    escaped = json.dumps(payload(change(text(body="mañana 🙂")))).encode()
    plain = json.dumps(payload(change(text(body="mañana 🙂"))), ensure_ascii=False).encode()

    assert receive(escaped)[0].text == receive(plain)[0].text == "mañana 🙂"
    with pytest.raises(Forged):
        WHATSAPP.receive({SIGNATURE_HEADER: sign(escaped)}, plain)


def test_the_signature_is_the_documented_one() -> None:
    body = b'{"object":"whatsapp_business_account"}'
    known = "sha256=b6978b21c4467654c466607663db9b43fae44b71083568df403e0a077089208e"
    found = WhatsApp(
        "t", NUMBER, app_secret="test-app-secret", verify_token="v", api_url="http://127.0.0.1", unknown_seconds=1
    )

    assert found.receive({SIGNATURE_HEADER: known}, body) == Received()


BODY = json.dumps(payload(change(text()))).encode()
GOOD = sign(BODY)
MALFORMED: dict[str, dict[str, str]] = {
    "missing": {},
    "empty": {SIGNATURE_HEADER: ""},
    "no digest": {SIGNATURE_HEADER: "sha256="},
    "no prefix": {SIGNATURE_HEADER: GOOD.removeprefix("sha256=")},
    "sha1": {SIGNATURE_HEADER: "sha1=" + GOOD[7:47], "X-Hub-Signature": "sha1=" + GOOD[7:47]},
    "upper case": {SIGNATURE_HEADER: "sha256=" + GOOD[7:].upper()},
    "upper prefix": {SIGNATURE_HEADER: GOOD.replace("sha", "SHA")},
    "cut": {SIGNATURE_HEADER: GOOD[:-1]},
    "longer": {SIGNATURE_HEADER: GOOD + "0"},
    "padded": {SIGNATURE_HEADER: f" {GOOD}"},
    "line feed": {SIGNATURE_HEADER: f"{GOOD}\n"},
    "joined": {SIGNATURE_HEADER: f"{GOOD},{GOOD}"},
    "non-ASCII": {SIGNATURE_HEADER: "sha256=" + "é" * 64},
    "other digits": {SIGNATURE_HEADER: "sha256=" + "\u0663" * 64},
    "half a character": {SIGNATURE_HEADER: "\ud800"},
    "NUL": {SIGNATURE_HEADER: GOOD[:-1] + "\0"},
    "large": {SIGNATURE_HEADER: "sha256=" + "a" * (1 << 20)},
    "Telegram's header": {"X-Telegram-Bot-Api-Secret-Token": APP_SECRET},
}
FORGED = {
    "wrong": "sha256=" + "0" * 64,
    "another body": sign(b"{}"),
    "a byte more": sign(BODY + b" "),
    "written anew": sign(json.dumps(json.loads(BODY), indent=1).encode()),
    "the verify token's": sign(BODY, "palabra-ñ-secreta"),
    "an empty key's": sign(BODY, ""),
    "the access token's": sign(BODY, "EAAG-token"),
}


@pytest.mark.parametrize("headers", MALFORMED.values(), ids=MALFORMED.keys())
def test_without_a_signature_the_body_is_not_even_read(headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        WHATSAPP.admit(headers)
    with pytest.raises(Forged):
        WHATSAPP.receive(headers, BODY)


@pytest.mark.parametrize("signature", FORGED.values(), ids=FORGED.keys())
def test_another_signature_is_forged_before_anything_is_parsed(signature: str) -> None:
    with pytest.raises(Forged):
        WHATSAPP.receive({SIGNATURE_HEADER: signature}, BODY)
    with pytest.raises(Forged):
        WHATSAPP.receive({SIGNATURE_HEADER: signature}, b"not even JSON")


def query(**parts: str) -> dict[str, str]:
    return {"hub.mode": "subscribe", "hub.verify_token": "palabra-ñ-secreta", "hub.challenge": "1158", **parts}


def test_the_handshake_echoes_the_challenge() -> None:
    assert WHATSAPP.verify(query(**{"hub.challenge": "<b>1</b>"})) == "<b>1</b>"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        query(**{"hub.mode": "unsubscribe"}),
        query(**{"hub.verify_token": ""}),
        query(**{"hub.verify_token": "palabra-n-secreta"}),
        query(**{"hub.verify_token": "contraseña\ud800"}),
        query(**{"hub.verify_token": APP_SECRET}),
        {"hub.mode": "subscribe", "hub.verify_token": "palabra-ñ-secreta"},
        {"hub.verify_token[]": "palabra-ñ-secreta", "hub.mode": "subscribe", "hub.challenge": "1"},
    ],
    ids=range(8),
)
def test_another_handshake_is_forged(asked: dict[str, str]) -> None:
    with pytest.raises(Forged):
        WHATSAPP.verify(asked)


def test_the_channel_is_off_without_a_token() -> None:
    assert WhatsApp.from_settings(load_settings(**(CONFIGURED | {"whatsapp_token": SecretStr("")}))) is None


@pytest.mark.parametrize(
    ("name", "value", "way_out"),
    [
        ("whatsapp_token", "dos palabras", "Meta"),
        ("whatsapp_phone_number_id", "", "API Setup"),
        ("whatsapp_phone_number_id", "+34 600 111 222", "API Setup"),
        ("whatsapp_app_secret", "", "App secret"),
        ("whatsapp_app_secret", "0123456789abcdef", "App secret"),
        ("whatsapp_app_secret", "your-app-secret-0123456789-0123456789", "App secret"),
        ("whatsapp_verify_token", "", "Verify token"),
        ("whatsapp_verify_token", "abcdefg", "Verify token"),
    ],
)
def test_it_does_not_start_half_configured(name: str, value: str, way_out: str) -> None:
    wrong: Any = value if name.endswith("_id") else SecretStr(value)
    with pytest.raises(SettingsError, match=f"(?s){name.upper()}.*{way_out}"):
        channel(**{name: wrong})


def test_the_pace_of_each_limit_is_a_setting() -> None:
    found = channel(whatsapp_person_seconds=2, whatsapp_messages_per_second=20)

    assert [limit[1:] for limit in found.limits(f"whatsapp:{NUMBER}:1")] == [(20, 1), (45, 90)]
