"""Calls of the Bot API: what goes wrong is said with the way out, and never with the token."""

from __future__ import annotations

import pytest

from bot.bot_api import BotApi
from bot.errors import ApiError
from simulator.bot_api import WORDS_OF_CONFLICT
from simulator.ports import free_port
from simulator.telegram import TelegramServer
from tests.unit.polling import TOKEN, telegram

__all__ = ["telegram"]


def call(url: str, token: str = TOKEN) -> ApiError:
    with BotApi(token, url) as api, pytest.raises(ApiError) as error:
        api.call("getMe")
    assert token not in str(error.value)
    assert error.value.__cause__ is None
    return error.value


def test_an_answer_is_given_back_and_shows_telegrams_clock(telegram: TelegramServer) -> None:
    with BotApi(TOKEN, telegram.url) as api:
        assert api.skew is None
        assert api.call("getMe")["username"] == "recado_bot"
        assert api.skew is not None
        assert abs(api.skew) < 5


@pytest.mark.parametrize(
    ("status", "description", "words"),
    [
        (401, "Unauthorized", "@BotFather"),
        (404, "Not Found", "not a whole token"),
        (409, WORDS_OF_CONFLICT["webhook"], "python -m bot webhook delete"),
        (409, WORDS_OF_CONFLICT["another"], "/revoke"),
        (409, WORDS_OF_CONFLICT["webhook set"], "a webhook is set"),
        (409, "Conflict: something new", "something new"),
        (500, "Internal Server Error", "trouble of its own"),
        (400, "Bad Request: bad webhook", "Telegram refuses"),
    ],
)
def test_a_refusal_says_what_to_do(telegram: TelegramServer, status: int, description: str, words: str) -> None:
    telegram.fail_next("getMe", status, {"ok": False, "error_code": status, "description": description})
    error = call(telegram.url)

    assert words in str(error)
    assert (error.code, error.description) == (status, description)


def test_a_pause_is_given_in_seconds(telegram: TelegramServer) -> None:
    body = {"ok": False, "description": "Too Many Requests: retry after 7", "parameters": {"retry_after": 7}}
    telegram.fail_next("getMe", 429, body)
    error = call(telegram.url)

    assert (error.code, error.retry_after) == (429, 7)
    assert "7 s" in str(error)


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[1]", b"\xff"])
def test_what_is_no_bot_api_is_named(telegram: TelegramServer, body: bytes) -> None:
    telegram.fail_next("getMe", 200, body)

    assert "TELEGRAM_API_URL" in str(call(telegram.url))


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "ftp://127.0.0.1", "http://[::1"])
def test_an_address_that_nobody_reaches_is_named(url: str) -> None:
    assert "TELEGRAM_API_URL" in str(error := call(url.format(port=free_port())))
    assert error.code == 0


def test_a_cut_connection_is_not_reached(telegram: TelegramServer) -> None:
    telegram.fail_next("getMe", 0)

    assert "was not reached" in str(call(telegram.url))
