"""What a person reads, in every language we speak. A command's own texts stand in the command's file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

Language = Literal["es", "en"]
LANGUAGES: Final = cast("tuple[Language, ...]", get_args(Language))


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in all languages; leaving one out is a type error. Placeholders are str.format's."""

    es: str
    en: str

    def to(self, language: Language, **values: object) -> str:
        """The sentence in ``language``, its placeholders filled in."""
        sentence: str = getattr(self, language)
        return sentence.format(**values) if values else sentence


def language_of(code: str, default: Language) -> Language:
    """Our language for a platform's code (``en-GB`` is ``en``); ``default`` where we do not speak it."""
    short = cast("Language", code.lower()[:2])
    return short if short in LANGUAGES else default


APOLOGY = Text(
    es="Perdón, no he podido responder a este mensaje. Prueba a decirlo de otra manera, o escribe más tarde.",
    en="Sorry, I could not answer this message. Please try to say it in another way, or write again later.",
)
SLOW = Text(
    es="Ahora mismo tardo más de lo normal. He guardado tu mensaje y te respondo en cuanto pueda.",
    en="I am slower than usual right now. I have kept your message and will answer as soon as I can.",
)
QUOTA = Text(
    es="Por hoy no puedo responder a más mensajes. Los tuyos quedan guardados: escríbeme mañana y seguimos.",
    en="I cannot answer any more messages today. Yours are kept: write to me tomorrow and we go on.",
)
NO_TEXT = Text(
    es="Por ahora solo entiendo mensajes de texto. ¿Me lo escribes?",
    en="For now I only understand text messages. Could you write it to me?",
)
UNKNOWN_COMMAND = Text(
    es="No conozco el comando /{command}. Escribe /help y te digo qué puedo hacer.",
    en="I do not know the command /{command}. Write /help and I will tell you what I can do.",
)
DEFAULT_SYSTEM_PROMPT = Text(
    es=(
        "Eres el asistente de un negocio y atiendes a sus clientes por mensajería. Responde con amabilidad y "
        "brevedad, en el idioma de la persona. Si no sabes algo, dilo y ofrece que una persona del negocio responda. "
        "No inventes precios, horarios ni condiciones."
    ),
    en=(
        "You are the assistant of a business and serve its customers by chat. Answer kindly and briefly, in the "
        "person's language. If you do not know something, say so and offer that a person of the business will answer. "
        "Never make up prices, opening hours or terms."
    ),
)
