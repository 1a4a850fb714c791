"""/start: the first thing a person on Telegram sends."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.texts import Text

_HELLO = Text(
    es="¡Hola! Soy el asistente automático{of}. Pregúntame lo que necesites; /help te dice qué más puedo hacer.",
    en="Hello! I am the automatic assistant{of}. Ask me whatever you need; /help tells you what else I can do.",
)
_OF = Text(es=" de {name}", en=" of {name}")


class Start(Command):
    description = Text(es="Saludar", en="Say hello")

    def run(self, order: Order) -> Done:
        name = order.business.name
        return Done(_HELLO.to(order.language, of=_OF.to(order.language, name=name) if name else ""), pauses="")
