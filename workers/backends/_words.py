"""The words of a short question in Spanish or English, as far as two ways of asking it are alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

_WORD: Final = re.compile(r"\w+")
_SHORTEST_STEM: Final = 3
_LIKE: Final = 0.85


def words(text: str) -> list[str]:
    """The words in lower case, without accents or marks."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


_ENDINGS: Final = sorted(
    words(
        """acion aciones ation ations ando iendo aran eran iran aron ieron aban amos emos imos ados idos adas idas
        ado ido ada ida ar er ir an en as es os a e o s ing ings ed ly"""
    ),
    key=len,
    reverse=True,
)
STOP_WORDS: Final = frozenset(
    words("""
    a al algo algun alguna alguno algunos algunas alla alli ahi ahora aqui aun aunque bien cada como con cual cuales
    cuanta cuantas cuanto cuantos cerca de del desde digo el ella ellos en entonces entre era eres es esa ese eso
    esta estan estas este esto estos estoy favor forma fue ha habra hace hacen hacer hacia han hasta hay he la las le
    les lo los mas me mi mis mismo muy nada ni no nos o os otra otro para pero poder podemos podria podrian podriais
    porfa porfavor por porque pregunta preguntar pueda pueden puede puedes puedo que querer queria quiero quisiera
    saber se sabes sabe sea ser si sin sobre solo somos son soy su sus tambien te tenemos tener tengo teneis tiene
    tienen tienes toda todas todo todos tu tus un una unas unos usted ustedes va vale van ver vosotros voy y ya yo
    dime decir decirme dices gustaria necesito informacion
    am an and any are as at be been but by can could did do does doing for from had has have having he her here him
    his how i if in into is it its just know let like may me might much many my need no not of off on one or our out
    please she should so some tell than that the their them then there these they this those to too up us want wanted
    was we were what which will with would yes you your yours dont im id information ask question
    """)
)
"""What a question is not about."""


def stem(word: str) -> str:
    """A word without its endings: ``abren``, ``abrir`` and ``abre`` are one."""
    while True:
        shorter = next((word.removesuffix(end) for end in _ENDINGS if _can_lose(word, end)), word)
        if shorter == word:
            return word
        word = shorter


def stems(text: str | Iterable[str]) -> frozenset[str]:
    return frozenset(map(stem, words(text) if isinstance(text, str) else text))


def matter(text: str) -> frozenset[str]:
    """The stems of the words that say what a question is about."""
    return stems([word for word in words(text) if len(word) > 1 and word not in STOP_WORDS])


def nearest(word: str, vocabulary: Iterable[str]) -> str:
    """The stem in ``vocabulary`` that ``word`` is, or of which it is a misspelling; itself if there is none."""
    near = [(_likeness(word, known), known) for known in vocabulary]
    likeness, best = max(near, default=(0.0, word))
    return best if likeness >= _LIKE else word


def _can_lose(word: str, ending: str) -> bool:
    return word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM


def _likeness(a: str, b: str) -> float:
    """1 for the same word; misspellings are forgiven towards the end of longer words."""
    if a == b:
        return 1.0
    if min(len(a), len(b)) < 5 or a[:4] != b[:4]:
        return 0.0
    return SequenceMatcher(None, a, b).ratio()
