"""The receiver and what a platform tells of our bubbles: it settles them, and holds up nothing."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot import web
from bot.message import Message, Piece, Reply
from bot.stores.connection import Store, key
from bot.stores.mailbox import QUARANTINE, Mailbox
from bot.stores.outbox import Outbox
from tests.unit.test_web import NUMBER, payload, settings, whatsapp

BEA = f"whatsapp:{NUMBER}:34600111222"


@pytest.fixture
def client(store: Store, redis_dir: Path) -> FlaskClient:
    return web.create_app(settings(redis_dir)).test_client()


def statuses(reference: str, kind: str = "delivered", **parts: Any) -> dict[str, Any]:
    told = {"id": "wamid.9", "status": kind, "recipient_id": "34600111222", "biz_opaque_callback_data": reference}
    body = payload()
    body["entry"][0]["changes"][0]["value"]["statuses"] = [told | parts]
    return body


def test_a_status_settles_the_bubble_that_waits_for_it(client: FlaskClient, store: Store, mailbox: Mailbox) -> None:
    """What its worker never heard, the platform tells: it is not sent again."""
    mailbox.accept([Message("wamid.0", BEA, "hola")])
    mailbox.take(BEA, "a")
    mailbox.commit(BEA, "a", 1, Reply(1, (Piece("¡Hola!"),)))
    permission, reference, _ = Outbox(store).begin(BEA, "a", 1, 0, ())

    assert permission == "go"
    assert whatsapp(client, statuses("0123456789ab.1.0")).status_code == 200
    assert store.client.llen(key(BEA, "out")) == 1
    assert whatsapp(client, statuses(reference)).status_code == 200
    assert store.client.llen(key(BEA, "out")) == 0


def test_a_bubble_that_failed_later_is_told_to_the_operator(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    whatsapp(client, statuses("0123456789ab.1.0", "failed", errors=[{"code": 131026}]))
    assert "131026: this person cannot get WhatsApp messages" in caplog.text
    assert "34600111222" not in caplog.text
    assert 'recado_statuses_received_total{channel="whatsapp",outcome="failed"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize("broken", ["x", {"a": 1}, [1], [[]], [{"biz_opaque_callback_data": 7}]])
def test_broken_statuses_are_accepted_and_hold_up_no_message(client: FlaskClient, store: Store, broken: Any) -> None:
    """Meta would only send the same again; quarantine is for what people wrote."""
    for texts in ((), ("hola",)):
        body = payload(*texts)
        body["entry"][0]["changes"][0]["value"]["statuses"] = broken
        assert whatsapp(client, body).status_code == 200
    assert store.client.llen(key(BEA, "in")) == 1
    assert store.client.llen(QUARANTINE) == 0


def test_without_redis_the_platform_keeps_the_status(tmp_path: Path) -> None:
    """503: a status that was lost would have its bubble sent twice."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}"
        answer = whatsapp(web.create_app(settings(tmp_path, redis_url=url)).test_client(), statuses("0123456789ab.1.0"))

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
