"""/stop: the answer that is on its way ends. It does so when the message arrives; here is only said what came of it."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.texts import Text

_STOPPED = Text(es="De acuerdo, lo dejo aquí.", en="All right, I stop here.")
_NOTHING = Text(
    es="Ahora mismo no estoy respondiendo a nada. Escríbeme cuando quieras.",
    en="I am not answering anything right now. Write to me whenever you like.",
)


class Stop(Command):
    description = Text(es="Parar la respuesta en marcha", en="Stop the answer that is on its way")

    def run(self, order: Order) -> Done:
        if order.pressed:
            return Done("")
        halted = int(order.state.get("halted", 0)) >= order.number
        return Done((_STOPPED if halted else _NOTHING).to(order.language))
