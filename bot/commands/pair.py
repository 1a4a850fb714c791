"""/pair: the owner lets somebody in who has brought them the assistant's code."""

from __future__ import annotations

import time

from bot.commands import Command, Done, Order
from bot.stores.access import Admission
from bot.texts import ADMITTED, Text, language_of

MOST_WRONG = 10
"""So many codes that are nobody's may be tried in an hour, from one chat."""

WRONG = "wrong_codes"
"""In a conversation's state: the hour of the last wrong code, and how many there were in it."""

_HOW = Text(
    es="Escribe el código detrás, por ejemplo /pair ACDE3467.",
    en="Write the code behind it, for example /pair ACDE3467.",
)
_NOBODYS = Text(
    es="Nadie tiene ese código, o ya ha pasado su hora. Si es así, que esa persona escriba otra vez y recibirá otro.",
    en="Nobody has this code, or its hour is over. If so, let that person write again and they will get another one.",
)
_TOO_MANY = Text(
    es="Demasiados códigos equivocados. Prueba dentro de una hora, o usa `python -m bot access` en el servidor.",
    en="Too many wrong codes. Try in an hour, or use `python -m bot access` on the server.",
)
_LET_IN = Text(
    es="Hecho: {who} ya puede escribir, y se lo digo.",
    en="Done: {who} may write now, and I tell them so.",
)


class Pair(Command):
    description = Text(es="Dar paso a quien te trae un código", en="Let in somebody who brings you a code")
    admin = True

    def run(self, order: Order) -> Done:
        if not order.words:
            return Done(_HOW.to(order.language))
        hour = time.strftime("%Y-%m-%dT%H", time.gmtime())
        known, _, count = order.state.get(WRONG, "").partition(" ")
        wrong = int(count) if known == hour else 0
        if wrong >= MOST_WRONG:
            return Done(_TOO_MANY.to(order.language))
        stranger = order.stranger("".join(order.words))
        if stranger is None:
            return Done(_NOBODYS.to(order.language), notes={WRONG: f"{hour} {wrong + 1}"})
        note = ADMITTED.to(language_of(stranger.language, order.language))
        return Done(_LET_IN.to(order.language, who=stranger.who), admission=Admission(stranger, note))
