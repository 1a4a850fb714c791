"""/stats: how the installation does. The owner's alone."""

from __future__ import annotations

from typing import Final

from bot.commands import Command, Done, Order
from bot.texts import Text

_TITLE = Text(es="Así va todo ahora:", en="This is how things are now:")
_LINES: Final = {
    "answers": Text(es="Respuestas de hoy: {n}", en="Answers today: {n}"),
    "messages": Text(es="Mensajes respondidos hoy: {n}", en="Messages answered today: {n}"),
    "tokens": Text(es="Tokens de hoy: {n}", en="Tokens today: {n}"),
    "conversations": Text(es="Conversaciones con trabajo pendiente: {n}", en="Conversations with work to do: {n}"),
    "overdue": Text(es="De ellas, con retraso: {n}", en="Of these, late: {n}"),
    "waiting_for_model": Text(es="Esperando al modelo: {n}", en="Waiting for the model: {n}"),
    "workers": Text(es="Procesos que responden: {n}", en="Workers: {n}"),
    "dead": Text(es="Conversaciones con mensajes sin responder: {n}", en="Conversations with dead letters: {n}"),
    "unknown": Text(es="Envíos de resultado incierto: {n}", en="Bubbles with an unknown outcome: {n}"),
}


class Stats(Command):
    description = Text(es="Ver cómo va todo", en="See how things are")
    admin = True

    def run(self, order: Order) -> Done:
        figures = order.figures()
        lines = [text.to(order.language, n=figures[name]) for name, text in _LINES.items() if name in figures]
        return Done("\n".join([_TITLE.to(order.language), "", *lines]))
