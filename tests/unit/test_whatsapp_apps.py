"""Several numbers on one webhook: each app proves itself by its own secret, and speaks for its own numbers."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest

from bot.channels.whatsapp import SIGNATURE_HEADER, WhatsApp
from bot.errors import Forged
from bot.numbers import Number
from bot.received import Received

FIRST, SECOND, THIRD = "555000000000001", "555000000000002", "555000000000003"
OURS, THEIRS = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


def number(app_secret: str, verify_token: str) -> Number:
    return Number.model_validate({"token": "EAAG", "app_secret": app_secret, "verify_token": verify_token})


WHATSAPP = WhatsApp(
    "EAAG", FIRST, app_secret=OURS, verify_token="palabra-1", api_url="http://127.0.0.1", unknown_seconds=1,
    others={SECOND: number(OURS, "palabra-2"), THIRD: number(THEIRS, "palabra-ñ")},
)  # fmt: skip


def change(to: str) -> dict[str, Any]:
    text = {"id": f"wamid.{to}", "from": "34600000001", "type": "text", "text": {"body": "hola"}}
    status = {
        "id": "w",
        "status": "sent",
        "recipient_id": "34600000001",
        "biz_opaque_callback_data": "0123456789ab.1.0",
    }
    value = {"metadata": {"phone_number_id": to}, "messages": [text], "statuses": [status]}
    return {"field": "messages", "value": value}


BODY = json.dumps({"entry": [{"changes": [change(FIRST), change(SECOND), change(THIRD)]}]}).encode()


def headers(secret: str) -> Mapping[str, str]:
    return {SIGNATURE_HEADER: f"sha256={hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()}"}


def accounts(received: Received) -> list[str]:
    """The numbers to which anything was said, or which have said anything."""
    names = [one.conversation for one in (*received.messages, *received.statuses)]
    return sorted({name.split(":")[1] for name in names})


@pytest.mark.parametrize(("secret", "own"), [(OURS, [FIRST, SECOND]), (THEIRS, [THIRD])])
def test_an_app_speaks_for_its_own_numbers_alone(secret: str, own: list[str]) -> None:
    """Whoever has one app's secret cannot write to, or settle anything of, another's number."""
    received = WHATSAPP.receive(headers(secret), BODY)

    assert accounts(received) == own
    assert received.unserved


def test_a_body_of_no_app_of_ours_is_forged() -> None:
    with pytest.raises(Forged):
        WHATSAPP.receive(headers("0" * 32), BODY)


@pytest.mark.parametrize("token", ["palabra-1", "palabra-2", "palabra-ñ"])
def test_each_number_is_verified_by_its_own_token(token: str) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158"}

    assert WHATSAPP.verify(query) == "1158"
    with pytest.raises(Forged):
        WHATSAPP.verify(query | {"hub.verify_token": token[:-1]})


@pytest.mark.parametrize(("secret", "own"), [(OURS, [FIRST, SECOND]), (THEIRS, [THIRD])])
def test_what_is_read_again_later_speaks_for_no_other_apps_number_either(secret: str, own: list[str]) -> None:
    assert accounts(WHATSAPP.read(BODY, WHATSAPP.origin(headers(secret), BODY))) == own


def test_an_app_that_got_another_number_since_speaks_for_it_too() -> None:
    assert accounts(WHATSAPP.read(BODY, FIRST)) == [FIRST, SECOND]


def test_an_app_that_has_no_number_any_more_speaks_for_none() -> None:
    assert accounts(WHATSAPP.read(BODY, "555000000000009")) == []


def test_what_was_kept_when_there_was_one_number_is_of_its_app() -> None:
    assert accounts(WHATSAPP.read(BODY)) == [FIRST, SECOND]
