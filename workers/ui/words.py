"""What somebody reads on the chat page that is not the assistant's."""

from __future__ import annotations

from typing import Final

from bot.business import Business
from bot.texts import Language, Text

ASSISTANT: Final = Text(es="Asistente", en="Assistant")
LEAD: Final = Text(
    es="Te responde un asistente automático. Escribe /help para ver qué sabe hacer.",
    en="An automatic assistant is answering you. Write /help to see what it can do.",
)
CONVERSATION: Final = Text(es="Conversación", en="Conversation")
YOU: Final = Text(es="Tú", en="You")
COPY: Final = Text(es="Copiar", en="Copy")
FIELD: Final = Text(es="Tu mensaje", en="Your message")
HINT: Final = Text(es="Escribe aquí…", en="Write here…")
SEND: Final = Text(es="Enviar", en="Send")
AGAIN: Final = Text(es="Responder otra vez", en="Answer again")
CLEAR: Final = Text(es="Empezar de nuevo", en="Start afresh")
ASK: Final = Text(
    es="Pregunta lo que necesites. Por ejemplo:",
    en="Ask whatever you need. For example:",
)
EXAMPLES: Final = (
    Text(es="¿Cuál es el horario?", en="What are your opening hours?"),
    Text(es="¿Qué servicios hay?", en="What services do you offer?"),
    Text(es="Quiero hablar con una persona", en="I would like to talk to a person"),
)
EXAMPLES_MOST: Final = 4

WRITING: Final = Text(es="Escribiendo…", en="Writing…")
KEPT: Final = Text(
    es="Tu mensaje está guardado. La respuesta llega en cuanto se pueda.",
    en="Your message is kept. The answer comes as soon as possible.",
)
NOBODY: Final = Text(
    es=(
        "Tu mensaje está guardado, pero ahora no hay nadie que lo responda. Quien lleva este asistente puede "
        "arrancarlo con: python -m workers run"
    ),
    en=(
        "Your message is kept, but nobody is there to answer it now. Whoever runs this assistant can start it with: "
        "python -m workers run"
    ),
)
AWAY: Final = Text(
    es="El almacén de mensajes no contesta. Nada se ha perdido: la conversación sigue en cuanto vuelva.",
    en="The message store does not answer. Nothing is lost: the conversation goes on as soon as it is back.",
)
NOT_SENT: Final = Text(
    es="No se ha podido guardar tu mensaje, y sigue en el campo. Prueba a enviarlo otra vez dentro de un momento.",
    en="Your message could not be kept, and is still in the field. Please try to send it again in a moment.",
)
NOT_DONE: Final = Text(
    es="Eso no se ha podido hacer. Prueba otra vez dentro de un momento.",
    en="That could not be done. Please try again in a moment.",
)
TOO_LONG: Final = Text(
    es="Ese mensaje es demasiado largo: caben {most} letras. Sigue en el campo.",
    en="That message is too long: there is room for {most} letters. It is still in the field.",
)
GONE: Final = Text(es="La página no contesta", en="The page does not answer")
COMES_BACK: Final = Text(
    es="Se vuelve a cargar sola en cuanto pueda.", en="It loads again by itself as soon as it can."
)
NO_TAB: Final = Text(
    es="Esta página no se ha cargado entera. Vuelve a cargarla.",
    en="This page has not been loaded whole. Please load it again.",
)

OTHER: Final = Text(es="English", en="Español")
DARK: Final = Text(es="Modo oscuro", en="Dark mode")
NO_SCRIPT: Final = Text(es="Esta página necesita JavaScript.", en="This page needs JavaScript.")
PASSWORD: Final = Text(es="Contraseña", en="Password")
ENTER: Final = Text(es="Entrar", en="Enter")
WRONG: Final = Text(
    es="Esa contraseña no es. Espera un momento y prueba otra vez.",
    en="That is not the password. Please wait a moment and try again.",
)


def title(business: Business, language: Language) -> str:
    """What the page is called: the business, where it has a name."""
    return business.name.strip() or ASSISTANT.to(language)


def examples(business: Business, language: Language) -> list[str]:
    """Questions to begin with: the business' own in this language, else general ones.

    One of its entries may ask in several ways; the first is shown.
    """
    own = [one.question for one in business.faq if one.language in {None, language}]
    asked = [one.split("?", 1)[0].strip() + "?" if "?" in one else one.strip() for one in own]
    return list(dict.fromkeys(asked))[:EXAMPLES_MOST] or [one.to(language) for one in EXAMPLES]
