"""Orders in plain words: who writes "STOP", or asks for a person, need not know that there are commands.

A false alarm costs more than a miss, for the model understands what is missed: STOP and BAJA count only as the whole
message, and a request for a person only where the message says nothing else, but that we are of no use.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LONGEST: Final = 240
"""Characters; whoever writes more has more to say."""

_LONGEST_ORDER: Final = 30
_HINTS: Final = (
    "human", "person", "agent", "asesor", "operador", "rep", "emplead", "trabajador", "encargad", "responsable",
    "gerente", "due", "jef", "alguien", "algun", "advisor", "operator", "employee", "manager", "owner", "some", "staff",
    "people", "member",
)  # fmt: skip
"""Without one of these nobody asks for a person: most messages are told so at once, for the receiver is in a hurry."""

_OPT_OUT: Final = frozenset({"stop", "baja", "stop all", "stopall", "unsubscribe", "opt out", "optout"})
_OPT_IN: Final = frozenset({"alta", "unstop", "opt in", "optin"})
_ASKING: Final = frozenset("?¿")
_APOSTROPHES: Final = str.maketrans(dict.fromkeys("'`\u2019\u00b4", " "))
_NO_WORDS: Final = re.compile(r"[\W_]+")
_ORDERS: Final = re.compile(r"[\s.!¡*_~\"'«»“”…-]*([a-z]+(?:[ -][a-z]+)?)[\s.!*_~\"'«»“”…-]*")
"""A word or two, and nothing around them that asks or counts anything."""


def order_in(text: str) -> str:
    """The name of the command that ``text`` is in plain words: baja, alta or humano; empty where it is none."""
    return _opting_in(text) or asking_for_person(text)


def asking_for_person(text: str) -> str:
    """``humano`` where somebody asks for a person and says nothing else, in Spanish or English; else empty."""
    small = text.casefold()
    if len(text) > _LONGEST or not _is_hinted(small) or small.lstrip().startswith("/"):
        return ""
    words = _plain(text)
    if _REQUEST.fullmatch(words):
        return "humano"
    return "humano" if not _ASKING.intersection(text) and _CALL.fullmatch(words) else ""


def _is_hinted(small: str) -> bool:
    for hint in _HINTS:  # noqa: SIM110 - three times as quick as any()
        if hint in small:
            return True
    return False


def _opting_in(text: str) -> str:
    if len(text) > _LONGEST_ORDER:
        return ""
    found = _ORDERS.fullmatch(_folded(text))
    words = found[1].replace("-", " ") if found else ""
    return "baja" if words in _OPT_OUT else "alta" if words in _OPT_IN else ""


def _folded(text: str) -> str:
    """Small letters without accents, whatever form of them was typed."""
    if text.isascii():
        return text.lower()
    spelt = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in spelt if not unicodedata.combining(letter) and letter not in _INVISIBLE)


def _plain(text: str) -> str:
    """The words alone, one space between them."""
    return _NO_WORDS.sub(" ", _folded(text).translate(_APOSTROPHES)).strip()


def _any(*words: str) -> str:
    return f"(?:{'|'.join(words)})"


_INVISIBLE: Final = frozenset("\u200b\u200c\u200d\u2060\ufe0f\ufeff")

_REAL: Final = _any("real", "humana", "humano", "de verdad", "de carne y hueso")
_STAFF: Final = (
    "persona|humano|ser humano|agente|asesora?|operadora?|representante|emplead[oa]|trabajadora?|encargad[oa]|"
    "responsable|gerente|duen[oa]|jef[ea]"
)
_SOMEBODY: Final = _any(
    rf"(?:un |una |el |la |algun |alguna |otra |otro )?(?:{_STAFF})(?: {_REAL})?",
    rf"alguien(?: {_REAL})?",
    rf"algun(?:o|a) de {_any('vosotros', 'vosotras', 'ustedes')}",
)
_OF: Final = (
    "(?: (?:de|del|de la|de tu|de su|de vuestro) "
    "(?:equipo|tienda|empresa|negocio|local|restaurante|soporte|atencion al cliente|personal))?"
)
_WHO: Final = _SOMEBODY + _OF
_WANT: Final = _any(
    "(?:yo )?(?:quiero|quisiera|querria|necesito|prefiero|preferiria|deseo|exijo|solicito)", "me gustaria", "tengo que",
    "(?:como )?(?:puedo|podria|podemos|podriamos)", "(?:como )?se (?:puede|podria)", "(?:seria|es) posible",
    "puede ser",
    "(?:hay|habria) (?:alguna )?(?:forma|manera|posibilidad) de", "dejame", "dejeme", "quiero poder", "preferimos",
    "queremos", "necesitamos",
)  # fmt: skip
_TALK: Final = _any(
    "hablar(?:le)?", "chatear", "conversar", "charlar", "comunicarme", "comunicarnos", "contactar", "tratar",
    "ponerme en contacto", "ser atendid[oa] por", "que me atienda", "que me atiendan",
)  # fmt: skip
_PASS: Final = _any(
    "(?:puedes?|podrias?|podeis|pueden) (?:pasar|poner|comunicar|conectar|transferir|derivar)me",
    "me (?:puedes?|podrias?|podeis|pueden) (?:pasar|poner|comunicar|conectar|transferir|derivar)",
    "me (?:pasas|pasa|pones|pone|comunicas|comunica|conectas|conecta|transfieres|transfiere)",
    "(?:pasa|pase|pon|ponga|comunica|comunique|conecta|conecte|transfiere|transfiera|deriva|derive)me",
    "(?:paseme|pongame|comuniqueme|conecteme|transfierame|deriveme)",
)  # fmt: skip
_SPANISH: Final = _any(
    rf"(?:{_WANT} )?{_TALK} (?:con |a |por )?{_WHO}",
    rf"(?:que )?me (?:atienda|atiende|puede atender|podria atender) {_WHO}",
    rf"{_PASS} (?:con |a ){_WHO}",
    rf"(?:hay|habria) {_WHO} con (?:quien|la que|el que|quien yo) (?:pueda |poder |puedo )?(?:hablar|chatear)",
)
_CALLED: Final = (
    "(?:(?:un|una|el|la|al|a un|a una) )?"
    rf"(?:(?:ser |agente |asesor )?humano|agente|operadora?|asesora?|persona {_REAL})"
)
_SPANISH_CALL: Final = rf"(?:(?:yo )?(?:quiero|quisiera|necesito|prefiero|dame|deme) )?{_CALLED}"

_STAFF_EN: Final = (
    "person|human|human being|agent|operator|representative|rep|advisor|employee|manager|owner|someone|somebody|people|"
    "staff member|member of (?:staff|the team|your team)"
)
_OF_EN: Final = "(?: (?:from|at|in|on) (?:the |your )?(?:team|shop|store|company|support|staff|business|office))?"
_WHO_EN: Final = (
    "(?:a |an |the |some |any |another |your )?(?:(?:real|live|actual|human) )*"
    rf"(?:{_STAFF_EN})(?: (?:real|human|else))?{_OF_EN}"
)
_WANT_EN: Final = _any(
    "i (?:want|need|wish|prefer|would like|d like|d prefer|would prefer|have) to", "(?:i )?wanna",
    "i (?:d|would) rather",
    "(?:how |where )?(?:can|could|may|do) (?:i|we)(?: please)?", "let me", "want to", "need to", "is it possible to",
    "is there (?:a|any) way to", "we (?:want|need|would like) to", "i must", "please let me",
)  # fmt: skip
_ENGLISH: Final = _any(
    rf"(?:{_WANT_EN} )?(?:talk|speak|chat) (?:to|with) {_WHO_EN}",
    "(?:(?:can|could|will|would) you (?:please )?)?(?:connect|transfer|put|pass|hand) me (?:through |over )?"
    rf"(?:to|with) {_WHO_EN}",
    rf"(?:can|could) (?:i|you) (?:please )?(?:get|have|give) (?:me )?{_WHO_EN}",
    rf"is there {_WHO_EN} (?:that |whom? )?(?:i can|i could|to) (?:talk|speak|chat) (?:to|with)",
    rf"i (?:want|need|d like|would like) {_WHO_EN} to (?:help|answer|attend) me",
)
_CALLED_EN: Final = (
    "(?:a |an |the )?(?:(?:real|live|actual) )?(?:human(?: agent| being)?|agent|operator|representative)|"
    "(?:a )?(?:real|live|actual) person"
)
_ENGLISH_CALL: Final = rf"(?:(?:i )?(?:want|need|d like|would like) |(?:get|give) me )?(?:{_CALLED_EN})"

_POLITE: Final = _any(
    "hola", "buenas(?: tardes| noches)?", "buenos dias", "buen dia", "oye", "oiga", "perdon", "perdona", "disculpa",
    "disculpe", "por favor", "porfa", "porfavor", "x favor", "gracias", "muchas gracias", "ya", "ahora", "ahora mismo",
    "mejor", "si", "vale", "ok", "entonces", "pues", "solo", "es que", "mira", "urgente", "cuanto antes", "hi", "hello",
    "hey", "please", "pls", "plz", "thanks", "thank you", "now", "right now", "just", "sorry", "excuse me", "okay",
    "directly", "instead", "yes", "directamente", "no gracias",
)  # fmt: skip
_COMPLAINT: Final = _any(
    "no (?:me |te )?(?:entiendes?|entiendo|enteras?|ayudas?|sirves?|funciona|aclaro)(?: (?:(?:de |para )?nada|bien))?",
    "esto (?:no (?:me )?(?:funciona|sirve|ayuda|vale)(?: (?:de|para) nada)?|es (?:inutil|ridiculo|un desastre))",
    "eres (?:un |una )?(?:inutil|robot|maquina)", "(?:ya )?basta(?: ya)?", "estoy hart[oa]",
    "you (?:don t|do not|can t) (?:understand|get it|help)(?: me)?(?: at all)?",
    "you(?: are|re| re) (?:useless|not helping|(?:a |an? )?(?:bot|robot|machine))",
    "(?:this|that)(?: is| s)? (?:useless|ridiculous|not helping|not working|isn t helping|isn t working|doesn t help|"
    "doesn t work)",
)  # fmt: skip
"""What people say who want a person because of us."""

_ABOUT: Final = r"(?: (?:sobre|acerca de|respecto a|por|para|about|regarding|because|porque) .{1,80})?"

_REQUEST: Final = re.compile(
    rf"(?:{_POLITE} )*(?:{_COMPLAINT} (?:{_POLITE} )*)?{_any(_SPANISH, _ENGLISH)}(?: {_POLITE})*{_ABOUT}"
)
_CALL: Final = re.compile(rf"(?:{_POLITE} )*{_any(_SPANISH_CALL, _ENGLISH_CALL)}(?: {_POLITE})*")
