"""When the business is open: the part ``[opening]`` of the business file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from bot.texts import Language, Text

DAY: Final = 24 * 60
"""Minutes."""

AHEAD_DAYS: Final = 60
"""So far ahead the next opening is looked for: a long holiday."""

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NAMES: Final = Text(
    es="lunes martes miércoles jueves viernes sábado domingo",
    en="Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
)

TODAY = Text(es="hoy a las {time}", en="today at {time}")
TOMORROW = Text(es="mañana a las {time}", en="tomorrow at {time}")
ON_WEEKDAY = Text(es="el {weekday} a las {time}", en="on {weekday} at {time}")
ON_DATE = Text(es="el {day}/{month} a las {time}", en="on {day}/{month} at {time}")
OPEN_NOW = Text(es="Ahora el negocio está abierto, hasta las {time}.", en="The business is open now, until {time}.")
CLOSED_NOW = Text(es="Ahora el negocio está cerrado.", en="The business is closed now.")
CLOSED_UNTIL = Text(es="Ahora está cerrado. Abrimos {when}.", en="We are closed now. We open {when}.")
WRITE_THEN = Text(
    es="Escríbenos entonces; si prefieres que te responda una persona, escribe /humano.",
    en="Please write again then; if you would rather have a person answer you, write /human.",
)
CLOSED = Text(es="Ahora está cerrado.", en="We are closed now.")

_SPAN: Final = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*")
_HOW: Final = 'is written as "08:00-14:00, 17:00-20:00"; leave a day out that is closed'

Spans = tuple[tuple[int, int], ...]


def _spans(value: Any) -> Any:
    """Minutes since midnight, from and to; what ends after midnight ends beyond the day's own minutes."""
    if not isinstance(value, str):
        return value
    found = [_span(part) for part in value.split(",") if part.strip()]
    if any(second[0] < first[1] for first, second in pairwise(found)):
        raise ValueError(f"these hours overlap; a day {_HOW}")
    return tuple(found)


def _span(text: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(text)
    hours = [int(part) for part in match.groups()] if match else []
    if not hours or hours[0] > 23 or hours[2] > 24 or max(hours[1], hours[3]) > 59:
        raise ValueError(f"a day {_HOW}")
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if end > DAY or start == end:
        raise ValueError(f"a day {_HOW}")
    return start, end if end > start else end + DAY


Hours = Annotated[Spans, BeforeValidator(_spans)]
Words = Annotated[str, Field(max_length=1000)]


class Closed(BaseModel):
    """What people read while it is closed, in place of our own words; empty: ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    es: Words = ""
    en: Words = ""


class Opening(BaseModel):
    """The week's hours in the business' own time zone. Without ``answers_when_closed``, people who write while it is
    closed read so, once until it opens, and no model is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str
    monday: Hours = ()
    tuesday: Hours = ()
    wednesday: Hours = ()
    thursday: Hours = ()
    friday: Hours = ()
    saturday: Hours = ()
    sunday: Hours = ()
    holidays: tuple[date, ...] = ()
    closed: Closed = Closed()
    answers_when_closed: bool = True

    @field_validator("timezone")
    @classmethod
    def _must_exist(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError('no such time zone; it is written as "Europe/Madrid" or "America/Bogota"') from None
        return value

    def local(self, now: datetime) -> datetime:
        """The same moment on the business' clock."""
        return now.astimezone(ZoneInfo(self.timezone))

    def closes(self, now: datetime) -> datetime | None:
        """When it closes that is open now; None: it is closed."""
        here = self.local(now)
        for start, end in self._around(here):
            if start <= here < end:
                return end
        return None

    def opens(self, now: datetime) -> datetime | None:
        """When it opens next; None where that is too far away, or never."""
        here = self.local(now)
        return min((start for start, _ in self._around(here, AHEAD_DAYS) if start > here), default=None)

    def note(self, now: datetime, language: Language) -> str:
        """Whether it is open now, for the model."""
        end = self.closes(now)
        return OPEN_NOW.to(language, time=f"{end:%H:%M}") if end else CLOSED_NOW.to(language)

    def closed_words(self, now: datetime, language: Language) -> str:
        """What people read while it is closed."""
        if own := getattr(self.closed, language).strip():
            return str(own)
        opens = self.opens(now)
        return CLOSED_UNTIL.to(language, when=self.when(now, opens, language)) if opens else CLOSED.to(language)

    def unanswered(self, now: datetime, language: Language) -> str:
        """As ``closed_words``, where nothing else comes of what was written."""
        words = self.closed_words(now, language)
        ours = not getattr(self.closed, language).strip() and self.opens(now)
        return f"{words} {WRITE_THEN.to(language)}" if ours else words

    def when(self, now: datetime, then: datetime, language: Language) -> str:
        """A moment to come, in words, as from now."""
        days = (then.date() - self.local(now).date()).days
        weekday = NAMES.to(language).split()[then.weekday()]
        text = TODAY if days == 0 else TOMORROW if days == 1 else ON_WEEKDAY if days < 7 else ON_DATE
        values = {"time": f"{then:%H:%M}", "weekday": weekday, "day": then.day, "month": then.month}
        return text.to(language, **values)

    def week(self, language: Language) -> str:
        """The week's hours in one line."""
        names = NAMES.to(language).split()
        days = zip(names, (self._of(weekday) for weekday in range(7)), strict=True)
        return "; ".join(f"{name} {_words(spans)}" for name, spans in days if spans)

    def _of(self, weekday: int) -> Spans:
        spans: Spans = getattr(self, WEEKDAYS[weekday])
        return spans

    def _around(self, here: datetime, ahead: int = 0) -> Iterator[tuple[datetime, datetime]]:
        """The hours of yesterday, which may go on past midnight, of today, and of so many days more."""
        for offset in range(-1, ahead + 1):
            day = here.date() + timedelta(days=offset)
            for start, end in () if day in self.holidays else self._of(day.weekday()):
                yield _at(day, start, here), _at(day, end, here)


def _at(day: date, minutes: int, like: datetime) -> datetime:
    """So many minutes after a day's midnight, by the clock on the wall."""
    days, rest = divmod(minutes, DAY)
    return datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), like.tzinfo)


def _words(spans: Sequence[tuple[int, int]]) -> str:
    def clock(minutes: int) -> str:
        return f"{minutes // 60 % 24 or 24 * (minutes == DAY):02}:{minutes % 60:02}"

    return ", ".join(f"{clock(start)}-{clock(end)}" for start, end in spans)
