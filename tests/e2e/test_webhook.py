"""A receiver with a public address tells Telegram where it is, by itself."""

from __future__ import annotations

from collections.abc import Callable

from simulator.people import People
from tests.e2e.conftest import Installation

PUBLIC = "https://chat.my-shop.com"


def test_the_receiver_registers_its_address_while_it_takes_messages(
    install: Callable[..., Installation], chat: int
) -> None:
    """Also when Telegram fails at first; then messages come there, and are answered."""
    one = install(PUBLIC_URL=PUBLIC)
    one.telegram.webhook_url = one.telegram.webhook_secret = ""
    one.telegram.ways[PUBLIC] = one.processes.url
    one.telegram.fail_next("setWebhook", 502)
    one.start("receiver", "worker")  # it is ready, although Telegram has refused
    ana = People(one.telegram, 1, rate=1, first=chat)
    ana.everybody()

    assert one.telegram.wait_until(lambda: one.telegram.webhook_url == f"{PUBLIC}/webhook/telegram", 30)
    assert one.settle(1).ok
    assert len(one.telegram.answers(int(ana.persons[0].chat_id))) == 1


def test_a_wrong_token_is_said_and_does_not_keep_the_receiver_down(install: Callable[..., Installation]) -> None:
    token = "7123456:" + "x" * 35
    one = install(PUBLIC_URL=PUBLIC, TELEGRAM_BOT_TOKEN=token)
    one.start("receiver")
    log = one.processes.log("receiver")

    assert one.telegram.wait_until(lambda: "@BotFather" in log.read_text(), 30)
    assert token not in log.read_text()
    one.processes.wait_ready(5)
