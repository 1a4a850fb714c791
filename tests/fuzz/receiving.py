"""A receiver on a real Redis that is asked what it kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from pydantic import SecretStr

from bot import web
from bot.settings import Settings, load_settings
from bot.stores import embedded
from bot.stores.connection import Store
from bot.stores.mailbox import QUARANTINE
from simulator.forgeries import META_HEADER, META_PATH, TELEGRAM_HEADER, TELEGRAM_PATH, sign

TOKEN = "7123456:abcdefghijklmnopqrstuvwxyz123456789"
SECRET = "telegram-webhook-secret-of-38-letters"
APP_SECRET = "0123456789abcdef0123456789abcdef"
VERIFY_TOKEN = "quien-sabe-42"
META_TOKEN = "EAAGm0PX4ZCpsBAHello"
NUMBER = "106540352242922"
ANA = "34600111222"


def settings(redis_dir: Path) -> Settings:
    return load_settings(
        redis_url=f"unix://{embedded.socket_path(redis_dir)}",
        telegram_bot_token=SecretStr(TOKEN),
        telegram_webhook_secret=SecretStr(SECRET),
        whatsapp_token=SecretStr(META_TOKEN),
        whatsapp_phone_number_id=NUMBER,
        whatsapp_app_secret=SecretStr(APP_SECRET),
        whatsapp_verify_token=SecretStr(VERIFY_TOKEN),
    )


def update(text: str = "hola", number: int = 1, **parts: Any) -> dict[str, Any]:
    """What Telegram sends when Ana writes; ``parts`` go into its message."""
    person = {"id": 555, "is_bot": False, "first_name": "Ana", "language_code": "es"}
    message = {"message_id": number, "from": person, "chat": {"id": 555, "type": "private"}, "date": 1, "text": text}
    return {"update_id": number, "message": message | parts}


def said(key: str, text: str = "hola", **parts: Any) -> dict[str, Any]:
    base = {"id": key, "from": ANA, "timestamp": "1795368000", "type": "text", "text": {"body": text}}
    return base | parts


def webhook(*messages: Any, **parts: Any) -> dict[str, Any]:
    """What Meta sends when people write; ``parts`` stand beside the messages."""
    value = {"metadata": {"phone_number_id": NUMBER}, "messages": list(messages)} | parts
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change(value)]}]}


def change(value: Any) -> dict[str, Any]:
    return {"field": "messages", "value": value}


class Receiver:
    """Posts what is authentic, and reads what then lies in Redis."""

    def __init__(self, redis_dir: Path, store: Store) -> None:
        self.client: FlaskClient = web.create_app(settings(redis_dir)).test_client()
        self._redis = store.client

    def telegram(self, body: bytes) -> int:
        return self._post(TELEGRAM_PATH, body, {TELEGRAM_HEADER: SECRET})

    def whatsapp(self, body: bytes) -> int:
        return self._post(META_PATH, body, {META_HEADER: sign(body, APP_SECRET)})

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        length = {"CONTENT_LENGTH": str(len(body))}
        return self.client.post(path, data=body, headers=headers, environ_overrides=length).status_code

    def kept(self) -> dict[str, list[str]]:
        """What waits in each mailbox: the texts, oldest first."""
        boxes = sorted(self._redis.scan_iter("recado:*:in", count=1000))
        return {name.decode(): [_text(entry) for entry in self._redis.lrange(name, 0, -1)] for name in boxes}

    def texts(self) -> list[str]:
        """Everything that waits, where only one person wrote."""
        return [text for box in self.kept().values() for text in box]

    def waiting(self) -> int:
        """How many messages wait in all mailboxes together."""
        return sum(self._redis.llen(name) for name in self._redis.scan_iter("recado:*:in", count=1000))

    def quarantined(self) -> int:
        return int(self._redis.llen(QUARANTINE))

    def counted(self, name: str, channel: str) -> int:
        """One of the receiver's own counters."""
        start = f'recado_{name}_total{{channel="{channel}"}} '
        lines = self.client.get("/metrics").text.splitlines()
        return next((int(float(line.removeprefix(start))) for line in lines if line.startswith(start)), 0)

    def forget(self) -> None:
        self._redis.flushall()


def _text(entry: Any) -> str:
    record = json.loads(entry.split(b"|", 4)[4].partition(b"\n")[0])
    return str(record["text"])
