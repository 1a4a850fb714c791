"""What the doctor says of each number as it runs here: holds, the month's cost, and whether the owner is reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot import doctor
from bot.meta import running
from bot.settings import Settings
from bot.stores.connection import Store
from bot.stores.meter import Meter
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer
from tests.unit.polling import TOKEN
from tests.unit.receivers import NUMBER, graph, settings_with

__all__ = ["graph"]

Seen = dict[str, tuple[bool | None, str]]


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer(TOKEN, retry_seconds=0.2) as server:
        yield server


@pytest.fixture
def settings(redis_dir: Path, graph: WhatsAppServer, telegram: TelegramServer) -> Settings:
    return settings_with(redis_dir, graph, telegram_bot_token=TOKEN, telegram_api_url=telegram.url)


def seen(settings: Settings, store: Store, **more: Any) -> Seen:
    found = list(running.examine(settings.changed(**more), store))
    return {what: (ok, words) for what, ok, words in found}


def test_an_owner_who_can_be_told_is_well(settings: Settings, store: Store, telegram: TelegramServer) -> None:
    telegram.say(555, "hola")

    assert seen(settings, store, owner_chat="telegram:555")["owner"] == (
        True, "telegram:555 hears of hand-overs, dead tokens and budgets",
    )  # fmt: skip
    assert [call.params["chat_id"] for call in telegram.calls if call.method == "getChat"] == ["555"]


def test_an_owner_who_never_wrote_to_the_bot_is_told_apart(settings: Settings, store: Store) -> None:
    ok, words = seen(settings, store, owner_chat="telegram:556")["owner"]

    assert (ok, "Has the owner written to the bot?" in words) == (False, True)


def test_an_owner_on_a_channel_that_is_off_is_a_mistake(settings: Settings, store: Store) -> None:
    for chat, off in (("telegram:555", {"telegram_bot_token": SecretStr("")}), ("nobody:", {})):
        ok, words = seen(settings, store, owner_chat=chat, **off)["owner"]

        assert (ok, "OWNER_CHAT" in words) == (False, True)


def test_without_an_owner_the_log_alone_hears_of_trouble(settings: Settings, store: Store) -> None:
    assert seen(settings, store)["owner"][0] is None
    assert "owner" not in seen(settings, store, whatsapp_token=SecretStr(""))


def test_a_number_on_hold_says_since_when_and_why(settings: Settings, store: Store) -> None:
    """The reason is the one with which it began, with its way out."""
    hold = {"since": 0, "until": 60_000, "wait": 60_000, "reason": "the token has expired", "token": "t"}
    store.client.hset(f"recado:hold:whatsapp:{NUMBER}", mapping=hold)  # type: ignore[arg-type]
    store.client.zadd(f"recado:held:whatsapp:{NUMBER}", {f"whatsapp:{NUMBER}:34600111222": 1})
    ok, words = seen(settings, store)[f"on hold: whatsapp:{NUMBER}"]

    assert ok is False
    assert "1 conversations wait, nothing is lost: the token has expired" in words


@pytest.mark.parametrize(
    ("budget", "price", "billed", "ok", "words"),
    [
        (0, 0, 5, True, "no budget"),
        (10, 0, 5, None, "WHATSAPP_PRICE is 0"),
        (10, 1, 5, True, "5.00 of 10"),
        (10, 1, 8, None, "8.00 of 10"),
    ],
)
def test_a_budget_says_how_much_of_it_is_spent(
    settings: Settings, store: Store, *, budget: int, price: int, billed: int, ok: bool | None, words: str
) -> None:
    month = Meter(store, settings)._calendar.month(NUMBER, 0)
    store.client.hset(f"recado:bill:{NUMBER}:{month}", mapping={"billed:service": billed, "free:service": 1000})
    found = seen(settings, store, whatsapp_budget=budget, whatsapp_price=price)[f"cost of {NUMBER}"]

    assert (found[0], words in found[1]) == (ok, True)
    assert "1000 of 1000 free replies used" in found[1]


def test_the_doctor_says_all_of_it_and_hides_nothing_behind_a_mistake(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    """A file of numbers that cannot be read is one finding; the rest is looked at all the same."""
    said = {one.what: one for one in doctor._channels(settings)}
    assert {"WhatsApp token", "WhatsApp callback", "WhatsApp receiver", "owner", f"cost of {NUMBER}"} <= said.keys()
    wrong = list(doctor._guarded("WhatsApp", iter(_raising(settings, tmp_path))))

    assert [one.ok for one in wrong] == [False]
    assert "WHATSAPP_NUMBERS_FILE" in wrong[0].words


def _raising(settings: Settings, tmp_path: Path) -> Iterator[tuple[str, bool | None, str]]:
    found = doctor.examine_meta(settings.changed(whatsapp_numbers_file=tmp_path / "nowhere.toml"))
    yield from ((one.what, one.ok, one.words.en) for one in found)
