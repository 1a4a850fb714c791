"""Which language a sentence is in, and every sentence of the product that a person may read, from its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from bot.texts import LANGUAGES, Language

ROOT: Final = Path(__file__).parents[2]
SIDES: Final = ("bot", "workers")
_SPANISH: Final = """
el la los las lo le les un una de del al que con en y o u tu tus te ti me mi se su sus es está están he ha hay soy
por para como cuando donde quien qué cuál esto eso este esta ese más ya aquí ahora ver si sí nada todo volver elegir
escribe escríbeme puedo puedes quieres gracias hola respuesta parar sobre entre hasta sin muy desde
"""
_ENGLISH: Final = """
the an of to and or is are was be been you your yours it its this that these those i my we us our they with for from by
on at in not have has had will would can could do does what which who whom how when where there here now all any more
again please thanks hello answer stop show let get begin as if but so out up
"""
COMMON: Final[dict[Language, frozenset[str]]] = {
    "es": frozenset(_SPANISH.split()),
    "en": frozenset(_ENGLISH.split()),
}
"""Words that one of the languages uses all the time, and the other hardly ever."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_NO_WORDS: Final = re.compile(
    r"\b(?:es|en),? (?:or |o )?(?:es|en)\b|`[^`]*`|https?://\S+|(?<!\w)/\w+|\{\w*\}|\S+@\S+|\S+\.\w{2,4}\b|\b\w*\d\w*\b"
)
LONG_ENOUGH: Final = 12


class Sentence(NamedTuple):
    """One Text in the source."""

    where: str
    es: str
    en: str

    @lru_cache  # noqa: B019 - the sentences are few, and there until the end
    def fragments(self, language: Language) -> list[str]:
        """What stands between its placeholders, if that is long enough to be known by and not in both languages."""
        other = self.en if language == "es" else self.es
        parts = re.split(r"\{\w*\}", self.es if language == "es" else self.en)
        return [part.strip() for part in parts if len(part.strip()) >= LONG_ENOUGH and part.strip() not in other]


def sentences() -> Iterator[Sentence]:
    """Every ``Text(es=…, en=…)`` of words of its own. Raises ValueError for one with a formatted string."""
    for path in sorted(path for side in SIDES for path in (ROOT / side).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text":
                values = {each.arg: each.value for each in node.keywords if each.arg in LANGUAGES}
                own = any(isinstance(each, ast.Constant) for value in values.values() for each in ast.walk(value))
                if own and not any(isinstance(value, ast.Call) for value in values.values()):
                    given = {name: ast.literal_eval(value) for name, value in values.items()}
                    yield Sentence(f"{path.relative_to(ROOT)}:{node.lineno}", given["es"], given["en"])


def language_in(text: str) -> Language | None:
    """The language of which ``text`` has more common words; None where it has as many of both."""
    words = [word.lower() for word in _WORD.findall(_NO_WORDS.sub(" ", text))]
    counts = {language: sum(word in known for word in words) for language, known in COMMON.items()}
    if counts["es"] == counts["en"]:
        return None
    return max(counts, key=lambda language: counts[language])


def foreign(text: str, language: Language, known: list[Sentence]) -> list[str]:
    """What somebody who reads only ``language`` does not understand, sentence by sentence.

    That there are other languages is said in these.
    """
    other: Language = "en" if language == "es" else "es"
    said = [part for part in re.split(r"(?<=[.!?])\s|\n", text) if f"/language {other}" not in part]
    plain = "\n".join(said)
    copied = [words for one in known for words in one.fragments(other) if words in plain]
    return [part for part in said if language_in(part) == other] + copied
