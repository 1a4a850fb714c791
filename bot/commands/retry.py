"""/retry: the last question is thought anew, and its new answer takes the place of the old one."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.texts import Text

_NOTHING = Text(
    es="Todavía no me has preguntado nada que pueda volver a pensar.",
    en="You have not asked me anything yet that I could think about again.",
)


class Retry(Command):
    description = Text(es="Volver a responder a lo último", en="Answer the last question again")

    def run(self, order: Order) -> Done:
        return Done(_NOTHING.to(order.language), again=True)
