"""pywa on FastAPI and uvicorn, as its documentation shows it. Its environment runs it: python … PORT

In its synchronous form, which costs it less here than the asynchronous one: it acknowledges before its handler runs,
and the handler keeps what it is given of the message in the same Redis. uvicorn has uvloop and httptools, and no
access log.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pywa import WhatsApp
from pywa.types import Message
from redis import Redis

BENCH: dict[str, Any] = json.loads(os.environ["BENCH"])


def main(port: int) -> None:
    redis = Redis(unix_socket_path=BENCH["socket"])
    app = FastAPI()
    client = WhatsApp(
        BENCH["number"],
        "t" * 40,
        server=app,
        webhook_endpoint="/webhook/whatsapp",
        verify_token="v" * 16,
        app_secret=BENCH["secret"],
    )

    @client.on_message
    def keep(_: WhatsApp, message: Message) -> None:
        said = {"id": message.id, "from": message.from_user.wa_id, "text": message.text}
        redis.rpush(BENCH["kept"], json.dumps(said))

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
