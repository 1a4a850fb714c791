"""Logs: one form for people, one for machines, and no secret in either."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from bot import logs
from bot.logs import pseudonym, redact, setup_logs
from bot.settings import load_settings

TOKEN = "7123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root, key = logging.getLogger(), logs._key
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    logs._key = key


@pytest.mark.parametrize(
    "text",
    [
        f"POST https://api.telegram.org/bot{TOKEN}/sendMessage", f"token {TOKEN}",
        "Authorization: Bearer EAAGm0PX4ZCpsBA", "redis://:hunter2hunter2@localhost:6379/0",
        "amqp://user:hunter2hunter2@host/", "http://hunter2hunter2@gpu1:8000/v1", "redis://:a@hunter2hunter2@host/0",
        "190: Malformed access token EAAGm0PX4ZCpsBO0123456789abcdefghij",
        "https://graph.facebook.com/debug_token?input_token=EAAGm0PX4ZCpsBO0123456789abcdefghij&fields=id",
        "400000000000004|0123456789abcdef0123456789abcdef",
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_not_logged(text: str) -> None:
    for secret in (TOKEN, "EAAGm0PX4ZCpsB", "hunter2", "0123456789abcdef"):
        assert secret not in redact(text)


def test_json_is_one_object_a_line_and_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logs("INFO", "json")
    try:
        raise ValueError(f"cannot reach bot{TOKEN}/getMe")
    except ValueError:
        logging.getLogger("recado.test").exception("failed", extra={"conversation": "abc", "token": TOKEN})
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["event"], line["conversation"]) == ("ERROR", "failed", "abc")
    assert "ValueError" in line["error"]
    assert TOKEN not in json.dumps(line)


def test_text_names_what_belongs_to_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logs("INFO", "text")
    logging.getLogger("recado.test").info("turn", extra={"outcome": "answered"})
    assert "recado.test turn outcome=answered" in capsys.readouterr().err


def test_libraries_that_log_addresses_are_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logs("DEBUG", "text")
    logging.getLogger("httpx").info("HTTP Request: POST https://api.telegram.org/bot%s/getMe", TOKEN)
    assert capsys.readouterr().err == ""


def test_a_pseudonym_is_stable_and_shows_nobody() -> None:
    assert pseudonym("telegram:7:555") == pseudonym("telegram:7:555") != pseudonym("telegram:7:556")
    assert "555" not in pseudonym("telegram:7:555")


def test_a_pseudonym_is_the_installations_own() -> None:
    """Two processes with the same tokens call a conversation the same; whoever has other tokens, otherwise."""
    ours, others = load_settings(telegram_bot_token=SecretStr("a")), load_settings(telegram_bot_token=SecretStr("b"))
    names = []
    for one in (ours, ours, others):
        setup_logs("INFO", "text", one.key())
        names.append(pseudonym("telegram:7:555"))
    assert names[0] == names[1] != names[2]
