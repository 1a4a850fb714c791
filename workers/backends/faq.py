"""No model at all: answers from the business file, found by the words of the question, and honest about the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, Self

from bot.errors import Rejected
from bot.texts import Language, Text
from workers.backends import Backend
from workers.backends._answer import Answer
from workers.backends._entries import Entry, entries
from workers.backends._words import is_serious, matter, words

if TYPE_CHECKING:
    from bot.business import Business
    from bot.settings import Settings
    from workers.backends import Prompt

SAME_LANGUAGE, OTHER_LANGUAGE, UNTAGGED = 0.15, -0.4, 0.05
WORD_FOR_WORD: Final = 2.0
LONGEST: Final = 4000
"""Characters of a question; who writes more tells a story, and reading it here would keep the others waiting."""

_GREETING = re.compile(
    r"\b(hola+|(muy )?buen[oa]s?( (dia|tarde|noche)s?)?|saludos|que tal( estas| estais)?|como (estas|estais|esta usted)"
    r"|hello|hi|hey|hiya|how are you( doing| today)?|good (morning|afternoon|evening))\b"
)
_THANKS = re.compile(
    r"\b((muchas|mil) gracias|gracias|thank you( very| so)?( much)?|(many )?thanks( a lot)?|thx|ty)\b"
    r"( (por|for) ((la|el|las|los|tu|tus|su|vuestra|todo|the|your) )?\w+$)?"
)
_BYE = re.compile(
    r"\b(adios|chao|chau|hasta (luego|pronto|otra|la vista|manana|el \w+)|nos vemos( \w+)?|(good)?bye( bye)?|good night"
    r"|see (you|ya)( \w+)?|have a (nice|good|great) \w+|que tengas? (un )?buen \w+|buen fin de semana)$"
)
_FINE = re.compile(
    r"\b(ok(ay|ey|i)?|(?<!cuanto )vale|perfect[oa]?|genial|estupendo|de acuerdo|entendido|muy bien|claro|da igual"
    r"|(no quiero )?nada( mas)?|eso es todo|olvidalo|great|fine|cool|nice|sounds good|got it|that s? ?all|never mind"
    r"|jaja\w*|haha\w*|lol)\b"
)
_COURTESY = [_BYE, _THANKS, _GREETING, _FINE]
_KIND_OF_BEING = "(ro)?bot|maquina|machine|ia|ai|humano|humana|human|persona|person|real( person)?|computer|chatgpt"
_WHO = re.compile(
    rf"\b(eres|sois|es usted|esto es|hablo con|hablando con|are you|is this|(talk|speak|chatt)ing (to|with)) .*"
    rf"\b({_KIND_OF_BEING})$|^(robot|bot|(y )?(tu )?quien (eres|es usted)|como te llamas|what( i)?s your name"
    r"|(que|who|what) (eres|are you))$"
)
_SENTENCE = re.compile(r"[^?!¿¡.;\n]+\??")
_AND = re.compile(r",| y | e | and ", re.IGNORECASE)

_HELLO = Text(
    es="¡Hola! Soy el asistente automático{of}. ¿En qué puedo ayudarte?",
    en="Hello! I am the automatic assistant{of}. How can I help you?",
)
_OF = Text(es=" de {name}", en=" of {name}")
_WELCOME = Text(es="¡De nada! Si necesitas algo más, aquí estoy.", en="You are welcome! I am here if you need more.")
_BYE_BYE = Text(es="¡Hasta luego!", en="Goodbye!")
_GLAD = Text(es="¡Perfecto! Si necesitas algo más, aquí estoy.", en="Great! I am here if you need more.")
_ME = Text(es="Soy el asistente automático{of}.", en="I am the automatic assistant{of}.")
_HOW = Text(es="¿En qué puedo ayudarte?", en="How can I help you?")
_UNKNOWN = Text(es="Lo siento, eso no lo sé.", en="Sorry, I do not know that.")
_ASK = Text(es="Puedes preguntarlo aquí: {contact}", en="You can ask here: {contact}")
_REST = Text(es="Lo demás no lo sé.", en="The rest I do not know.")
_EMPTY = Text(
    es="Todavía no tengo información de este negocio, así que no puedo responder preguntas.",
    en="I have no information about this business yet, so I cannot answer questions.",
)


class Faq(Backend):
    """Answers the questions that the business file answers. Needs no model, no key and no network."""

    name = "faq"
    takes_notes: ClassVar[bool] = False
    knows_business: ClassVar[bool] = True

    def __init__(self, business: Business) -> None:
        self._business = business
        self._entries = entries(business)
        self._vocabulary = frozenset(word for entry in self._entries for word in entry.core | entry.support)

    @classmethod
    def from_settings(cls, settings: Settings, business: Business) -> Self:
        return cls(business)

    def stream(self, prompt: Prompt) -> Answer:
        answer = self.answer(prompt.turns[-1].text, prompt.language)
        return Answer(piece for piece in re.findall(r"\s*\S+\s*", answer))

    def answer(self, text: str, language: Language) -> str:
        """The whole answer to what a person wrote."""
        if len(text) <= LONGEST:
            if found := self._found(text, language):
                return "\n\n".join(dict.fromkeys(found))
            if courtesy := self._courtesy(text, language):
                return courtesy
        return f"{_UNKNOWN.to(language)}{self._ask(language)}" if self._entries else _EMPTY.to(language)

    def check(self) -> str:
        if not self._entries:
            raise Rejected("LLM_PROVIDER=faq knows nothing: set BUSINESS_FILE to one with hours and questions.")
        return f"the business file answers {len(self._entries)} kinds of questions"

    def _found(self, text: str, language: Language) -> list[str]:
        """The answers to each sentence; to all of it together when no sentence alone has one.

        Nothing when a part that is not answered is serious: a price beside a complaint is worse than none.
        """
        parts = [(part, self._said(part, language)) for part in _SENTENCE.findall(text)]
        missed = [part for part, said in parts if not said and self._about(part)]
        if any(is_serious(self._about(part)) for part in missed):
            return []
        found = [answer for _, said in parts for answer in said]
        if found and any(part.endswith("?") for part in missed):
            found.append(f"{_REST.to(language)}{self._ask(language)}")
        return found or self._best(text, language)

    def _said(self, part: str, language: Language) -> list[str]:
        """The answer to one sentence, or to all the questions that an "and" joins in it."""
        if _WHO.search(" ".join(words(part))):
            return [_ME.to(language, of=self._of(language))]
        if found := self._best(part, language):
            return found
        joined = [piece for piece in _AND.split(part) if self._about(piece)]
        answers = [self._best(piece, language) for piece in joined]
        if len(joined) < 2 or not all(answers) or is_serious(self._about(part)):
            return []
        return [line for answer in answers for line in answer]

    def _best(self, text: str, language: Language) -> list[str]:
        exact, asked = tuple(words(text)), self._about(text)
        judged = [(_judge(entry, asked, exact, language), entry) for entry in self._entries]
        best, winner = max(judged, key=lambda pair: pair[0], default=(0.0, None))
        if winner is None or best <= 0:
            return []
        alike = [entry for score, entry in judged if winner.service and entry.service and score == best]
        return ["\n".join(dict.fromkeys(entry.answer.to(language) for entry in alike or [winner]))]

    def _about(self, text: str) -> frozenset[str]:
        return matter(_without_courtesy(text), self._vocabulary)

    def _courtesy(self, text: str, language: Language) -> str:
        """The answer to a message that asks for nothing."""
        plain = " ".join(words(text))
        if self._about(text):
            return ""
        answers = (_BYE_BYE, _WELCOME, _HELLO, _GLAD)
        kinds = zip(_COURTESY, answers, strict=True)
        said = next((answer for pattern, answer in kinds if pattern.search(plain)), _HOW)
        return said.to(language, of=self._of(language))

    def _of(self, language: Language) -> str:
        name = self._business.name
        return _OF.to(language, name=name) if name else ""

    def _ask(self, language: Language) -> str:
        contact = self._business.contact
        return f" {_ASK.to(language, contact=contact)}" if contact else ""


def _without_courtesy(text: str) -> str:
    plain = " ".join(words(text))
    for pattern in _COURTESY:
        plain = pattern.sub(" ", plain)
    return plain


def _judge(entry: Entry, asked: frozenset[str], exact: tuple[str, ...], language: Language) -> float:
    """How good an entry is for this question; 0 when it is about something else."""
    agreement = WORD_FOR_WORD if exact and entry.exact == exact else entry.agreement(asked)
    if not agreement or not entry.question:
        return agreement
    return agreement + (
        UNTAGGED if entry.language is None else SAME_LANGUAGE if entry.language == language else OTHER_LANGUAGE
    )
