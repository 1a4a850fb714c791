"""No model at all: answers from the business file, found by full-text search, and honest about the rest."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Final, Self

from bot.errors import SettingsError
from bot.texts import Language, Text
from workers.backends import Backend
from workers.backends._answer import Answer
from workers.backends._entries import Entry, entries
from workers.backends._words import matter, nearest, words

if TYPE_CHECKING:
    from bot.business import Business
    from bot.settings import Settings
    from workers.backends import Prompt

CANDIDATES: Final = 20
KNOWN: Final = 0.6
"""The share of a question's words that an entry must know, and how well the two must agree: a question
about something else mostly has a word that no entry knows."""
SAME_LANGUAGE, OTHER_LANGUAGE, UNTAGGED = 0.15, -0.3, 0.05

_GREETING = re.compile(
    r"\b(hola+|buen[oa]s? (dia|tarde|noche)s?|buenas|saludos|que tal|hello|hi|hey|good (morning|afternoon|evening))\b"
)
_THANKS = re.compile(r"\b((muchas|mil) gracias|gracias|thank you( very| so)?( much)?|(many )?thanks( a lot)?|thx)\b")
_SENTENCE = re.compile(r"[?!¿¡.;\n]+")

_HELLO = Text(
    es="¡Hola! Soy el asistente automático{of}. ¿En qué puedo ayudarte?",
    en="Hello! I am the automatic assistant{of}. How can I help you?",
)
_OF = Text(es=" de {name}", en=" of {name}")
_WELCOME = Text(es="¡De nada! Si necesitas algo más, aquí estoy.", en="You are welcome! I am here if you need more.")
_HOW = Text(es="¿En qué puedo ayudarte?", en="How can I help you?")
_UNKNOWN = Text(es="Lo siento, eso no lo sé.", en="Sorry, I do not know that.")
_ASK = Text(es="Puedes preguntarlo aquí: {contact}", en="You can ask here: {contact}")
_EMPTY = Text(
    es="Todavía no tengo información de este negocio, así que no puedo responder preguntas.",
    en="I have no information about this business yet, so I cannot answer questions.",
)


class Faq(Backend):
    """Answers the questions that the business file answers. Needs no model, no key and no network."""

    name = "faq"
    takes_notes: ClassVar[bool] = False

    def __init__(self, business: Business) -> None:
        self._business = business
        self._entries = entries(business)
        self._vocabulary = sorted({word for entry in self._entries for word in entry.core | entry.support})
        self._lock = threading.Lock()
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        try:
            self._index.execute("CREATE VIRTUAL TABLE entry USING fts5(core, support)")
        except sqlite3.OperationalError as error:
            raise SettingsError(f"LLM_PROVIDER=faq needs a Python whose sqlite3 has FTS5 ({error}).") from None
        rows = [(" ".join(entry.core), " ".join(entry.support)) for entry in self._entries]
        self._index.executemany("INSERT INTO entry VALUES (?, ?)", rows)

    @classmethod
    def from_settings(cls, settings: Settings, business: Business) -> Self:
        return cls(business)

    def stream(self, prompt: Prompt) -> Answer:
        answer = self.answer(prompt.turns[-1].text, prompt.language)
        return Answer(piece for piece in re.findall(r"\s*\S+\s*", answer))

    def answer(self, text: str, language: Language) -> str:
        """The whole answer to what a person wrote."""
        found = list(dict.fromkeys(self._found(text, language)))
        if found:
            return "\n\n".join(found)
        if courtesy := self._courtesy(text, language):
            return courtesy
        if not self._entries:
            return _EMPTY.to(language)
        contact = self._business.contact
        return " ".join([_UNKNOWN.to(language), *([_ASK.to(language, contact=contact)] if contact else [])])

    def check(self) -> str:
        with self._lock:
            (count,) = self._index.execute("SELECT count(*) FROM entry").fetchone()
        if not count:
            return "the business file answers nothing yet: set BUSINESS_FILE to one with hours, services and questions"
        return f"the business file answers {count} kinds of questions"

    def close(self) -> None:
        with self._lock:
            self._index.close()

    def _found(self, text: str, language: Language) -> Iterator[str]:
        """The answers to each sentence; to all of it together when no sentence alone has one."""
        found = [answer for part in _SENTENCE.split(text) for answer in self._best(part, language)]
        yield from found or self._best(text, language)

    def _best(self, text: str, language: Language) -> list[str]:
        exact = tuple(words(text))
        asked = frozenset(nearest(word, self._vocabulary) for word in matter(_without_courtesy(text)))
        if not exact:
            return []
        judged = [(_judge(entry, asked, exact, language), entry) for entry in self._candidates(asked, exact)]
        best, winner = max(judged, key=lambda pair: pair[0], default=(0.0, None))
        if winner is None or best <= 0:
            return []
        alike = [entry for score, entry in judged if winner.service and entry.service and score == best]
        return ["\n".join(entry.answer.to(language) for entry in alike or [winner])]

    def _candidates(self, asked: frozenset[str], exact: tuple[str, ...]) -> list[Entry]:
        """The entries with any of the words, the best by bm25 first."""
        same = [entry for entry in self._entries if entry.exact == exact]
        if not asked:
            return same
        query = " OR ".join(f'"{word}"' for word in asked)
        with self._lock:
            rows = self._index.execute(
                "SELECT rowid FROM entry WHERE entry MATCH ? ORDER BY bm25(entry, 10.0, 2.0) LIMIT ?",
                (query, CANDIDATES),
            ).fetchall()
        return same + [self._entries[row - 1] for (row,) in rows]

    def _courtesy(self, text: str, language: Language) -> str:
        """The answer to a message that asks for nothing."""
        plain = " ".join(words(text))
        if matter(_without_courtesy(text)):
            return ""
        if _THANKS.search(plain):
            return _WELCOME.to(language)
        name = self._business.name
        hello = _HELLO.to(language, of=_OF.to(language, name=name) if name else "")
        return hello if _GREETING.search(plain) else _HOW.to(language)


def _without_courtesy(text: str) -> str:
    return _THANKS.sub(" ", _GREETING.sub(" ", " ".join(words(text))))


def _judge(entry: Entry, asked: frozenset[str], exact: tuple[str, ...], language: Language) -> float:
    """How good an entry is for this question; 0 when it is about something else."""
    known, agreement = (1.0, 1.5) if entry.exact == exact else entry.match(asked) if asked else (0.0, 0.0)
    if known < KNOWN or agreement < KNOWN:
        return 0.0
    if not entry.covers:
        return agreement
    return agreement + (
        UNTAGGED if entry.language is None else SAME_LANGUAGE if entry.language == language else OTHER_LANGUAGE
    )
