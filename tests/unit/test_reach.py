"""What the doctor says of the way between Telegram and us, each mistake with its way out."""

from __future__ import annotations

from time import time
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from bot.reach import examine, say, way_of
from bot.settings import load_settings
from bot.stores.connection import Store
from bot.stores.poller import Seat
from simulator.telegram import TelegramServer
from tests.unit.polling import ACCOUNT, TOKEN, settings_of, telegram

__all__ = ["telegram"]

PUBLIC = "https://chat.my-shop.com"
URL = f"{PUBLIC}/webhook/telegram"


def found(telegram: TelegramServer, store: Store, **settings: Any) -> dict[str, tuple[bool | None, str]]:
    return {what: (ok, words) for what, ok, words in examine(settings_of(telegram, **settings), store, 0)}


def way_in(telegram: TelegramServer, store: Store, **settings: Any) -> tuple[bool | None, str]:
    return found(telegram, store, **settings)["way in"]


def complain(telegram: TelegramServer, error: str, minutes: float = 1) -> None:
    telegram._last_error = {"last_error_date": int(time() - 60 * minutes), "last_error_message": error}


def test_polling_with_a_poller_is_well(telegram: TelegramServer, store: Store) -> None:
    Seat(store, ACCOUNT, 5).take()

    assert way_in(telegram, store) == (True, "PUBLIC_URL is empty, so Telegram is polled; a poller is running")


def test_polling_without_a_poller_says_how_to_start_one(telegram: TelegramServer, store: Store) -> None:
    ok, words = way_in(telegram, store)

    assert (ok, "python -m bot poll" in words) == (None, True)


def test_a_pollers_trouble_is_told(telegram: TelegramServer, store: Store) -> None:
    """Such as a second poller, which only the poller itself meets."""
    Seat(store, ACCOUNT, 5).report("another program polls this bot")
    ok, words = way_in(telegram, store)

    assert (ok, "another program" in words) == (False, True)


def test_a_webhook_where_it_should_be_polled_is_named(telegram: TelegramServer, store: Store) -> None:
    telegram.webhook_url = URL
    ok, words = way_in(telegram, store)

    assert ok is False
    assert URL in words
    assert "PUBLIC_URL is empty" in words


def test_a_webhook_as_it_should_be_is_well(telegram: TelegramServer, store: Store) -> None:
    telegram.webhook_url = URL

    assert way_in(telegram, store, public_url=PUBLIC) == (True, f"webhook, to {URL}")


def test_a_poller_beside_a_webhook_is_named(telegram: TelegramServer, store: Store) -> None:
    """Each start of it takes the webhook away, and whoever registers that again finds it gone."""
    Seat(store, ACCOUNT, 5).take()
    ok, words = found(telegram, store, public_url=PUBLIC)["two ways in"]

    assert (ok, "stop it" in words) == (False, True)
    store.client.flushdb()
    assert "two ways in" not in found(telegram, store, public_url=PUBLIC)


@pytest.mark.parametrize(
    ("url", "words"), [("", "knows of none"), ("https://old.my-shop.com/x", "https://old.my-shop")]
)
def test_no_webhook_or_another_one_says_how_to_register(
    telegram: TelegramServer, store: Store, url: str, words: str
) -> None:
    telegram.webhook_url = url
    ok, said = way_in(telegram, store, public_url=PUBLIC)

    assert ok is False
    assert words in said
    assert "python -m bot webhook set" in said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("Wrong response from the webhook: 403 Forbidden", "the secrets differ"),
        ("SSL error {certificate verify failed}", "certificate is not valid"),
        ("Connection refused", "nobody listens"),
        ("Read timeout expired", "no answer"),
        ("Wrong response from the webhook: 502 Bad Gateway", "does not find the receiver"),
    ],
)
def test_a_fresh_complaint_of_telegrams_is_explained(
    telegram: TelegramServer, store: Store, error: str, words: str
) -> None:
    telegram.webhook_url = URL
    complain(telegram, error)
    ok, said = way_in(telegram, store, public_url=PUBLIC)

    assert ok is False
    assert words in said


def test_an_old_complaint_with_nothing_waiting_is_over(telegram: TelegramServer, store: Store) -> None:
    telegram.webhook_url = URL
    complain(telegram, "Connection refused", minutes=90)

    assert way_in(telegram, store, public_url=PUBLIC) == (True, f"webhook, to {URL}; the last error was 90 min ago")


def test_what_waits_at_telegram_and_grows_no_less_is_worth_a_look(telegram: TelegramServer, store: Store) -> None:
    telegram.say(555, "hola")
    ok, words = found(telegram, store)["waiting at Telegram"]

    assert (ok, words[:2]) == (None, "1,")


def test_a_wrong_token_is_told_apart_from_a_network_that_is_down(telegram: TelegramServer, store: Store) -> None:
    wrong = settings_of(telegram).model_copy(update={"telegram_bot_token": SecretStr(TOKEN[:-1] + "X")})
    ((_, ok, words),) = examine(wrong, store, 0)
    assert (ok, "@BotFather" in words) == (False, True)
    away = settings_of(telegram).model_copy(update={"telegram_api_url": "http://127.0.0.1:9"})
    ((_, ok, words),) = examine(away, store, 0)
    assert (ok, "not reached" in words) == (False, True)


@pytest.mark.parametrize(
    ("me", "words"),
    [({}, "privacy mode is on"), ({"privacy": False}, "all that is written")],
)
def test_privacy_mode_is_explained(telegram: TelegramServer, store: Store, me: dict[str, bool], words: str) -> None:
    telegram.privacy = me.get("privacy", True)

    assert words in found(telegram, store)["groups"][1]


def test_a_clock_that_is_wrong_is_noticed(
    telegram: TelegramServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.bot_api.time", SimpleNamespace(time=lambda: time() + 90))
    ok, words = found(telegram, store)["clock"]

    assert (ok, "90 s ahead" in words or "91 s ahead" in words) == (None, True)


def test_an_address_that_cannot_work_is_named(telegram: TelegramServer, store: Store) -> None:
    settings = load_settings(telegram_bot_token=telegram.token, public_url="https://chat.my-shop.com:8080")

    assert way_of(settings) == "webhook"
    assert "https://chat.my-shop.com:8080" in say(settings)


def test_telegram_off_is_not_looked_at(store: Store) -> None:
    assert list(examine(load_settings(), store, 0)) == []
    assert "off" in say(load_settings())
