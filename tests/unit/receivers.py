"""A real receiver in this process, and a business at Meta with one number, for what sets them up and examines them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.wrappers import Request, Response

from bot.settings import Settings, load_settings
from bot.stores import embedded
from bot.web import create_app
from simulator.server import Server
from simulator.whatsapp import WhatsAppServer

TOKEN = "EAAGm0PX4ZCpsBO0123456789abcdefghij"
NUMBER = "106540352242922"
ACCOUNT = "100000000000001"
APP = "400000000000004"
SECRET = "0123456789abcdef0123456789abcdef"
VERIFY = "5d41402abc4b2a76b9719d911017c592"


class Receiver(Server):
    """The product's own WSGI application, behind a real socket; or whatever stands there in its place."""

    def __init__(self, app: Flask | None = None, answer: Response | None = None) -> None:
        super().__init__(threads=4)
        self.app, self.answer = app, answer

    def respond(self, request: Request) -> Response:
        if self.answer is not None:
            return self.answer
        assert self.app
        return Response.from_app(self.app, request.environ)


def settings_with(redis_dir: Path, graph: WhatsAppServer, **more: Any) -> Settings:
    ours: dict[str, Any] = {
        "redis_url": f"unix://{embedded.socket_path(redis_dir)}",
        "whatsapp_token": graph.token, "whatsapp_phone_number_id": NUMBER, "whatsapp_app_secret": SECRET,
        "whatsapp_verify_token": VERIFY, "whatsapp_api_url": f"{graph.url}/v26.0",
        "whatsapp_business_account_id": ACCOUNT,
    }  # fmt: skip
    return load_settings("", **ours | more)


@pytest.fixture
def graph() -> Iterator[WhatsAppServer]:
    """Meta, where nobody has set anything up yet."""
    with WhatsAppServer(TOKEN, NUMBER, SECRET, VERIFY) as server:
        yield server


@pytest.fixture
def receiver(graph: WhatsAppServer, redis_dir: Path) -> Iterator[Receiver]:
    """The receiver of this installation."""
    with Receiver(create_app(settings_with(redis_dir, graph))) as server:
        yield server


def place(receiver: Server) -> dict[str, str]:
    """HOST and PORT of a receiver."""
    host, _, port = receiver.url.removeprefix("http://").partition(":")
    return {"HOST": host, "PORT": port}
