"""/baja: a person wants no answers."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.texts import Text

OPTED_OUT = "opted out"

HINTED = "hinted"
"""In a conversation's state: whoever has opted out was told how to return."""

_GOODBYE = Text(
    es="De acuerdo, no te escribiremos más por aquí. Si cambias de idea, escribe /alta.",
    en="All right, we will not write to you here any more. If you change your mind, write /alta.",
)


class Baja(Command):
    description = Text(es="No recibir más respuestas", en="Get no more answers")

    def run(self, order: Order) -> Done:
        return Done(_GOODBYE.to(order.language), pauses=OPTED_OUT, notes={HINTED: ""})
