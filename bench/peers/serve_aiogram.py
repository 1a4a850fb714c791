"""aiogram's webhook on aiohttp, as its documentation shows it, but answering after its handler and not before.

Made durable by a handler that runs the product's script. Its environment runs it: python … PORT
"""

from __future__ import annotations

import sys

from _durable import BENCH, Durable
from aiogram import Bot, Dispatcher
from aiogram.types import Message, Update
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web


def main(port: int) -> None:
    dispatcher, app = Dispatcher(), web.Application()

    async def opened(_: web.Application) -> None:
        durable = Durable()

        @dispatcher.message()
        async def keep(message: Message, event_update: Update) -> None:
            raw = event_update.model_dump_json(exclude_none=True)
            await durable.keep(message.chat.id, event_update.update_id, message.text or "", raw)

    app.on_startup.append(opened)
    bot = Bot("7123456:" + "a" * 35)
    handler = SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token=BENCH["secret"])
    handler.register(app, "/webhook/telegram")
    setup_application(app, dispatcher, bot=bot)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
