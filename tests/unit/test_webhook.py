"""The webhook: registered as it should be, and each of Telegram's complaints explained."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from bot.bot_api import ALLOWED_UPDATES, OFFICIAL
from bot.channels.telegram import webhook_secret
from bot.errors import ApiError, SettingsError
from bot.settings import load_settings
from bot.webhook import address, delete, describe, explain, keep_trying, register, wrong_address
from simulator.telegram import TelegramServer
from tests.unit.polling import TOKEN, asked, settings_of, telegram

__all__ = ["telegram"]

PUBLIC = "https://chat.my-shop.com"
URL = f"{PUBLIC}/webhook/telegram"


def test_address_secret_and_kinds_of_updates_are_registered(telegram: TelegramServer) -> None:
    settings = settings_of(telegram, public_url=PUBLIC)
    info = register(settings)

    assert (info.url, telegram.webhook_url) == (URL, URL)
    assert telegram.webhook_secret == webhook_secret(settings)
    assert telegram.allowed == ALLOWED_UPDATES
    assert asked(telegram, "setWebhook")[0]["max_connections"] == 40


def test_registering_drops_nothing_and_may_be_repeated(telegram: TelegramServer) -> None:
    telegram.say(555, "hola")
    for _ in range(2):
        assert keep_trying(settings_of(telegram, public_url=PUBLIC), threading.Event())

    assert len(telegram._waiting) == 1


def test_a_webhook_that_somebody_else_changes_at_once_is_noticed(telegram: TelegramServer) -> None:
    def meddle(method: str, *_: object) -> None:
        if method == "getWebhookInfo":
            telegram.webhook_url = "https://somebody.else"

    telegram.before = meddle
    with pytest.raises(ApiError, match="somebody else"):
        register(settings_of(telegram, public_url=PUBLIC))


def test_a_refused_webhook_is_explained(telegram: TelegramServer) -> None:
    words = "Bad Request: bad webhook: Failed to resolve host: No address associated with hostname"
    telegram.fail_next("setWebhook", 400, {"ok": False, "error_code": 400, "description": words})
    with pytest.raises(ApiError, match="not in the DNS"):
        register(settings_of(telegram, public_url=PUBLIC))


def test_registering_is_tried_again_until_it_succeeds(
    telegram: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.fail_next("setWebhook", 502, times=2)

    assert keep_trying(settings_of(telegram, public_url=PUBLIC), threading.Event(), 0.01)
    assert telegram.webhook_url == URL
    assert "Trying again" in caplog.text


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, {"ok": False, "error_code": 400, "description": "Bad Request: bad webhook: Failed to resolve host"}),
     (404, b"<html>no such page</html>")],
    ids=["a name that is not in the DNS yet", "a page of some proxy's"],
)  # fmt: skip
def test_what_may_pass_is_tried_again(telegram: TelegramServer, status: int, said: dict[str, object] | bytes) -> None:
    """At night, after a power cut, the network and its names come later than the receiver."""
    telegram.fail_next("setWebhook", status, said, times=2)

    assert keep_trying(settings_of(telegram, public_url=PUBLIC), threading.Event(), 0.01)
    assert telegram.webhook_url == URL


@pytest.mark.parametrize(
    ("public_url", "token"), [(PUBLIC, TOKEN[:-1] + "X"), ("", TOKEN)], ids=["a wrong token", "no address"]
)
def test_what_no_repetition_mends_is_said_once(
    telegram: TelegramServer, public_url: str, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(telegram, public_url=public_url).model_copy(
        update={"telegram_bot_token": load_settings(telegram_bot_token=token).telegram_bot_token}
    )

    assert not keep_trying(settings, threading.Event(), 0.01)
    assert len(caplog.records) == 1
    assert token not in caplog.text


def test_nothing_is_tried_after_the_end(telegram: TelegramServer) -> None:
    stop = threading.Event()
    stop.set()

    assert not keep_trying(settings_of(telegram, public_url=PUBLIC), stop)
    assert telegram.calls == []


def test_taking_it_away_drops_nothing(telegram: TelegramServer) -> None:
    telegram.webhook_url = "http://127.0.0.1:9/webhook/telegram"
    telegram.say(555, "hola")
    delete(settings_of(telegram))

    assert telegram.webhook_url == ""
    assert describe(settings_of(telegram))[1] == "waiting there: 1"


def test_it_is_described_with_its_last_error_and_the_way_out(telegram: TelegramServer) -> None:
    """Also what differs from this installation: its address, and what it is not sent."""
    telegram.webhook_url = "http://127.0.0.1:9/webhook/telegram"
    telegram.allowed = ("message",)
    telegram.say(555, "hola")
    assert telegram.wait_until(lambda: bool(telegram._last_error))
    said = "\n".join(describe(settings_of(telegram, public_url=PUBLIC)))

    assert "waiting there: 1" in said
    assert "Connection refused: nobody listens there" in said
    assert "That is not PUBLIC_URL" in said
    assert "It sends no edited_message" in said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("Wrong response from the webhook: 403 Forbidden", "python -m bot webhook set"),
        ("Wrong response from the webhook: 401 Unauthorized", "without one"),
        ("Wrong response from the webhook: 404 Not Found", URL),
        ("Wrong response from the webhook: 405 Method Not Allowed", "another program"),
        ("Wrong response from the webhook: 411 Length Required", "bodies"),
        ("Wrong response from the webhook: 413 Request Entity Too Large", "1 MiB"),
        ("Wrong response from the webhook: 429 Too Many Requests", "exempt"),
        ("Wrong response from the webhook: 302 Found", "does not follow"),
        ("Wrong response from the webhook: 308 Permanent Redirect", "does not follow"),
        ("Wrong response from the webhook: 500 Internal Server Error", "proxy"),
        ("Wrong response from the webhook: 502 Bad Gateway", "does not find the receiver"),
        ("Wrong response from the webhook: 503 Service Unavailable", "/readyz"),
        ("Wrong response from the webhook: 504 Gateway Time-out", "does not find the receiver"),
        ("Wrong response from the webhook: 530", "tunnel"),
        ("SSL error {error:0A000086:SSL routines::certificate verify failed}", "whole chain"),
        ("SSL error {self signed certificate}", "whole chain"),
        ("SSL error {error:0A00010B:SSL routines::wrong version number}", "no https"),
        ("Can't create an SSL connection: something", "no https"),
        ("Connection refused", "nobody listens"),
        ("Connection timed out", "firewall"),
        ("Read timeout expired", "firewall"),
        ("Can't connect to the webhook", "firewall"),
        ("No route to host", "firewall"),
        ("Connection reset by peer", "is cut"),
        ("Webhook connection closed", "is cut"),
        ("Failed to resolve host: No address associated with hostname", "DNS"),
        ("Bad Request: bad webhook: IP address 192.168.0.2 is reserved", "private network"),
        ("IPv6-only addresses are not allowed", "IPv4"),
        ("Webhook can be set up only on ports 80, 88, 443 or 8443", "8443"),
        ("An HTTPS URL must be provided for webhook", "https://"),
        ("Bad Request: secret token contains unallowed characters", "TELEGRAM_WEBHOOK_SECRET"),
        ("Something that nobody has seen yet", "log"),
    ],
)
def test_each_known_complaint_has_its_way_out(error: str, words: str) -> None:
    assert words in explain(error, URL)


@pytest.mark.parametrize(
    ("public_url", "words"),
    [
        ("http://chat.my-shop.com", "https://"),
        ("https://chat.my-shop.com:8080", "8080"),
        ("https://chat.my-shop.com:70000", "no number"),
        ("https://chat.my-shop.com?x=1", "only https://"),
        ("https://localhost", "no public place"),
        ("https://192.168.1.7", "no public place"),
        ("https://server", "no public place"),
        ("https://server.local", "no public place"),
    ],
)
def test_an_address_to_which_telegram_would_not_deliver_is_refused(public_url: str, words: str) -> None:
    settings = load_settings(public_url=public_url, telegram_api_url=OFFICIAL)
    with pytest.raises(SettingsError, match="PUBLIC_URL"):
        address(settings)

    assert words in wrong_address(public_url)


@pytest.mark.parametrize("public_url", [PUBLIC, f"{PUBLIC}:8443", f"{PUBLIC}/recado", "https://8.8.8.8"])
def test_an_address_to_which_telegram_delivers_is_taken(public_url: str) -> None:
    assert address(load_settings(public_url=public_url)) == f"{public_url}/webhook/telegram"


def test_a_bot_api_server_of_ones_own_may_deliver_anywhere(telegram: TelegramServer) -> None:
    assert address(settings_of(telegram, public_url="http://receiver:8080"))


def typed(env: dict[str, str], telegram: TelegramServer, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    env |= {"TELEGRAM_BOT_TOKEN": telegram.token, "TELEGRAM_API_URL": telegram.url} | more
    command = [sys.executable, "-m", "bot", "webhook", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_the_commands_set_show_and_take_away(telegram: TelegramServer, clean_env: dict[str, str]) -> None:
    done = typed(clean_env, telegram, "set", PUBLIC_URL=PUBLIC)
    assert (done.returncode, URL in done.stdout) == (0, True), done.stderr
    assert URL in typed(clean_env, telegram, "info").stdout
    assert typed(clean_env, telegram, "delete").returncode == 0
    assert telegram.webhook_url == ""


def test_the_secret_is_printed_alone(telegram: TelegramServer, clean_env: dict[str, str]) -> None:
    assert typed(clean_env, telegram, "secret").stdout == f"{webhook_secret(settings_of(telegram))}\n"


@pytest.mark.parametrize(
    ("words", "more", "code"),
    [("set", {}, 2), ("info", {"TELEGRAM_BOT_TOKEN": ""}, 2), ("info", {"TELEGRAM_API_URL": "http://127.0.0.1:9"}, 1)],
)
def test_what_is_wrong_is_said_in_words(
    telegram: TelegramServer, clean_env: dict[str, str], words: str, more: dict[str, str], code: int
) -> None:
    """2 for a setting, 1 for what did not work; never a traceback."""
    done = typed(clean_env, telegram, words, **more)

    assert done.returncode == code
    assert done.stderr.count("\n") == 1
    assert telegram.token not in done.stderr
