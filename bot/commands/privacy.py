"""/privacy: what is stored of a person, all of it as a file, and its end."""

from __future__ import annotations

from typing import Final

from bot.commands import Command, Done, Order
from bot.texts import Text

FILE_NAME: Final = "recado.json"

_EXPORT: Final = ("export", "exportar")
_ERASE: Final = ("erase", "borrar")
_YES: Final = ("yes", "sí", "si")

_STORED = Text(
    es=(
        "Guardo lo que nos escribimos aquí y lo que la plataforma dice de ti (tu nombre y tu idioma). "
        "Se borra solo cuando pasan {days} días sin que escribas."
    ),
    en=(
        "I keep what we write to each other here and what the platform tells of you (your name and your language). "
        "It goes by itself when you have not written for {days} days."
    ),
)
_OWN = Text(
    es="Las respuestas las piensa un ordenador del propio negocio: nada de esto sale de él.",
    en="The answers are thought by a computer of the business itself: nothing of this leaves it.",
)
_THEIRS = Text(
    es="Para pensar las respuestas, lo que escribes se envía a {thinker}.",
    en="To think of the answers, what you write is sent to {thinker}.",
)
_HOW = Text(
    es="/privacy export te envía todo lo que guardo de ti. /privacy erase lo borra.",
    en="/privacy export sends you all that I keep of you. /privacy erase erases it.",
)
_FILE = Text(es="Aquí está todo lo que guardo de ti.", en="Here is all that I keep of you.")
_NO_FILES = Text(
    es="Por aquí no puedo enviarte ficheros. Pídeselo al negocio y te lo dará.",
    en="I cannot send you files here. Ask the business for it and you will get it.",
)
_ASK_AT = Text(es=" Contacto: {contact}", en=" Contact: {contact}")
_SURE = Text(
    es="¿Lo borro todo? No se puede deshacer. Si es lo que quieres, escribe: /privacy erase sí",
    en="Shall I erase everything? It cannot be undone. If that is what you want, write: /privacy erase yes",
)
_ERASED = Text(
    es="Hecho: he borrado todo lo que sabía de ti. Gracias por escribir, y hasta siempre.",
    en="Done: I have erased all that I knew of you. Thank you for writing, and goodbye.",
)
_GROUP = Text(
    es="Eso solo lo hago en privado: escríbemelo en nuestra conversación, no en el grupo.",
    en="I only do that in private: write it to me in our own conversation, not in the group.",
)


class Privacy(Command):
    description = Text(es="Qué guardo de ti; export y erase", en="What I keep of you; export and erase")

    def run(self, order: Order) -> Done:
        word = order.words[0].lower() if order.words else ""
        if word not in (*_EXPORT, *_ERASE):
            return Done(_told(order))
        if not order.private:
            return Done(_GROUP.to(order.language))
        return _exported(order) if word in _EXPORT else _erased(order)


def _told(order: Order) -> str:
    who = _THEIRS.to(order.language, thinker=order.thinker) if order.thinker else _OWN.to(order.language)
    return "\n\n".join([_STORED.to(order.language, days=order.days), who, _HOW.to(order.language)])


def _exported(order: Order) -> Done:
    contact = order.business.contact
    ask = _ASK_AT.to(order.language, contact=contact) if contact else ""
    instead = f"{_NO_FILES.to(order.language)}{ask}"
    return Done(_FILE.to(order.language), file=order.export(), file_name=FILE_NAME, instead=instead)


def _erased(order: Order) -> Done:
    if any(word.lower().strip(".!") in _YES for word in order.words[1:]):
        return Done(_ERASED.to(order.language), erases=True)
    return Done(_SURE.to(order.language))
