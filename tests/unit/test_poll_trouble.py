"""What is in a poller's way: named for the operator, and waited out."""

from __future__ import annotations

import json
import time
from functools import partial

import pytest

from bot import poll
from bot.errors import ApiError
from bot.stores.connection import Store
from bot.stores.poller import Seat
from simulator.bot_api import WORDS_OF_CONFLICT
from simulator.processes import wait_until
from simulator.telegram import TelegramServer
from tests.unit.polling import ACCOUNT, TOKEN, asked, kept, poller_of, polling, run, telegram

__all__ = ["telegram"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [("webhook", "python -m bot webhook delete"), ("another", "another program polls this bot")],
)
def test_a_conflict_is_explained_and_tried_again(
    telegram: TelegramServer, store: Store, reason: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The doctor is told too, until it is over."""
    body = {"ok": False, "error_code": 409, "description": WORDS_OF_CONFLICT[reason]}
    telegram.fail_next("getUpdates", 409, body, times=2)
    seat, seen = Seat(store, ACCOUNT, 5), set()

    def over() -> bool:
        seen.add(seat.trouble())
        return bool(kept(store, 555))

    with polling(telegram, store):
        telegram.say(555, "hola")
        assert wait_until(over, 10)
        assert wait_until(lambda: not seat.trouble(), 10)
    assert words in caplog.text
    assert any(words in trouble for trouble in seen)


@pytest.mark.parametrize("status", [429, 500, 502, 0])
def test_trouble_that_passes_is_waited_out(telegram: TelegramServer, store: Store, status: int) -> None:
    body = (
        {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 1}} if status == 429 else None
    )
    telegram.fail_next("getUpdates", status, body, times=2 if status != 429 else 1)
    with polling(telegram, store):
        telegram.say(555, "hola")
        assert wait_until(lambda: kept(store, 555) == ["hola"], 10)


def test_a_pause_that_telegram_asks_for_is_kept(telegram: TelegramServer, store: Store) -> None:
    body = {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 1}}
    telegram.fail_next("getUpdates", 429, body)
    with polling(telegram, store):
        assert telegram.wait_until(lambda: len(asked(telegram, "getUpdates")) == 2)
    first, second, *_ = (call.time for call in telegram.calls if call.method == "getUpdates")

    assert second - first >= 1


def test_a_token_that_telegram_does_not_take_ends_it_in_words(telegram: TelegramServer, store: Store) -> None:
    wrong = TOKEN[:-1] + "X"
    with pytest.raises(ApiError, match="@BotFather") as error:
        run(poller_of(telegram, store, token=wrong))

    assert wrong not in str(error.value)
    assert not Seat(store, ACCOUNT, 5).is_taken()


@pytest.mark.parametrize("status", [401, 404])
def test_a_token_that_was_taken_before_is_tried_on(telegram: TelegramServer, store: Store, status: int) -> None:
    """Whatever runs beside the poller, WhatsApp's receiver too, must not end with it at night."""
    with polling(telegram, store):
        assert telegram.wait_until(lambda: bool(asked(telegram, "getUpdates")))
        telegram.fail_next("getUpdates", status, {"ok": False, "error_code": status, "description": "?"}, times=2)
        for number, text in enumerate(["uno", "dos"], 1):
            telegram.say(555, text)
            assert wait_until(partial(_has, store, number), 10)

    assert kept(store, 555) == ["uno", "dos"]


def _has(store: Store, number: int) -> bool:
    return len(kept(store, 555)) == number


def test_presses_that_nobody_can_answer_delay_nobody(
    telegram: TelegramServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred presses in one batch wait together no longer than one may."""
    monkeypatch.setattr(poll, "ANSWER_SECONDS", 0.2)
    tried: list[str] = []

    def stuck(method: str, *_: object) -> None:
        if method == "answerCallbackQuery":
            tried.append(method)
            time.sleep(0.5)

    poller = poller_of(telegram, store)
    telegram.before = stuck
    presses = [press(number) for number in range(100)]
    assert poller._keep([json.dumps(one).encode() for one in presses])
    poller._api.close()

    assert len(tried) == 1


def press(number: int) -> dict[str, object]:
    user, chat = {"id": 555, "is_bot": False, "first_name": "Ana"}, {"id": 555, "type": "private", "first_name": "Ana"}
    under = {"message_id": 5, "date": 1, "chat": chat}
    query = {"id": str(number), "from": user, "chat_instance": "1", "data": "stop", "message": under}
    return {"update_id": number, "callback_query": query}
