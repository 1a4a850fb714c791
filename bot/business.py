"""What the assistant knows of the business: the file named by BUSINESS_FILE (TOML)."""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot import texts
from bot.errors import SettingsError
from bot.opening import Opening
from bot.texts import INTRODUCTION, OF_BUSINESS, OF_NAME, REACH_AT, REACH_HERE, REACH_HERE_OR_AT, Language

Line = Annotated[str, Field(min_length=1, max_length=4000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Service(_Part):
    """Something the business sells or does."""

    name: Line
    price: str = ""
    description: str = ""


class Question(_Part):
    """A frequent question and its answer; ``language`` empty: for everybody."""

    question: Line
    answer: Line
    language: Language | None = None


class Business(_Part):
    """A business as its file describes it; every part may be left out."""

    name: str = ""
    description: str = ""
    hours: str = ""
    address: str = ""
    contact: str = ""
    services: tuple[Service, ...] = ()
    faq: tuple[Question, ...] = ()
    opening: Opening | None = None

    def is_closed(self, now: datetime) -> bool:
        """Whether it is closed now; a business that does not say when it is open never is."""
        return self.opening is not None and self.opening.closes(now) is None

    def somebody_comes(self, language: Language, now: datetime, *, told: bool, alone: bool = False) -> str:
        """That a person of the business answers, and when; ``told``: somebody knows of it already, ``alone``: there is
        no assistant to go on with."""
        closed = self.opening.closed_words(now, language) if self.opening and self.is_closed(now) else ""
        who = texts.SOMEBODY_READS if not told else texts.SOMEBODY_LATER if closed else texts.SOMEBODY_TOLD
        reach = REACH_AT.to(language, contact=self.contact.strip()) if self.contact.strip() and not told else ""
        silent = closed and self.opening and not self.opening.answers_when_closed
        go_on = "" if alone or silent else texts.GO_ON.to(language)
        return " ".join(part for part in (closed, who.to(language), reach, go_on) if part)

    def introduction(self, language: Language) -> str:
        """That an automatic assistant answers, which whoever talks to one must be told: Regulation (EU) 2024/1689
        (AI Act), article 50(1), https://eur-lex.europa.eu/eli/reg/2024/1689/oj."""
        name = self.name.strip()
        of = OF_NAME.to(language, name=name) if name else OF_BUSINESS.to(language)
        return INTRODUCTION.to(language, of=of)

    def reach(self, language: Language) -> str:
        """How to reach a person of the business."""
        contact = self.contact.strip()
        return REACH_HERE_OR_AT.to(language, contact=contact) if contact else REACH_HERE.to(language)


def _reason(kind: str, words: str) -> str:
    known = ", ".join(Business.model_fields)
    return f"there is no such part (there are: {known})" if kind == "extra_forbidden" else words


def load_business(path: Path | None) -> Business:
    """Read the business file; an empty business without one.

    Raises SettingsError, which names the line or the part that is wrong.
    """
    if path is None:
        return Business()
    try:
        return Business.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"BUSINESS_FILE: {path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise SettingsError(f"BUSINESS_FILE: {path} is not UTF-8 text; save it again as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"BUSINESS_FILE: {path} is not valid TOML: {error}.") from None
    except ValidationError as error:
        parts = [f"{'.'.join(map(str, e['loc']))}: {_reason(e['type'], e['msg'])}" for e in error.errors()]
        raise SettingsError(f"BUSINESS_FILE: {path}: " + "; ".join(parts)) from None
