"""/human: as /humano."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.commands.humano import handed_over
from bot.texts import Text


class Human(Command):
    description = Text(es="Hablar con una persona (en inglés)", en="Talk to a person")

    def run(self, order: Order) -> Done:
        return handed_over(order)
