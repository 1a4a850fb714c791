"""/language: in which language a person is spoken to."""

from __future__ import annotations

from typing import Final

from bot.commands import Command, Done, Order
from bot.texts import LANGUAGES, Language, Text

_NAMES: Final = {
    "es": "es", "español": "es", "espanol": "es", "castellano": "es", "spanish": "es",
    "en": "en", "english": "en", "inglés": "en", "ingles": "en",
}  # fmt: skip
_NOW = Text(
    es="Te hablo en español. For English: /language en",
    en="I speak English to you. Para español: /language es",
)
_SET = Text(
    es="De acuerdo, a partir de ahora te hablo en español.", en="All right, from now on I speak English to you."
)
_UNKNOWN = Text(
    es="Ese idioma no lo hablo todavía. Puedes elegir: /language es o /language en",
    en="I do not speak that language yet. You can choose: /language es or /language en",
)


class SetLanguage(Command):
    description = Text(es="Elegir el idioma: es o en", en="Choose the language: es or en")

    def run(self, order: Order) -> Done:
        if not order.words:
            return Done(_NOW.to(order.language))
        wanted = _language(order.words[0])
        if wanted is None:
            return Done(_UNKNOWN.to(order.language))
        return Done(_SET.to(wanted), language=wanted)


def _language(word: str) -> Language | None:
    code = _NAMES.get(word.lower().strip("."))
    return next((language for language in LANGUAGES if language == code), None)
