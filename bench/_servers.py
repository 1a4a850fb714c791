"""The receivers that are compared, each in a process of its own: python bench/_servers.py NAME PORT"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from bot.logs import setup_logs
from bot.message import Message
from bot.settings import load_settings
from bot.stores import embedded, entries, mailbox
from bot.stores.bell import bell
from bot.stores.connection import DUE, Script


def recado(port: int) -> None:
    """The product as it is shipped."""
    from bot import web

    setup_logs("INFO", "text")
    web.serve(load_settings(port=port))


def bare_flask(port: int) -> None:
    """The floor: a Flask view that returns nothing, on the same server with the same settings."""
    from flask import Flask
    from waitress import serve

    from bot import web

    setup_logs("INFO", "text")
    app = Flask("bare")
    app.add_url_rule("/webhook/telegram", "bare", lambda: "", methods=["POST"])
    serve(app, host="127.0.0.1", port=port, **web.WAITRESS)


def python_telegram_bot(port: int) -> None:
    """python-telegram-bot's own webhook server, which answers when its queue has taken the update.

    Made durable by a queue whose ``put`` is the same Redis script with the same arguments.
    """
    from redis.asyncio import Redis
    from redis.exceptions import NoScriptError
    from telegram import Bot
    from telegram.ext._utils.webhookhandler import WebhookAppClass, WebhookServer

    settings = load_settings()
    redis = Redis(unix_socket_path=str(embedded.socket_path(settings.data_dir)))

    script = Script("accept", "ring", "people", "revoke")

    class DurableQueue(asyncio.Queue[Any]):
        async def put(self, update: Any) -> None:
            conversation = f"telegram:7123456:{update.effective_chat.id}"
            said = Message(str(update.update_id), conversation, update.message.text, raw=update.to_json())
            args = [*bell(), 27 * 3_600_000, mailbox.GRACE_MS, 0, 1, 0, *entries.accepted(said)]
            try:
                await redis.evalsha(script.sha, 1, DUE, *args)
            except NoScriptError:
                await redis.eval(script.source, 1, DUE, *args)

    async def main() -> None:
        bot = Bot("7123456:" + "a" * 35)
        secret = settings.telegram_webhook_secret.get_secret_value()
        app = WebhookAppClass("/webhook/telegram", bot, DurableQueue(), secret)
        await WebhookServer("127.0.0.1", port, app, None).serve_forever()
        await asyncio.Event().wait()

    asyncio.run(main())


SERVERS = {"recado": recado, "bare Flask": bare_flask, "python-telegram-bot": python_telegram_bot}


def cpu_seconds(pid: int) -> float:
    """User and system time of a process (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    SERVERS[sys.argv[1]](int(sys.argv[2]))
