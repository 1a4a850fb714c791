"""The comparison of bench/receiver_whatsapp.py: pywa on FastAPI and uvicorn: python bench/_pywa.py PORT

As its documentation shows it, in its synchronous form, which costs it less here than the asynchronous one: it
acknowledges before its handler runs, and the handler keeps what it is given of the message in the same Redis.
uvicorn has uvloop and httptools, and no access log.
"""

from __future__ import annotations

import json
import sys

import uvicorn
from fastapi import FastAPI
from pywa import WhatsApp
from pywa.types import Message
from redis import Redis

from bot.settings import load_settings
from bot.stores import embedded

KEPT = "bench:pywa"


def main(port: int) -> None:
    settings = load_settings()
    redis = Redis(unix_socket_path=str(embedded.socket_path(settings.data_dir)))
    app = FastAPI()
    client = WhatsApp(
        settings.whatsapp_phone_number_id,
        settings.whatsapp_token.get_secret_value(),
        server=app,
        webhook_endpoint="/webhook/whatsapp",
        verify_token=settings.whatsapp_verify_token.get_secret_value(),
        app_secret=settings.whatsapp_app_secret.get_secret_value(),
    )

    @client.on_message
    def keep(_: WhatsApp, message: Message) -> None:
        said = {"id": message.id, "from": message.from_user.wa_id, "text": message.text}
        redis.rpush(KEPT, json.dumps(said))

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
