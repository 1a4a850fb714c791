"""/baja: a person wants no answers."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.texts import Text

OPTED_OUT = "opted out"

_GOODBYE = Text(
    es="De acuerdo, no te responderé más. Si cambias de idea, escribe /alta.",
    en="All right, I will not answer you any more. If you change your mind, write /alta.",
)


class Baja(Command):
    description = Text(es="No recibir más respuestas", en="Get no more answers")

    def run(self, order: Order) -> Done:
        return Done(_GOODBYE.to(order.language), pauses=OPTED_OUT)
