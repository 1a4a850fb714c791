"""Updates leave the simulated Telegram as they leave the real one: by a webhook, or by getUpdates, never by both."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import httpx
import pytest
from werkzeug.wrappers import Response

from simulator.telegram import TelegramServer
from tests.unit.webhooks import TOKEN, Webhook, all_accepted

LONG_SECONDS = 30


@pytest.fixture
def polled() -> Iterator[TelegramServer]:
    """Telegram without a webhook."""
    with TelegramServer(TOKEN, retry_seconds=0.2) as server:
        yield server


def ask(server: TelegramServer, method: str, **params: Any) -> httpx.Response:
    return httpx.post(f"{server.url}/bot{TOKEN}/{method}", json=params, timeout=2 * LONG_SECONDS)


def texts(answer: httpx.Response) -> list[str]:
    return [update["message"]["text"] for update in answer.json()["result"]]


def last_id(answer: httpx.Response) -> int:
    return int(answer.json()["result"][-1]["update_id"])


def info(server: TelegramServer) -> dict[str, Any]:
    found: dict[str, Any] = ask(server, "getWebhookInfo").json()["result"]
    return found


def last_error(server: TelegramServer) -> str:
    return str(server._last_error.get("last_error_message", ""))


def set_webhook(server: TelegramServer, url: str, **params: Any) -> httpx.Response:
    """As often as one likes, which Telegram does not allow."""
    server._set_at = -1.0
    return ask(server, "setWebhook", url=url, **params)


# getUpdates


def test_updates_stay_until_a_higher_offset_confirms_them(polled: TelegramServer) -> None:
    for number in range(4):
        polled.say(500 + number, f"n{number}")

    first = ask(polled, "getUpdates", limit=2)
    assert texts(first) == ["n0", "n1"]
    assert not any(said.accepted for said in polled.said)
    second = ask(polled, "getUpdates", offset=last_id(first))
    assert texts(second) == ["n1", "n2", "n3"]
    assert [bool(said.accepted) for said in polled.said] == [True, False, False, False]
    assert texts(ask(polled, "getUpdates", offset=last_id(second) + 1, timeout=0)) == []
    assert all(said.accepted and said.tried and said.tried <= said.accepted for said in polled.said)
    assert polled.delivery.pending == 0


def test_a_poll_waits_for_what_comes(polled: TelegramServer) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, polled, "getUpdates", offset=1, timeout=LONG_SECONDS)
        assert polled.wait_until(lambda: polled._poll == 1)
        start = monotonic()
        polled.say(555, "hola")
        assert texts(answer.result()) == ["hola"]
    assert monotonic() - start < LONG_SECONDS / 2


def test_an_empty_poll_ends_with_its_timeout(polled: TelegramServer) -> None:
    start = monotonic()
    assert texts(ask(polled, "getUpdates", offset=1, timeout=1)) == []
    assert monotonic() - start >= 1


def test_a_second_poller_ends_the_firsts_waiting(polled: TelegramServer) -> None:
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, polled, "getUpdates", offset=1, timeout=LONG_SECONDS)
        assert polled.wait_until(lambda: polled._poll == 1)
        second = pool.submit(ask, polled, "getUpdates", offset=2, timeout=LONG_SECONDS)
        ended = first.result()
        polled.say(555, "hola")
        assert texts(second.result()) == ["hola"]
    assert ended.status_code == 409
    assert "terminated by other getUpdates request; make sure that only one bot instance is running" in ended.text
    assert polled.conflicts == 1


def test_no_poll_while_a_webhook_is_set_and_none_survives_its_setting(polled: TelegramServer, webhook: Webhook) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, polled, "getUpdates", offset=1, timeout=LONG_SECONDS)
        assert polled.wait_until(lambda: polled._poll == 1)
        assert set_webhook(polled, webhook.url).json()["description"] == "Webhook was set"
        assert "Conflict: terminated by setWebhook request" in waiting.result().text

    refused = ask(polled, "getUpdates")
    assert refused.status_code == 409
    assert "can't use getUpdates method while webhook is active; use deleteWebhook to delete" in refused.text
    ask(polled, "deleteWebhook")
    assert ask(polled, "getUpdates").status_code == 200


def test_what_a_webhook_did_not_take_is_polled_in_order_and_goes_nowhere_else(
    polled: TelegramServer, webhook: Webhook
) -> None:
    polled.webhook_url = "http://127.0.0.1:1/nobody"
    for number in range(3):
        polled.say(555, f"n{number}")
    assert polled.wait_until(lambda: last_error(polled) == "Connection refused")
    ask(polled, "deleteWebhook")

    assert texts(found := ask(polled, "getUpdates", limit=2)) == ["n0", "n1"]
    assert texts(ask(polled, "getUpdates", offset=last_id(found) + 1)) == ["n2"]
    set_webhook(polled, webhook.url)
    assert polled.wait_until(lambda: not polled.delivery.pending)
    assert [body.count(b'"n2"') for _, body, _ in webhook.got] == [1]


def test_what_was_said_before_the_webhook_was_set_comes_by_it(polled: TelegramServer, webhook: Webhook) -> None:
    polled.say(555, "one")
    polled.say(555, "two")
    set_webhook(polled, webhook.url, secret_token="s3cret")

    assert all_accepted(polled)
    assert [body.count(b'"one"') for _, body, _ in webhook.got] == [1, 0]
    assert webhook.got[0][2]["X-Telegram-Bot-Api-Secret-Token"] == "s3cret"


def test_the_same_offset_in_a_hurry_gets_one_update(polled: TelegramServer) -> None:
    """tdlib/telegram-bot-api, process_get_updates_query."""
    for number in range(3):
        polled.say(555, f"n{number}")
    assert len(texts(ask(polled, "getUpdates", offset=1))) == 3
    polled._polled = (1, monotonic() + LONG_SECONDS)  # however slow this machine is, it was just now
    assert len(texts(ask(polled, "getUpdates", offset=1))) == 1


def test_a_negative_offset_keeps_the_last_ones(polled: TelegramServer) -> None:
    for number in range(4):
        polled.say(555, f"n{number}")
    assert texts(ask(polled, "getUpdates", offset=-1)) == ["n3"]
    assert info(polled)["pending_update_count"] == 1


@pytest.mark.parametrize(("allowed", "kinds"), [(["message"], ["message"]), ([], ["message", "edited_message"])])
def test_only_the_kinds_that_are_wanted_come(polled: TelegramServer, allowed: list[str], kinds: list[str]) -> None:
    """A list that is left out keeps the last one; an empty one stands for the usual kinds."""
    ask(polled, "getUpdates", allowed_updates=["callback_query"])
    ask(polled, "getUpdates", offset=1, allowed_updates=allowed)
    ask(polled, "getUpdates", offset=2)
    number = polled.say(555, "holla")["message"]["message_id"]
    polled.edit_said(555, number, "hola")
    found = ask(polled, "getUpdates", offset=3).json()["result"]
    assert [next(key for key in update if key != "update_id") for update in found] == kinds


# setWebhook


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/x", "An HTTPS URL must be provided for webhook"),
        ("https://bot.example.com:8080/x", "Webhook can be set up only on ports 80, 88, 443 or 8443"),
        ("https://127.0.0.1/x", "is reserved"),
        ("https://192.168.1.7:8443/x", "is reserved"),
        ("https://bot.invalid/x", "Failed to resolve host"),
        ("https://", "invalid webhook URL specified"),
        ("https://example.com:port/x", "invalid webhook URL specified"),
    ],
)
def test_an_address_that_telegram_would_not_take_is_refused(telegram: TelegramServer, url: str, reason: str) -> None:
    """And the old webhook is gone: it was closed before the new one was tried."""
    refused = set_webhook(telegram, url)
    assert refused.status_code == 400
    assert reason in refused.json()["description"]
    assert telegram.webhook_url == ""


@pytest.mark.parametrize(("secret", "reason"), [("a b", "unallowed characters"), ("x" * 257, "too long")])
def test_a_secret_token_has_its_characters(telegram: TelegramServer, secret: str, reason: str) -> None:
    assert reason in set_webhook(telegram, "https://bot.example.com/x", secret_token=secret).text


@pytest.mark.parametrize("port", ["", ":443", ":80", ":88", ":8443"])
def test_an_https_address_leads_here_by_its_way(polled: TelegramServer, webhook: Webhook, port: str) -> None:
    polled.ways = {f"https://bot.example.com{port}/": f"{webhook.url}/"}
    assert set_webhook(polled, f"https://bot.example.com{port}/webhook/telegram").status_code == 200
    polled.say(555, "hola")
    assert all_accepted(polled)
    assert info(polled)["url"] == f"https://bot.example.com{port}/webhook/telegram"


def test_an_https_address_without_a_way_is_out_of_reach(polled: TelegramServer) -> None:
    set_webhook(polled, "https://bot.example.com/webhook/telegram")
    polled.say(555, "hola")
    assert polled.wait_until(lambda: last_error(polled) == "Connection timed out")
    assert info(polled)["last_error_message"] == "Connection timed out"


def test_the_same_webhook_again_changes_nothing(polled: TelegramServer, webhook: Webhook) -> None:
    asked: dict[str, Any] = {"secret_token": "s3cret", "max_connections": 10}
    assert set_webhook(polled, webhook.url, **asked).json()["description"] == "Webhook was set"
    again = set_webhook(polled, webhook.url, **asked, allowed_updates=["message"])
    assert again.json()["description"] == "Webhook is already set"
    assert info(polled)["allowed_updates"] == ["message"]
    assert info(polled)["max_connections"] == 10
    assert ask(polled, "deleteWebhook").json()["description"] == "Webhook was deleted"
    assert ask(polled, "deleteWebhook").json()["description"] == "Webhook is already deleted"


def test_a_webhook_is_set_once_a_second(polled: TelegramServer, webhook: Webhook) -> None:
    ask(polled, "setWebhook", url=webhook.url)
    polled._set_at = monotonic() + LONG_SECONDS  # however slow this machine is, it was just now
    hasty = ask(polled, "setWebhook", url=webhook.url)
    assert (hasty.status_code, hasty.json()["parameters"]) == (429, {"retry_after": 1})


@pytest.mark.parametrize("method", ["setWebhook", "deleteWebhook"])
def test_what_waits_can_be_dropped(polled: TelegramServer, webhook: Webhook, method: str) -> None:
    polled.say(555, "hola")
    assert info(polled)["pending_update_count"] == 1
    ask(polled, method, url=webhook.url, drop_pending_updates=True)
    assert info(polled)["pending_update_count"] == 0
    assert not polled.wait_until(lambda: bool(webhook.got), 0.3)
    assert not any(said.accepted for said in polled.said)


def test_what_the_receiver_last_did_wrong_is_told(telegram: TelegramServer, webhook: Webhook) -> None:
    assert "last_error_message" not in info(telegram)
    webhook.answers = [Response(status=403)]
    telegram.say(555, "hola")
    assert all_accepted(telegram)
    told = info(telegram)
    assert told["last_error_message"].lower() == "wrong response from the webhook: 403 forbidden"
    assert told["last_error_date"] > 1_700_000_000
    assert told["pending_update_count"] == 0
