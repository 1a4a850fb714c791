"""The receiver: who may come in, what is kept, and what the platform is told."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from bot import web
from bot.errors import SettingsError
from bot.settings import Settings, load_settings
from bot.stores import embedded
from bot.stores.connection import Store, key
from bot.stores.mailbox import QUARANTINE

SECRET = "telegram-webhook-secret-of-38-letters"
APP_SECRET = "0123456789abcdef0123456789abcdef"
NUMBER = "106540352242922"
ANA = "telegram:7123456:555"


def settings(redis_dir: Path, **more: Any) -> Settings:
    secrets = {
        "telegram_bot_token": "7123456:abcdefghijklmnopqrstuvwxyz123456789",
        "telegram_webhook_secret": SECRET,
        "whatsapp_token": "EAAGm0PX4ZCpsBAHello",
        "whatsapp_app_secret": APP_SECRET,
        "whatsapp_verify_token": "quien-sabe-42",
    }
    values: dict[str, Any] = {name: SecretStr(value) for name, value in secrets.items()}
    values |= {"redis_url": f"unix://{embedded.socket_path(redis_dir)}", "whatsapp_phone_number_id": NUMBER}
    return load_settings(**(values | more))


@pytest.fixture
def client(store: Store, redis_dir: Path) -> FlaskClient:
    return web.create_app(settings(redis_dir)).test_client()


def update(number: int = 1, text: str = "hola", chat: int = 555) -> dict[str, Any]:
    person = {"id": chat, "is_bot": False, "first_name": "Ana", "language_code": "es"}
    message = {"message_id": number, "from": person, "chat": {"id": chat, "type": "private"}, "date": 1, "text": text}
    return {"update_id": number, "message": message}


def telegram(client: FlaskClient, body: Any, secret: str | None = SECRET, **more: Any) -> TestResponse:
    headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/webhook/telegram", data=data, headers=headers, **more)


def sign(data: bytes, secret: str = APP_SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


def whatsapp(client: FlaskClient, body: Any, signature: str | None = "") -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if signature is None else {"X-Hub-Signature-256": signature or sign(data)}
    return client.post("/webhook/whatsapp", data=data, headers=headers)


def payload(*texts: str) -> dict[str, Any]:
    messages = [
        {"id": f"wamid.{n}", "from": "34600111222", "timestamp": "1795368000", "type": "text", "text": {"body": text}}
        for n, text in enumerate(texts)
    ]
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": NUMBER}, "messages": messages}
    return {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}


def test_an_authentic_message_is_durable_when_the_platform_hears_200(client: FlaskClient, store: Store) -> None:
    assert telegram(client, update()).status_code == 200
    assert store.client.llen(key(ANA, "in")) == 1


def test_what_came_is_kept_as_it_came(client: FlaskClient, store: Store) -> None:
    """The platform's own JSON stays with the message, fields unknown today included."""
    body = json.dumps(update() | {"field_of_2031": {"a": [1, 2]}}).encode()
    telegram(client, body)
    assert store.client.lindex(key(ANA, "in"), 0).endswith(b"\n" + body)


@pytest.mark.parametrize("secret", [None, "", "x", SECRET[:-1], SECRET + "x", SECRET.upper(), f" {SECRET}", "ñ" * 40])
def test_a_forged_update_is_refused_and_leaves_nothing(client: FlaskClient, store: Store, secret: str | None) -> None:
    assert telegram(client, update(), secret).status_code == 403
    assert store.client.dbsize() == 0


@pytest.mark.parametrize(
    "signature",
    [None, "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, sign(b"another body"), sign(b"", "another secret" * 3)],
)
def test_a_forged_payload_is_refused_and_leaves_nothing(
    client: FlaskClient, store: Store, signature: str | None
) -> None:
    assert whatsapp(client, payload("hola"), signature).status_code == 403
    assert store.client.dbsize() == 0


def test_an_upper_case_signature_is_not_metas(client: FlaskClient) -> None:
    data = json.dumps(payload("hola")).encode()
    assert whatsapp(client, data, sign(data).upper().replace("SHA256", "sha256")).status_code == 403


def test_escaped_and_raw_letters_are_both_signed_as_they_came(client: FlaskClient) -> None:
    """Meta signs the bytes it sends, escaped; nobody re-serialises them."""
    for ascii_only in (True, False):
        data = json.dumps(payload("¿mañana? 🎂"), ensure_ascii=ascii_only).encode()
        assert whatsapp(client, data).status_code == 200


def test_every_message_of_a_payload_is_accepted_in_order(client: FlaskClient, store: Store) -> None:
    assert whatsapp(client, payload(*"abcde")).status_code == 200
    kept = store.client.lrange(key(f"whatsapp:{NUMBER}:34600111222", "in"), 0, -1)
    assert [json.loads(line.split(b"|", 4)[4].split(b"\n")[0])["text"] for line in kept] == list("abcde")


@pytest.mark.parametrize(
    "body",
    [
        b" ", b"{", b"[]", b"null", b"17", b'"text"', b"\xff\xfe", b"[" * 5000, b'{"a":' * 2000, b"NaN",
        b'{"update_id": "1"}', b'{"update_id": 1, "message": []}', b'{"update_id": 1, "message": {"text": 7}}',
        b'{"update_id":1,"message":{"chat":{"id":5,"type":"private"},"text":"\\ud800"}}',
    ],
)  # fmt: skip
def test_an_authentic_body_that_nobody_can_read_is_kept_and_never_comes_again(
    client: FlaskClient, store: Store, body: bytes
) -> None:
    """200, or the platform would deliver it for days; the bytes stay in quarantine."""
    assert telegram(client, body).status_code == 200
    assert whatsapp(client, body).status_code == 200
    assert store.client.lindex(QUARANTINE, -1) == b"1|telegram|" + body


def test_a_body_must_say_how_long_it_is_and_be_so(client: FlaskClient, store: Store) -> None:
    """411 without a length, 413 beyond the limit, 400 when it is shorter than announced."""
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    none = client.post("/webhook/telegram", headers=headers)
    long = client.post("/webhook/telegram", headers=headers, data=b"x" * ((1 << 20) + 1))
    short = client.post("/webhook/telegram", headers=headers, data=b"{}", environ_overrides={"CONTENT_LENGTH": "9"})
    assert (none.status_code, long.status_code, short.status_code) == (411, 413, 400)
    assert store.client.dbsize() == 0


def test_whatsapp_takes_a_whole_batch_of_three_megabytes(client: FlaskClient) -> None:
    assert whatsapp(client, payload("x" * 3_000_000)).status_code == 200


def test_other_methods_are_not_for_webhooks(client: FlaskClient) -> None:
    assert client.get("/webhook/telegram").status_code == 405
    assert client.put("/webhook/whatsapp").status_code == 405


def test_meta_verifies_the_address(client: FlaskClient) -> None:
    """The challenge comes back as plain text, and only for the right token and mode."""
    right = {"hub.mode": "subscribe", "hub.verify_token": "quien-sabe-42", "hub.challenge": "<b>1158201444</b>"}
    answer = client.get("/webhook/whatsapp", query_string=right)
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "<b>1158201444</b>", "text/plain")
    for wrong in ({"hub.verify_token": "x"}, {"hub.verify_token": "ñandú"}, {"hub.mode": "unsubscribe"}):
        assert client.get("/webhook/whatsapp", query_string=right | wrong).status_code == 403
    assert client.get("/webhook/whatsapp").status_code == 403


def test_without_redis_the_platform_keeps_the_message(tmp_path: Path) -> None:
    """503 with Retry-After for messages and readiness; the process itself is alive."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        app = web.create_app(settings(tmp_path, redis_url=f"redis://127.0.0.1:{nobody.getsockname()[1]}"))
        client = app.test_client()
        answers = [telegram(client, update()), whatsapp(client, payload("hola")), client.get("/readyz")]
        answers.append(telegram(client, b"unreadable"))
        assert [answer.status_code for answer in answers] == [503] * 4
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
        assert "Redis" in answers[2].text
        assert client.get("/healthz").status_code == 200
        page = client.get("/metrics").text
        assert "recado_redis_up 0.0" in page
        assert 'recado_requests_refused_total{channel="telegram",reason="unavailable"} 2.0' in page
        assert 'recado_requests_refused_total{channel="whatsapp",reason="unavailable"} 1.0' in page


def test_metrics_count_what_happened(client: FlaskClient) -> None:
    telegram(client, update())
    telegram(client, update())
    telegram(client, update(), "wrong")
    telegram(client, b"{")
    page = client.get("/metrics").text
    for line in (
        'recado_messages_accepted_total{channel="telegram"} 1.0',
        'recado_messages_duplicate_total{channel="telegram"} 1.0',
        'recado_requests_refused_total{channel="telegram",reason="forged"} 1.0',
        'recado_requests_quarantined_total{channel="telegram"} 1.0',
        "recado_conversations_due 1.0",
        "recado_rings_waiting 1.0",
        'recado_turns{state="waiting"} 1.0',
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
    ):
        assert line in page


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("whatsapp_app_secret", ""), ("whatsapp_app_secret", "short"), ("whatsapp_verify_token", ""),
        ("whatsapp_app_secret", "your-app-secret-your-app-secret-1234"), ("telegram_webhook_secret", "too-short"),
        ("telegram_bot_token", "not a token"),
    ],
)  # fmt: skip
def test_without_its_secrets_a_channel_does_not_start(redis_dir: Path, name: str, value: str) -> None:
    """It says which setting is wrong, and does not show it."""
    with pytest.raises(SettingsError, match=name.upper()) as error:
        web.create_app(settings(redis_dir, **{name: SecretStr(value)}))
    assert not value or value not in str(error.value).lower().replace(name, "")


def test_a_channel_that_is_off_has_no_address(store: Store, redis_dir: Path) -> None:
    client = web.create_app(settings(redis_dir, whatsapp_token=SecretStr(""))).test_client()
    assert whatsapp(client, payload("hola")).status_code == 404
