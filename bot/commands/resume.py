"""/resume: the assistant answers again where a person had taken over."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.commands.baja import OPTED_OUT
from bot.texts import Text

_RESUMED = Text(
    es="De acuerdo, vuelve a responderte el asistente automático. ¿En qué te ayudo?",
    en="All right, the automatic assistant answers you again. How can I help you?",
)
_NOTHING = Text(es="El asistente automático ya te responde.", en="The automatic assistant is answering you already.")
_NO_MONEY = Text(
    es="El asistente automático no puede responder más este mes. Una persona del negocio te responderá aquí mismo.",
    en="The automatic assistant cannot answer any more this month. Somebody of the business will answer you here.",
)
_OPTED_OUT = Text(
    es="No te respondo porque me lo pediste. Para volver, escribe /alta.",
    en="I do not answer you because you asked for that. To return, write /alta.",
)


class Resume(Command):
    description = Text(es="Seguir con el asistente (en inglés)", en="Go on with the assistant")

    def run(self, order: Order) -> Done:
        return resumed(order)


def resumed(order: Order) -> Done:
    """The assistant goes on, unless its person had wanted no answers at all."""
    paused = order.state.get("paused")
    if paused == OPTED_OUT:
        return Done(_OPTED_OUT.to(order.language))
    if order.broke:
        return Done(_NO_MONEY.to(order.language))
    return Done((_RESUMED if paused else _NOTHING).to(order.language), pauses="" if paused else None)
