"""/model: which model answers in this conversation. The owner's alone."""

from __future__ import annotations

from typing import Final

from bot.commands import Command, Done, Order
from bot.texts import Text

LISTED: Final = 30
_USUAL: Final = ("default", "predeterminado")

_NOW = Text(es="Aquí responde el modelo {model}.", en="The model {model} answers here.")
_ONLY = Text(es="No hay otro para elegir.", en="There is no other to choose.")
_OTHERS = Text(es="El servidor ofrece: {models}", en="The server offers: {models}")
_HOW = Text(
    es="Para cambiarlo aquí: /model y su nombre. Para volver al de siempre: /model default",
    en="To change it here: /model and its name. To go back to the usual one: /model default",
)
_SET = Text(
    es="De acuerdo, aquí responde ahora el modelo {model}.", en="All right, the model {model} answers here now."
)
_BACK = Text(
    es="De acuerdo, aquí responde otra vez el modelo de siempre.", en="All right, the usual model answers here again."
)
_UNKNOWN = Text(es="El servidor no tiene el modelo {model}.", en="The server does not have the model {model}.")


class Model(Command):
    description = Text(es="Ver o cambiar el modelo que responde", en="Show or change the model that answers")
    admin = True

    def run(self, order: Order) -> Done:
        if not order.chooses:
            return Done(f"{_NOW.to(order.language, model=order.model)} {_ONLY.to(order.language)}")
        if order.words and order.words[0].lower() in _USUAL:
            return Done(_BACK.to(order.language), model="")
        known = list(order.models())
        if not order.words:
            return Done("\n\n".join([_NOW.to(order.language, model=order.model), *_offer(order, known)]))
        wanted = next((name for name in known if name.lower() == order.words[0].lower()), order.words[0])
        if known and wanted not in known:
            return Done("\n\n".join([_UNKNOWN.to(order.language, model=wanted), *_offer(order, known)]))
        return Done(_SET.to(order.language, model=wanted), model=wanted)


def _offer(order: Order, known: list[str]) -> list[str]:
    listed = ", ".join(known[:LISTED])
    return [_OTHERS.to(order.language, models=listed)] * bool(known) + [_HOW.to(order.language)]
