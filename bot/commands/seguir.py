"""/seguir: as /resume."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.commands.resume import resumed
from bot.texts import Text


class Seguir(Command):
    description = Text(es="Seguir con el asistente", en="Go on with the assistant (in Spanish)")

    def run(self, order: Order) -> Done:
        return resumed(order)
