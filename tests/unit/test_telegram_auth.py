"""Who may call Telegram's webhook, and which settings let the channel start."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from bot.channels.telegram import SECRET_HEADER, Telegram, webhook_secret
from bot.errors import Forged, SettingsError
from bot.settings import load_settings
from tests.unit.test_telegram_updates import TELEGRAM, TOKEN, channel

GOOD = TELEGRAM.webhook_secret
BYPASSES: dict[str, dict[str, str]] = {
    "missing": {},
    "empty": {SECRET_HEADER: ""},
    "wrong": {SECRET_HEADER: "0" * 64},
    "prefix": {SECRET_HEADER: GOOD[:-1]},
    "suffix": {SECRET_HEADER: GOOD + "a"},
    "case": {SECRET_HEADER: GOOD.upper()},
    "padded": {SECRET_HEADER: f" {GOOD}"},
    "joined": {SECRET_HEADER: f"{GOOD},{GOOD}"},
    "non-ASCII": {SECRET_HEADER: "contraseña\u2028"},
    "latin-1 bytes": {SECRET_HEADER: GOOD + "\xe9"},
    "half a character": {SECRET_HEADER: "\ud800"},
    "NUL": {SECRET_HEADER: GOOD + "\0"},
    "large": {SECRET_HEADER: "a" * (1 << 20)},
    "the token itself": {SECRET_HEADER: TOKEN},
    "another header": {"Authorization": f"Bearer {GOOD}", "X-Telegram-Bot-Api-Secret": GOOD},
    "WhatsApp's header": {"X-Hub-Signature-256": GOOD},
}


@pytest.mark.parametrize("headers", BYPASSES.values(), ids=BYPASSES.keys())
def test_without_the_secret_nothing_is_read(headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        TELEGRAM.admit(headers)
    with pytest.raises(Forged):
        TELEGRAM.receive(headers, b"not even JSON")


def test_the_channel_is_off_without_a_token() -> None:
    assert Telegram.from_settings(load_settings()) is None


@pytest.mark.parametrize("token", ["abc", "7123", "7123:", ":abc", "7123:a b", "bot7123:abc", "\u0667:abc"])
def test_a_token_of_another_form_is_explained(token: str) -> None:
    with pytest.raises(SettingsError, match=r"TELEGRAM_BOT_TOKEN.*@BotFather"):
        Telegram.from_settings(load_settings(telegram_bot_token=SecretStr(token)))


@pytest.mark.parametrize(
    "secret", ["short", "a" * 40, "Your-Secret-Your-Secret-Your-Secret-12", "con espacios " * 4, "x1yz" * 70]
)
def test_a_weak_secret_does_not_start(secret: str) -> None:
    with pytest.raises(SettingsError, match="TELEGRAM_WEBHOOK_SECRET"):
        channel(telegram_webhook_secret=SecretStr(secret))


def test_a_chosen_secret_is_the_one_that_counts() -> None:
    chosen = "k3Jf_9-" * 5

    channel(telegram_webhook_secret=SecretStr(chosen)).admit({SECRET_HEADER: chosen})


def test_the_derived_secret_depends_on_the_token_and_hides_it() -> None:
    other = webhook_secret(load_settings(telegram_bot_token=SecretStr("7123:" + "other" * 7)))

    assert len(GOOD) == 64
    assert other != GOOD
    assert "AbC" not in GOOD


def test_the_pace_of_each_limit_is_a_setting() -> None:
    found = channel(
        telegram_messages_per_second=10, telegram_chat_messages_per_second=0.5, telegram_group_messages_per_minute=5
    )

    assert [limit[1:] for limit in found.limits("telegram:7123:-100")] == [(10, 1), (2.5, 5), (5, 60)]
