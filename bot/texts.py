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
NOT_ADMITTED = Text(
    es="Gracias por escribir. Este asistente solo atiende a quien el negocio ha admitido, así que no puedo contestar.",
    en="Thank you for writing. This assistant serves only those whom the business has let in, so I cannot answer you.",
)
PAIRING = Text(
    es=(
        "¡Hola! Todavía no nos conocemos: alguien del negocio tiene que darte paso. Dale este código, que vale una "
        "hora: {code}. En cuanto lo confirme, te aviso aquí."
    ),
    en=(
        "Hello! We have not met yet: somebody of the business has to let you in. Give them this code, which is good "
        "for an hour: {code}. As soon as they confirm it, I will tell you here."
    ),
)
ADMITTED = Text(
    es="Ya puedes escribirme: el negocio te ha dado paso. ¿En qué te ayudo?",
    en="You may write to me now: the business has let you in. How can I help you?",
)
INTRODUCTION = Text(es="Te responde el asistente automático {of}.", en="The automatic assistant {of} is answering you.")
OF_NAME = Text(es="de {name}", en="of {name}")
OF_BUSINESS = Text(es="de este negocio", en="of this business")
REACH_AT = Text(es="Para hablar con una persona: {contact}", en="To reach a person: {contact}")
REACH_HERE = Text(es="Para hablar con una persona, escribe /humano.", en="To reach a person, write /human.")
REACH_HERE_OR_AT = Text(
    es="Para hablar con una persona: /humano · {contact}", en="To reach a person: /human · {contact}"
)
NO_TEXT = Text(
    es="Por ahora solo entiendo mensajes de texto. ¿Me lo escribes?",
    en="For now I only understand text messages. Could you write it to me?",
)
NOT_UNDERSTOOD = Text(
    es="Eso todavía no lo entiendo. Entiendo {kinds}: ¿me lo dices así?",
    en="I do not understand that yet. I understand {kinds}: could you tell me that way?",
)
TEXT_MESSAGES = Text(es="mensajes de texto", en="text messages")
PHOTOS = Text(es="fotos", en="photos")
VOICE_NOTES = Text(es="notas de voz", en="voice notes")
DOCUMENTS = Text(es="documentos de texto o PDF", en="text or PDF documents")
AND = Text(es="y", en="and")
NO_PHOTOS = Text(
    es="Todavía no puedo ver fotos. Cuéntame con palabras lo que se ve y te ayudo.",
    en="I cannot see photos yet. Tell me in words what is in it and I will help you.",
)
NO_VOICE = Text(
    es="Todavía no puedo escuchar audios. Escríbemelo y te respondo.",
    en="I cannot listen to audio yet. Write it to me and I will answer.",
)
NOT_HEARD = Text(
    es="No he entendido lo que dice el audio. ¿Lo grabas otra vez, o me lo escribes?",
    en="I did not understand what the audio says. Could you record it again, or write it to me?",
)
NO_FILE = Text(
    es="No puedo abrir ese archivo. Puedo leer {kinds}; si me escribes lo que dice, también te ayudo.",
    en="I cannot open that file. I can read {kinds}; if you write me what it says, I will help you too.",
)
NO_FILES = Text(
    es="Todavía no puedo abrir archivos. Escríbeme lo que dice y te ayudo.",
    en="I cannot open files yet. Write me what it says and I will help you.",
)
TOO_LARGE = Text(
    es="Ese archivo es demasiado grande: abro archivos de hasta {megabytes} MB. ¿Me envías uno más pequeño?",
    en="That file is too large: I open files of up to {megabytes} MB. Could you send a smaller one?",
)
NOT_FETCHED = Text(
    es="No he podido abrir lo que has enviado. ¿Me lo mandas otra vez?",
    en="I could not open what you sent. Could you send it again?",
)
TOO_MANY_PHOTOS = Text(
    es="Son muchas fotos para mirarlas de una vez, y no las he visto todas. Envíame las demás de pocas en pocas.",
    en="These are many photos to look at in one go, and I have not seen all. Send me the rest a few at a time.",
)
UNKNOWN_COMMAND = Text(
    es="No conozco el comando /{command}. Escribe /help y te digo qué puedo hacer.",
    en="I do not know the command /{command}. Write /help and I will tell you what I can do.",
)
ADMIN_ONLY = Text(
    es="El comando /{command} es solo para quien lleva este asistente.",
    en="The command /{command} is only for whoever runs this assistant.",
)
SOMEBODY_TOLD = Text(
    es="He avisado a una persona del negocio, que te responderá aquí mismo en cuanto pueda.",
    en="I have told somebody of the business, who will answer you right here as soon as they can.",
)
SOMEBODY_LATER = Text(
    es="He avisado a una persona del negocio, que te responderá aquí mismo cuando abramos.",
    en="I have told somebody of the business, who will answer you right here once we open.",
)
SOMEBODY_READS = Text(
    es="Una persona del negocio te responderá aquí mismo en cuanto lo lea.",
    en="Somebody of the business will answer you right here once they read this.",
)
GO_ON = Text(
    es="Mientras tanto, el asistente automático no contesta. Si prefieres seguir con él, escribe /seguir.",
    en="Meanwhile the automatic assistant does not answer. If you would rather go on with it, write /resume.",
)
SORRY = Text(es="Perdón, no he podido responder a este mensaje.", en="Sorry, I was not able to answer this message.")
OPTED_OUT_HINT = Text(
    es="No te respondo porque me lo pediste. Para volver, escribe /alta.",
    en="I do not answer because you asked me not to. To return, write /alta.",
)
STOP = Text(es="Parar", en="Stop")
STOPPED = Text(es="Respuesta parada.", en="Answer stopped.")
DEFAULT_SYSTEM_PROMPT = Text(
    es=(
        "Eres el asistente de un negocio y atiendes a sus clientes por mensajería. Responde con amabilidad y "
        "brevedad, en el idioma de la persona, y solo a lo que tenga que ver con el negocio: de lo demás, di que no te "
        "ocupas. Si no sabes algo, dilo y ofrece que una persona del negocio responda (para eso se escribe /humano). "
        "No inventes precios, horarios ni condiciones."
    ),
    en=(
        "You are the assistant of a business and serve its customers by chat. Answer kindly and briefly, in the "
        "person's language, and only what has to do with the business: of anything else, say that it is not your task. "
        "If you do not know something, say so and offer that a person of the business will answer (by writing /human). "
        "Never make up prices, opening hours or terms."
    ),
)
