"""/reset: begin anew."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.texts import Text

_RESET = Text(
    es="Listo, empezamos de nuevo: he olvidado lo que hablamos hasta ahora.",
    en="Done, we start afresh: I have forgotten what we said so far.",
)


class Reset(Command):
    description = Text(es="Empezar una conversación nueva", en="Begin a new conversation")

    def run(self, order: Order) -> Done:
        return Done(_RESET.to(order.language), clears=True)
