"""What several people ask first, in the same words, is thought once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.business import Business
from bot.errors import Unavailable
from bot.message import Message
from bot.opening import Opening
from bot.stores.connection import Store, key
from bot.stores.frequent import FREQUENT
from bot.stores.history import History
from bot.texts import Language
from tests.unit.calendars import Calendar
from tests.unit.mailboxes import ANA, BEA, counted
from tests.unit.shops import ASKED, EVA, LEO, Shop, kept, known_to_two
from tests.unit.worlds import World


@pytest.fixture
def shop(store: Store) -> Shop:
    return Shop(store)


# -- given again ---------------------------------------------------------------------------------------


def test_the_third_who_asks_is_answered_without_the_model(shop: Shop, store: Store) -> None:
    known_to_two(shop)

    assert shop.ask(EVA, "a que hora ABRIS??") == ["A las nueve."]
    assert shop.thought == 2
    assert shop.counts == ["miss", "miss", "stored", "hit"]
    assert [counted(store, f"frequent_{name}") for name in ("hit", "miss", "stored")] == [1, 2, 1]


def test_one_person_alone_leaves_no_answer_and_no_word(shop: Shop, store: Store) -> None:
    """Only that somebody asked something, by hashes that nobody reads without the key."""
    shop.backend.answers = ["A las nueve."]
    shop.ask(ANA)

    (entry,) = store.client.scan_iter(f"{FREQUENT}*")
    left = f"{entry} {store.client.hgetall(entry)}"
    assert kept(store) == []
    assert not [word for word in ("hora", "nueve", ANA, "abr") if word in left]
    shop.ask(ANA, "/reset")
    shop.ask(ANA)
    assert (kept(store), shop.counts) == ([], ["miss"])


def test_a_person_in_two_topics_is_one_person(shop: Shop, store: Store) -> None:
    shop.ask(ANA)
    shop.ask(f"{ANA}:12")

    assert kept(store) == []


def test_an_answer_that_is_given_again_is_remembered_as_said(store: Store) -> None:
    """With its question, and without the notice of who answers, which stands below the first one as below any other."""
    shop = Shop(store, ai_notice=True)
    known_to_two(shop)

    (told,) = shop.ask(EVA)
    assert told.startswith("A las nueve.\n\n")
    said = [(turn.role, turn.text) for turn in History(store).tail(EVA, 0, 1000)]
    assert said == [("user", ASKED), ("assistant", "A las nueve.")]
    shop.ask(EVA, "¿y los domingos?")
    assert [turn.text for turn in shop.backend.prompts[-1].turns[1:3]] == [ASKED, "A las nueve."]


def test_an_answer_that_is_given_again_counts_against_the_quota(store: Store) -> None:
    """As a message; of tokens it costs none."""
    shop = Shop(store, quota_messages_per_day=1)
    known_to_two(shop)
    shop.ask(EVA)

    assert store.client.hmget(key(EVA, "state"), "quota_messages", "quota_tokens") == [b"1", b"0"]
    assert "¿y los domingos?" not in str(shop.ask(EVA, "¿y los domingos?"))
    assert shop.thought == 2


def test_the_log_says_that_it_was_a_frequent_one(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    known_to_two(shop)
    caplog.set_level("INFO", "recado.turn")
    shop.ask(EVA)

    assert [record.outcome for record in caplog.records if record.message == "turn"] == ["frequent"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("hello", ["hola", "¡Buenos días!", "Hello 👋", "hi"])
def test_a_greeting_before_it_changes_nothing(shop: Shop, hello: str) -> None:
    known_to_two(shop)
    shop.ask(EVA, hello)

    assert shop.ask(EVA) == ["A las nueve."]


def test_a_command_before_it_changes_nothing(shop: Shop) -> None:
    known_to_two(shop)
    shop.ask(EVA, "/help")

    assert shop.ask(EVA) == ["A las nueve."]


def test_a_burst_is_one_question(shop: Shop, store: Store) -> None:
    known_to_two(shop, "hola\n¿a qué hora abrís?")
    shop.mailbox.accept([Message("x", EVA, "Hola"), Message("y", EVA, ASKED)])
    shop.answerer.answer(EVA)

    assert (shop.channel.spoken[-1], shop.thought) == ("A las nueve.", 2)


def test_it_needs_no_place_at_a_model_server(shop: Shop) -> None:
    known_to_two(shop)
    shop.served_by("here")
    shop.backend.answers = [Unavailable("down")]

    assert shop.ask(EVA) == ["A las nueve."]


def test_off_by_default(store: Store) -> None:
    world = World(store)
    for number, conversation in enumerate((ANA, BEA, EVA)):
        world.mailbox.accept([Message(f"{number}", conversation, ASKED)])
        world.answerer.answer(conversation)

    assert world.settings.frequent_answers_hours == 0
    assert len(world.backend.prompts) == 3
    assert not list(store.client.scan_iter(f"{FREQUENT}*"))


# -- another question, and another time ----------------------------------------------------------------


@pytest.mark.parametrize("text", ["¿A qué hora no abrís?", "¿A qué hora cerráis?", "¿Abrís a qué hora?"])
def test_another_question_is_thought(shop: Shop, text: str) -> None:
    known_to_two(shop)

    assert shop.ask(EVA, text) == [f"re: {text}"]


@pytest.mark.parametrize("prompt", ["", "Be brief."])
def test_another_language_is_thought(store: Store, prompt: str) -> None:
    """Also where the instructions are the same."""
    shop = Shop(store, system_prompt=prompt, business=Business())
    known_to_two(shop)

    assert shop.ask(EVA, language="es") == [f"re: {ASKED}"]


@pytest.mark.parametrize("languages", [("es", "es"), ("en", "en")])
def test_it_is_the_same_in_both_languages(shop: Shop, languages: tuple[Language, Language]) -> None:
    asked = {"es": ASKED, "en": "What are your hours?"}[languages[0]]
    for one in (ANA, BEA):
        shop.ask(one, asked, language=languages[0])

    assert shop.ask(EVA, asked, language=languages[1]) == [f"re: {asked}"]
    assert shop.thought == 2


def test_another_number_of_the_business_has_answers_of_its_own(shop: Shop) -> None:
    known_to_two(shop)
    shop.ask("fake:8:3")

    assert shop.thought == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"system_prompt": "Eres otro."},
        {"llm_model": "qwen3:4b"},
        {"llm_temperature": 0.1},
        {"business": Business(name="La Espiga", hours="10 a 18")},
        {"telegram_bot_token": "7:another"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_change_of_the_settings_brings_no_old_answer(store: Store, changed: dict[str, Any]) -> None:
    known_to_two(Shop(store))
    shop = Shop(store, **changed)
    shop.number = 10

    assert shop.ask(EVA) == [f"re: {ASKED}"]


def test_another_model_that_somebody_has_chosen_is_asked(shop: Shop, store: Store) -> None:
    known_to_two(shop)
    shop.backend.chooses = True  # type: ignore[misc]
    store.client.hset(key(EVA, "state"), "model", "fake/other")

    assert shop.ask(EVA) == [f"re: {ASKED}"]


def test_the_next_day_it_is_thought_anew_where_the_prompt_has_the_date(store: Store, calendar: Calendar) -> None:
    shop = Shop(store, notes=True)
    known_to_two(shop)
    calendar.turn_over()

    assert shop.ask(EVA) != ["A las nueve."]
    assert shop.thought == 3


def test_what_was_said_while_it_was_open_is_not_said_when_it_is_closed(store: Store, calendar: Calendar) -> None:
    hours: dict[str, Any] = dict.fromkeys(("monday", "tuesday", "saturday", "sunday"), "09:00-14:00")
    shop = Shop(store, notes=True, business=Business(opening=Opening(timezone="UTC", **hours)))
    known_to_two(shop)
    assert shop.ask(EVA) == ["A las nueve."]
    calendar.today += timedelta(hours=4)

    assert shop.ask(LEO) != ["A las nueve."]
    assert shop.thought == 3


def test_it_ends_after_its_hours_and_never_outlives_a_conversation(store: Store) -> None:
    known_to_two(Shop(store, frequent_answers_hours=2))
    (entry,) = store.client.scan_iter(f"{FREQUENT}*")
    assert 7_000_000 < store.client.pttl(entry) <= 7_200_000
    store.client.flushdb()
    known_to_two(Shop(store, frequent_answers_hours=10_000, history_days=3))
    (entry,) = store.client.scan_iter(f"{FREQUENT}*")
    assert store.client.pttl(entry) <= 3 * 86_400_000
