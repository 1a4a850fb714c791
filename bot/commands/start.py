"""/start: the first thing a person on Telegram sends, and what a group hears that takes us in."""

from __future__ import annotations

from bot.commands import Command, Done, Order
from bot.texts import Text

_HELLO = Text(
    es="¡Hola! Soy el asistente automático{of}. Pregúntame lo que necesites; /help te dice qué más puedo hacer.",
    en="Hello! I am the automatic assistant{of}. Ask me whatever you need; /help tells you what else I can do.",
)
_IN_A_GROUP = Text(
    es="En este grupo respondo cuando me mencionáis, cuando contestáis a un mensaje mío o cuando usáis un comando.",
    en="In this group I answer when you mention me, when you reply to a message of mine or when you use a command.",
)
_OF = Text(es=" de {name}", en=" of {name}")


class Start(Command):
    description = Text(es="Saludar", en="Say hello")

    def run(self, order: Order) -> Done:
        name = order.business.name
        text = _HELLO.to(order.language, of=_OF.to(order.language, name=name) if name else "")
        if not order.private:
            text = f"{text}\n\n{_IN_A_GROUP.to(order.language)}"
        return Done(text, pauses="", introduces=True)
