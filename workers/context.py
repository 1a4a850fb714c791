"""What the model is shown: the stable part first, the volatile part last, and never more than fits.

Servers keep what they computed for the beginning of a prompt and use it again for the next one that
begins alike. So nothing before the newest turn changes from turn to turn, and what no longer fits
goes in one large step, not a little each turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Final

from bot.business import Business
from bot.message import Turn
from bot.opening import Opening
from bot.texts import DEFAULT_SYSTEM_PROMPT, Language, Text
from workers.backends import IMAGE_TOKENS

KEPT_SHARE: Final = 0.6
"""A cut leaves so much of the budget filled."""
SYSTEM_SHARE: Final = 0.75
"""The system turn may fill so much of the budget; the rest is the person's."""
ELLIPSIS: Final = " […] "

Count = Callable[[str], int]

_FACTS = Text(es="# Lo que sabes del negocio", en="# What you know about the business")
_SERVICES = Text(es="## Servicios", en="## Services")
_QUESTIONS = Text(es="## Preguntas frecuentes", en="## Frequent questions")
_NAME = Text(es="Nombre", en="Name")
_DESCRIPTION = Text(es="Descripción", en="Description")
_HOURS = Text(es="Horario", en="Opening hours")
_ADDRESS = Text(es="Dirección", en="Address")
_CONTACT = Text(es="Contacto", en="Contact")
_TODAY = Text(es="Hoy es {weekday}, {day} de {month} de {year}.", en="Today is {weekday}, {day} {month} {year}.")
_WEEKDAYS = Text(
    es="lunes martes miércoles jueves viernes sábado domingo",
    en="Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
)
_MONTHS = Text(
    es="enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    en="January February March April May June July August September October November December",
)


@dataclass(frozen=True, slots=True)
class Fit:
    """A prompt that fits: its turns, and the number of the oldest turn that the next prompt begins with."""

    turns: tuple[Turn, ...]
    window: int


def system_turn(settings_prompt: str, business: Business, language: Language, count: Count) -> Turn:
    """Who the assistant is, and what it knows of the business, as Markdown."""
    facts = _facts(business, language)
    text = settings_prompt.strip() or DEFAULT_SYSTEM_PROMPT.to(language)
    text = "\n\n".join([text, _FACTS.to(language), *facts]) if facts else text
    return Turn("system", text, count(text))


def note(now: datetime, language: Language, opening: Opening | None = None) -> str:
    """Today's date in words, and whether it is open now: what changes, and therefore stands in the newest turn."""
    today = _today(opening.local(now) if opening else now, language)
    return f"{today} {opening.note(now, language)}" if opening else today


def _today(now: datetime, language: Language) -> str:
    return _TODAY.to(
        language,
        weekday=_WEEKDAYS.to(language).split()[now.weekday()],
        day=now.day,
        month=_MONTHS.to(language).split()[now.month - 1],
        year=now.year,
    )


def fit(system: Turn, past: Sequence[Turn], asked: Turn, *, window: int, budget: int, count: Count) -> Fit:
    """Lay out a prompt of at most ``budget`` tokens.

    ``past`` is oldest first; of it, turns numbered below ``window`` are left out. When the rest is too
    much, the oldest whole turns go until 60 % of the budget is filled, and the window moves to the
    oldest that stays. ``tokens`` of each turn counts its ``prompt`` and its images; ``count`` is asked only for a text
    that has to be shortened.
    """
    system = _shortened(system, int(budget * SYSTEM_SHARE), count)
    asked = _shortened(asked, budget - system.tokens, count)
    room = budget - system.tokens - asked.tokens
    kept = [turn for turn in past if turn.number >= window]
    if _total(kept) > room:
        goal = int(budget * KEPT_SHARE) - system.tokens - asked.tokens
        kept = _newest(kept, goal)
        window = kept[0].number if kept else asked.number or max(turn.number for turn in past) + 1
    return Fit((system, *_alternating([*kept, asked])), window)


def _newest(turns: list[Turn], goal: int) -> list[Turn]:
    """The newest whole turns (all that bear one number) which together have at most ``goal`` tokens."""
    starts = [0, *(place for place, (a, b) in enumerate(pairwise(turns), 1) if a.number != b.number)]
    fitting = (turns[start:] for start in starts if _total(turns[start:]) <= goal)
    return next(fitting, [])


def _alternating(turns: Iterable[Turn]) -> list[Turn]:
    """Question, answer, question: many models take nothing else. Neighbours of one role become one turn."""
    laid: list[Turn] = []
    for turn in turns:
        if laid and laid[-1].role == turn.role:
            before = laid.pop()
            text = f"{before.text}\n\n{turn.text}"
            laid.append(replace(turn, text=text, tokens=before.tokens + turn.tokens))
        elif laid or turn.role == "user":
            laid.append(turn)
    return laid


def _shortened(turn: Turn, room: int, count: Count) -> Turn:
    """The turn, or its beginning and its end with a mark between them, so that it has ``room`` tokens."""
    if turn.tokens <= room:
        return turn
    if seen := IMAGE_TOKENS * len(turn.images):
        shorter = _shortened(replace(turn, images=(), tokens=turn.tokens - seen), room - seen, count)
        return replace(shorter, images=turn.images, tokens=shorter.tokens + seen)
    fitting, low, high = replace(turn, text=ELLIPSIS.strip(), note="", tokens=0), 0, len(turn.text) // 2
    while low <= high:
        middle = (low + high) // 2
        text = turn.text[:middle].rstrip() + ELLIPSIS + turn.text[len(turn.text) - middle :].lstrip()
        shorter = replace(turn, text=text)
        if (tokens := count(shorter.prompt)) <= room:
            fitting, low = replace(shorter, tokens=tokens), middle + 1
        else:
            high = middle - 1
    return fitting if fitting.tokens else replace(fitting, tokens=min(count(fitting.prompt), max(room, 0)))


def _total(turns: Iterable[Turn]) -> int:
    return sum(turn.tokens for turn in turns)


def _facts(business: Business, language: Language) -> list[str]:
    """The business file's parts that are there, each a paragraph or a list."""
    lines = [
        f"- **{name.to(language)}**: {value.strip()}"
        for name, value in (
            (_NAME, business.name),
            (_DESCRIPTION, business.description),
            (_HOURS, business.hours or (business.opening.week(language) if business.opening else "")),
            (_ADDRESS, business.address),
            (_CONTACT, business.contact),
        )
        if value.strip()
    ]
    services = [
        f"- **{service.name}**" + "".join(f", {part.strip()}" for part in (service.price, service.description) if part)
        for service in business.services
    ]
    questions = [
        f"- **{entry.question}** {entry.answer}" for entry in business.faq if entry.language in (None, language)
    ]
    lists = (
        (lines, ""),
        (services, _SERVICES.to(language)),
        (questions, _QUESTIONS.to(language)),
    )
    return ["\n".join([title, *items] if title else items) for items, title in lists if items]
