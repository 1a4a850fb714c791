"""/alta: a person wants answers again."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.commands.baja import HINTED
from bot.texts import Text

_WELCOME = Text(
    es="Aquí estoy otra vez: a partir de ahora vuelvo a responderte.",
    en="Here I am again: from now on I answer you.",
)


class Alta(Command):
    description = Text(es="Volver a recibir respuestas", en="Get answers again")

    def run(self, order: Order) -> Done:
        return Done(_WELCOME.to(order.language), pauses="", notes={HINTED: ""})
