"""/help: what the assistant can do."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.texts import Text

_HELP = Text(
    es="Escríbeme con tus palabras y te respondo. También entiendo estos comandos:",
    en="Write to me in your own words and I will answer. I also understand these commands:",
)


class Help(Command):
    description = Text(es="Ver esta ayuda", en="Show this help")

    def run(self, order: Order) -> Done:
        known = ((name, command) for name, command in order.commands.items() if order.admin or not command.admin)
        lines = [f"/{name}: {command.description.to(order.language)}" for name, command in known]
        return Done("\n".join([_HELP.to(order.language), "", *lines]))
