"""python-telegram-bot's own webhook server, which answers when its queue has taken the update.

Made durable by a queue whose ``put`` is the product's script. Its environment runs it: python … PORT
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from _durable import BENCH, Durable
from telegram import Bot
from telegram.ext._utils.webhookhandler import WebhookAppClass, WebhookServer


class DurableQueue(asyncio.Queue[Any]):
    def __init__(self) -> None:
        super().__init__()
        self._durable = Durable()

    async def put(self, update: Any) -> None:
        chat = update.effective_chat.id
        await self._durable.keep(chat, update.update_id, update.message.text, update.to_json())


async def main(port: int) -> None:
    app = WebhookAppClass("/webhook/telegram", Bot("7123456:" + "a" * 35), DurableQueue(), BENCH["secret"])
    await WebhookServer("127.0.0.1", port, app, None).serve_forever()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
