"""Frequent questions: what several people ask first, and in the same words, is thought once.

Only a question that opens its conversation has an answer that is anybody's: nothing was said before it, and nothing
in it is its person's own. Its answer is known by all that stands in its prompt.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final, Literal, NamedTuple

from bot import texts
from bot.business import Business
from bot.errors import StoreUnavailable
from bot.message import Conversation, Message, Turn
from bot.settings import Settings
from bot.stores import frequent, quota
from bot.stores.connection import Store
from bot.stores.history import History
from bot.stores.quota import Spent
from bot.stores.taken import Think
from bot.texts import Language
from workers import context
from workers.backends import Backend
from workers.held import Held
from workers.thought import Thought

OUTCOME: Final = "frequent"
"""What a turn was whose answer was known."""

LONGEST: Final = 200
"""Characters of a question; who writes more tells a story of their own."""

_ANSWER_MOST: Final = 8000
_PAST_TOKENS: Final = 400
"""More has been said before than a greeting and its answer."""

_TILDE: Final = "\u0303"
_ACCENTS: Final = frozenset(map(chr, range(0x300, 0x332)))
"""Other marks may be letters (U+0363 and on) or hidden bytes (variation selectors): they make it another question."""
_VARIANTS: Final = "\ufe0e\ufe0f"
_NEGATIONS: Final = frozenset({
    "no", "ni", "nunca", "jamas", "nada", "nadie", "ninguno", "ninguna", "ningun", "tampoco", "sin", "excepto", "salvo",
    "not", "nor", "non", "never", "none", "nobody", "nothing", "nowhere", "neither", "without", "except", "t", "cannot",
    "cant", "dont", "isnt", "arent", "wont", "doesnt",
})  # fmt: skip
"""Where one of these stands, a comma may turn the meaning round: *no, quiero* and *no quiero*."""
_GREETING: Final = re.compile(
    r"(?:(?:hola|saludos|buen[oa]s?|dias?|tardes?|noches?|que tal|hello|hi|hey|good|morning|afternoon|evening)(?: |$))+"
)
_LINK: Final = re.compile(r"@|://|\w[.]\w")
_SHAPING: Final = (
    "llm_provider", "llm_model", "llm_temperature", "llm_top_p", "llm_repetition_penalty", "llm_stop", "llm_adapter",
    "llm_revision", "llm_quantization", "llm_sliding_window", "context_tokens", "reply_tokens",
)  # fmt: skip
"""The settings that change what a model says."""

Outcome = Literal["hit", "miss", "stored"]

log = logging.getLogger("recado.turn")


def normalised(text: str) -> str:
    """The same for two questions that differ in case, accents, punctuation and spaces alone.

    No word and no digit is lost and none moves; ñ is no n with an accent, and beside a negation punctuation is kept.
    """
    found = [word for word in "".join(_letters(_folded(text))).split() if word]
    words = [word for word in found if word != ","]
    if _NEGATIONS.isdisjoint(words):
        return " ".join(words)
    return re.sub(r"(?:, )+,", ",", " ".join(found)).strip(" ,")


def _folded(text: str) -> str:
    """Without case, as the Unicode Standard compares (3.13, D146), each letter apart from its accents."""
    folded = unicodedata.normalize("NFD", text)
    for _ in range(2):
        folded = unicodedata.normalize("NFKD", folded.casefold())
    return folded


def _letters(folded: str) -> list[str]:
    """Letters, digits and signs; a comma for whatever punctuates, and a space for the rest."""
    found, base = [], ""
    for letter in folded:
        kind = unicodedata.category(letter)[0]
        if kind == "M":
            is_accent = letter in _ACCENTS and base.isascii() and base.isalpha() and (base, letter) != ("n", _TILDE)
            found += [] if is_accent or letter in _VARIANTS else [letter]
            continue
        base = letter
        found.append(letter if kind in "LNS" else " , " if kind == "P" else " ")
    return found


def _is_hidden(letter: str) -> bool:
    """What nobody sees and a model may read, such as Unicode's tags: under a plain question it would shape the answer
    that is kept for everybody (https://www.unicode.org/charts/PDF/UE0000.pdf)."""
    return unicodedata.category(letter)[0] == "C" and not letter.isspace()


def is_anybodys(text: str, person: str) -> bool:
    """Whether nothing in a question is its ``person``'s own: no number, address, link, nor their name."""
    words = normalised(text)
    if not words or len(text) > LONGEST or _LINK.search(text):
        return False
    if any(letter.isnumeric() for letter in text + words) or any(map(_is_hidden, text)):
        return False
    return set(words.split()).isdisjoint(normalised(person).split())


class Asking(NamedTuple):
    """A turn and what its prompt says besides: in which ``language`` and to which ``model``, at what time."""

    task: Think
    language: Language
    model: str
    now: datetime


class Frequent:
    """The answers that are given again, for one business. Methods raise StoreUnavailable where they say so.

    ``count`` is told of each question that was looked up, once its turn is committed.
    """

    def __init__(
        self, settings: Settings, store: Store, *, business: Business, backend: Backend,
        count: Callable[[Outcome], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._settings, self._store, self._history = settings, store, History(store)
        self._business, self._backend, self._count = business, backend, count
        self._seconds = 3600 * min(settings.frequent_answers_hours, settings.history_days * 24)
        self._shape = repr([getattr(settings, name) for name in _SHAPING])
        self._systems = {
            language: context.system_turn(settings.system_prompt, business, language, len).text
            for language in texts.LANGUAGES
        }

    def known(self, asking: Asking) -> Thought | None:
        """The answer that others were given; None where a model is to be asked. Raises StoreUnavailable."""
        batch = asking.task.batch
        if not self._opens(asking.task):
            return None
        text = frequent.answer(self._store, self._question(asking, batch.text))
        if not text:
            return None
        count = self._backend.count_tokens
        asked = Turn("user", batch.text, count(batch.text), batch.turn)
        answer = Turn("assistant", text, count(text), batch.turn)
        spent = Spent(asking.now.date().isoformat(), 0, quota.people(batch.messages))
        return Thought(text, (asked, answer), outcome=OUTCOME, spent=spent, after=self._given)

    def kept(self, held: Held, asking: Asking, thought: Thought, *, again: str = "") -> Thought:
        """A model's answer, which may be given again once its turn is committed. That of a question that is thought
        ``again`` at somebody's wish is nobody else's, and nobody is given the old one any more.

        Raises StoreUnavailable.
        """
        batch, text = asking.task.batch, thought.text
        if again:
            return replace(thought, after=partial(self._drop, self._question(asking, again)))
        if thought.stopped or held.figures.cut or len(text) > _ANSWER_MOST or not self._opens(asking.task):
            return thought
        question = self._question(asking, batch.text)
        return replace(thought, after=partial(self._keep, question, batch.messages[0].conversation, text))

    def _opens(self, task: Think) -> bool:
        """Whether this is a question that opens a conversation, and that anybody might have asked."""
        batch, chat = task.batch, Conversation.parse(task.batch.messages[0].conversation).chat
        if batch.group or chat.startswith("-") or task.state.get("revision") or not all(map(_is_plain, batch.messages)):
            return False
        if {message.sender for message in batch.messages} - {"", chat}:
            return False
        person = " ".join(message.person for message in batch.messages)
        return is_anybodys(batch.text, person) and self._is_new(batch.messages[0].conversation)

    def _is_new(self, conversation: str) -> bool:
        """Whether nothing but a greeting was said before."""
        past = self._history.tail(conversation, 0, _PAST_TOKENS)
        greeted = {turn.number for turn in past if _is_greeting(turn)}
        return all(turn.number in greeted for turn in past) and sum(turn.tokens for turn in past) <= _PAST_TOKENS

    def _question(self, asking: Asking, text: str) -> str:
        """A keyed hash of the question and of all else that is in its prompt, with who answers it."""
        channel, account, *_ = Conversation.parse(asking.task.batch.messages[0].conversation)
        language = asking.language
        note = context.note(asking.now, language, self._business.opening) if self._backend.takes_notes else ""
        who = [channel, account, self._backend.name, asking.model, self._shape]
        whole = json.dumps([*who, language, self._systems[language], note, normalised(text)])
        return hashlib.blake2b(whole.encode(), key=self._settings.key(), digest_size=16).hexdigest()

    def _given(self) -> None:
        self._quietly(lambda: frequent.given(self._store))
        self._count("hit")

    def _drop(self, question: str) -> None:
        self._quietly(lambda: frequent.drop(self._store, question))

    def _keep(self, question: str, conversation: str, text: str) -> None:
        became = self._quietly(lambda: frequent.keep(self._store, question, conversation, text, self._seconds))
        if became in {"asked", "stored", "had"}:
            self._count("miss")
        if became == "stored":
            self._count("stored")

    def _quietly(self, step: Callable[[], str | None]) -> str | None:
        """The turn is over already: what cannot be noted of it now is not missed."""
        try:
            return step()
        except StoreUnavailable as error:
            log.warning("a frequent answer was not noted: %s", error)
            return None


def _is_plain(message: Message) -> bool:
    """Whether it is words that were typed here, and nothing else."""
    more = (message.attachments, message.reply_to, message.quoted, message.called, message.command, message.replaces,
            message.revokes, message.pressed, message.ours, message.album)  # fmt: skip
    return message.addressed and not any(more)


def _is_greeting(turn: Turn) -> bool:
    """Whether it is a greeting and, at most, pictures: it is in the prompt of what is asked next."""
    if turn.role != "user" or any(map(_is_hidden, turn.text)):
        return False
    words = "".join(letter for letter in normalised(turn.text) if not _is_picture(letter))
    return bool(_GREETING.fullmatch(" ".join(words.split())))


def _is_picture(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "S" and not "\U0001f100" <= letter <= "\U0001f1ff"  # those are letters
