"""Opening hours: what the file says, what people read of it, and what the model knows."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.business import Business, load_business
from bot.errors import SettingsError
from bot.opening import Opening
from bot.settings import load_settings
from bot.setup import business_file
from bot.stores.connection import Store
from bot.texts import LANGUAGES
from tests.unit.calendars import Calendar
from tests.unit.talks import remembered
from tests.unit.worlds import World
from workers import context
from workers.silence import CLOSED

THEN = "Please write again then; if you would rather have a person answer you, write /human."

FILE = """
[opening]
timezone = "Europe/Madrid"
monday = "08:00-14:00, 17:00-20:00"
tuesday = "20:00-02:00"
saturday = "00:00-24:00"
holidays = [2026-03-09]
answers_when_closed = false
"""


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    found = load_business(written(tmp_path, FILE)).opening
    assert found
    return found


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "business.toml"
    file.write_text(text)
    return file


def at(text: str) -> datetime:
    """A moment in UTC; in March Madrid is an hour ahead, from the 29th on two."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "closes"),
    [
        ("2026-03-02 06:59", None),
        ("2026-03-02 07:00", "14:00"),
        ("2026-03-02 13:00", None),
        ("2026-03-02 18:59", "20:00"),
        ("2026-03-03 22:00", "02:00"),
        ("2026-03-04 00:59", "02:00"),
        ("2026-03-04 01:00", None),
        ("2026-03-07 22:59", "00:00"),
        ("2026-03-09 08:00", None),
        ("2026-03-30 06:00", "14:00"),
    ],
)
def test_it_is_open_by_the_clock_on_its_wall(opening: Opening, moment: str, closes: str | None) -> None:
    """Breaks, nights, holidays and summer time included."""
    end = opening.closes(at(moment))
    assert (f"{end:%H:%M}" if end else None) == closes


@pytest.mark.parametrize(
    ("moment", "es", "en"),
    [
        ("2026-03-02 06:00", "hoy a las 08:00", "today at 08:00"),
        ("2026-03-02 14:00", "hoy a las 17:00", "today at 17:00"),
        ("2026-03-01 12:00", "mañana a las 08:00", "tomorrow at 08:00"),
        ("2026-03-04 12:00", "el sábado a las 00:00", "on Saturday at 00:00"),
        ("2026-03-08 12:00", "el martes a las 20:00", "on Tuesday at 20:00"),
    ],
)
def test_people_read_when_it_opens_next(opening: Opening, moment: str, es: str, en: str) -> None:
    """The last one is the day before a holiday."""
    now = at(moment)
    assert es in opening.closed_words(now, "es")
    assert en in opening.closed_words(now, "en")


def test_far_away_it_is_a_date() -> None:
    away = Opening.model_validate(
        {"timezone": "Europe/Madrid", "monday": "08:00-14:00", "holidays": ["2026-03-02", "2026-03-09"]}
    )
    assert "el 16/3 a las 08:00" in away.closed_words(at("2026-03-01 12:00"), "es")


def test_who_never_opens_says_only_that_it_is_closed() -> None:
    never = Opening(timezone="UTC")
    assert never.closed_words(at("2026-03-01 12:00"), "es") == "Ahora está cerrado."
    assert never.opens(at("2026-03-01 12:00")) is None


def test_the_business_may_say_it_in_its_own_words() -> None:
    own = Opening.model_validate({"timezone": "UTC", "closed": {"es": "¡Estamos en el campo!"}})
    assert own.closed_words(at("2026-03-01 12:00"), "es") == "¡Estamos en el campo!"
    assert own.closed_words(at("2026-03-01 12:00"), "en") == "We are closed now."


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('timezone = "Europe/Madird"', "no such time zone"),
        ('timezone = "UTC"\nmonday = "8-14"', "is written as"),
        ('timezone = "UTC"\nmonday = "25:00-26:00"', "is written as"),
        ('timezone = "UTC"\nmonday = "08:00-08:00"', "is written as"),
        ('timezone = "UTC"\nmonday = "08:00-14:00, 13:00-20:00"', "overlap"),
        ('timezone = "UTC"\nlunes = "08:00-14:00"', "opening.lunes"),
        ('monday = "08:00-14:00"', "opening.timezone"),
    ],
)
def test_what_is_wrong_in_it_is_said_with_the_way_out(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load_business(written(tmp_path, f"[opening]\n{line}\n"))


def test_the_model_knows_whether_it_is_open_and_the_hours(opening: Opening) -> None:
    """By the business' clock, which may have another day than this machine's."""
    late = at("2026-03-02 23:30")
    assert "martes" in context.note(late, "es", opening)
    assert "cerrado" in context.note(late, "es", opening)
    assert "until 14:00" in context.note(at("2026-03-02 09:00"), "en", opening)
    system = context.system_turn("", Business(opening=opening), "en", len).text
    assert "Monday 08:00-14:00, 17:00-20:00; Tuesday 20:00-02:00; Saturday 00:00-24:00" in system


@pytest.fixture
def shop(store: Store, opening: Opening, calendar: Calendar) -> World:
    """Where nothing is answered outside the hours; it is Sunday noon."""
    world = World(store, default_language="en")
    world.thinker._business = Business(opening=opening)
    return world


def test_who_writes_while_it_is_closed_is_told_so_once(shop: World, store: Store, calendar: Calendar) -> None:
    """No model is asked; what they said is heard, and answered in its place once it is open."""
    assert shop.answer("hello?") == ["We are closed now. We open tomorrow at 08:00. " + THEN]
    assert shop.answer("anybody?") == []
    assert [reason for _, _, reason in remembered(store)] == [CLOSED] * 2
    assert shop.backend.prompts == []

    calendar.today += timedelta(hours=20)
    assert shop.answer("good morning") == ["re: hello?\n\nanybody?\n\ngood morning"]
    calendar.today += timedelta(hours=6)
    assert shop.answer("and now?") == ["We are closed now. We open today at 17:00. " + THEN]


def test_where_nothing_is_answered_nobody_is_sent_back_to_the_assistant(opening: Opening) -> None:
    """Whoever asks for a person reads when one comes, and not that the assistant would go on, for it does not."""
    silent, answering = (opening.model_copy(update={"answers_when_closed": answers}) for answers in (False, True))
    told = [
        Business(opening=one).somebody_comes("en", at("2026-03-01 12:00"), told=False) for one in (silent, answering)
    ]

    assert all("We open tomorrow at 08:00." in words for words in told)
    assert ["/resume" in words for words in told] == [False, True]


def test_own_words_for_being_closed_stand_alone() -> None:
    own = Opening.model_validate({"timezone": "UTC", "monday": "08:00-14:00", "closed": {"es": "¡En el campo!"}})
    assert own.unanswered(at("2026-03-01 12:00"), "es") == "¡En el campo!"
    assert own.unanswered(at("2026-03-01 12:00"), "en").endswith(THEN)


def test_commands_are_obeyed_at_any_hour(shop: World) -> None:
    assert "afresh" in shop.answer("/reset")[0]


def test_a_business_that_answers_at_any_hour_does(store: Store) -> None:
    world = World(store)
    world.thinker._business = Business(opening=Opening(timezone="UTC"))
    assert world.answer("hello?") == ["re: hello?"]


def test_the_example_file_shows_hours_that_can_be_read() -> None:
    example = Path(__file__).parents[2] / "business.example.toml"
    assert load_business(example).opening
    assert load_settings(business_file=example).business_file == example


def test_the_setups_first_file_has_hours_to_be_filled_in() -> None:
    """Without its hashes the part is read as it stands."""
    for language in LANGUAGES:
        text = business_file.render(business_file.Basics("La Espiga"), language)
        part = text[text.index("# [opening]") :].replace("# ", "")
        opening = Business.model_validate(tomllib.loads(text) | tomllib.loads(part)).opening
        assert opening
        assert opening.week("en") == "Monday 09:00-14:00, 17:00-20:00; Saturday 09:00-14:00"
