"""/humano: somebody wants to talk to a person of the business, not to the assistant."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.commands.baja import OPTED_OUT
from bot.stores.handovers import HANDED_OVER
from bot.texts import Text

_ALL_RIGHT = Text(es="De acuerdo. {who}", en="All right. {who}")
_AGAIN = Text(
    es="Vuelvo a avisar a la persona del negocio: te responderá aquí. Para seguir con el asistente, escribe /seguir.",
    en="I am telling the person again: they will answer you here. To go on with the assistant, write /resume.",
)
_OPTED_OUT = Text(
    es="Me pediste que no te escribiéramos. Escribe primero /alta y después /humano.",
    en="You asked us not to write to you. Write /alta first, and then /human.",
)
_BOSS = Text(
    es="Esa persona eres tú: aquí te aviso cuando alguien quiere hablar contigo.",
    en="That person is you: here I tell you when somebody wants to talk to you.",
)


class Humano(Command):
    description = Text(es="Hablar con una persona", en="Talk to a person (in Spanish)")

    def run(self, order: Order) -> Done:
        return handed_over(order)


def handed_over(order: Order) -> Done:
    """What becomes of somebody who wants a person."""
    if order.boss:
        return Done(_BOSS.to(order.language))
    paused = order.state.get("paused")
    if paused == OPTED_OUT:
        return Done(_OPTED_OUT.to(order.language))
    if paused == HANDED_OVER and order.told and not order.broke:
        return Done(_AGAIN.to(order.language), hands_over=True)
    who = order.business.somebody_comes(order.language, order.now, told=order.told, alone=order.broke)
    return Done(_ALL_RIGHT.to(order.language, who=who), hands_over=True)
