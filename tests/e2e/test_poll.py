"""Telegram without a public address, by real processes that are killed: nothing is lost, nothing comes twice."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from simulator.people import People
from simulator.processes import wait_until
from simulator.server import Cut
from tests.e2e.conftest import Installation

COMMAND = ("bot", "poll")


def without_webhook(install: Callable[..., Installation], **settings: str) -> Installation:
    one = install(**settings)
    one.telegram.webhook_url = one.telegram.webhook_secret = ""
    return one


def start(one: Installation, name: str = "poller") -> None:
    one.processes.start(name, *COMMAND)


def polls(one: Installation) -> list[dict[str, Any]]:
    return [call.params for call in one.telegram.calls if call.method == "getUpdates"]


def test_killed_between_batches_again_and_again(install: Callable[..., Installation], chat: int) -> None:
    """kill -9, again and again, while forty people write: 0 lost, 0 doubled, in order."""
    one = without_webhook(install, LEASE_SECONDS="1")
    start(one)
    one.start("worker")
    people = People(one.telegram, 40, rate=10, first=chat)
    writing = threading.Thread(target=people.write, args=[150])
    writing.start()
    kills = 0
    while writing.is_alive():
        before = len(polls(one))
        one.telegram.wait_until(lambda before=before: len(polls(one)) > before + 1 or not writing.is_alive(), 20)
        one.kill("poller")
        start(one)
        kills += 1
    report = one.settle(150)

    assert report.ok, report
    assert kills > 2


@pytest.mark.parametrize("confirming", [False, True], ids=["before it is stored", "stored and not confirmed"])
def test_killed_at_the_worst_moment(install: Callable[..., Installation], chat: int, confirming: bool) -> None:
    """The first poller dies with a batch under way to it, or kept by it and not confirmed; the second gets it again."""
    one = without_webhook(install, LEASE_SECONDS="1")
    dead: list[int] = []

    def die(method: str, _chat: str, params: dict[str, Any]) -> None:
        given = bool(params.get("offset")) if confirming else bool(one.telegram.said)
        if method == "getUpdates" and given and not dead:
            dead.append(one.pid("poller"))
            one.kill("poller")
            raise Cut

    if confirming:
        one.telegram.before = die
    else:
        one.telegram.after = die
    ana = People(one.telegram, 1, rate=1, first=chat)
    ana.everybody()
    start(one)
    assert wait_until(lambda: bool(dead), 20)
    assert one.telegram.said[0].accepted is None
    start(one)
    one.start("worker")

    assert one.settle(1).ok
    assert len(one.telegram.answers(int(ana.persons[0].chat_id))) == 1


def test_it_ends_within_a_second_also_while_it_waits_for_news(install: Callable[..., Installation]) -> None:
    one = without_webhook(install)
    start(one)
    assert one.telegram.wait_until(lambda: bool(one.telegram._poll), 20)
    poller = one.processes.running["poller"]
    told = monotonic()
    poller.send_signal(signal.SIGTERM)
    assert poller.wait(10) == 0
    assert monotonic() - told < 3  # a second, on a machine that does nothing else


def test_a_wrong_token_is_exit_code_one_and_is_not_shown(install: Callable[..., Installation]) -> None:
    one = without_webhook(install)
    token = "7123456:" + "x" * 35
    one.processes.start("poller", *COMMAND, settings={"TELEGRAM_BOT_TOKEN": token})
    assert one.processes.running["poller"].wait(20) == 1
    said = one.processes.log("poller").read_text()

    assert "@BotFather" in said
    assert token not in said
    assert "Traceback" not in said


def test_redis_that_is_killed_confirms_nothing_until_it_is_back(
    install: Callable[..., Installation], chat: int
) -> None:
    one = without_webhook(install, LEASE_SECONDS="1")
    start(one)
    one.start("worker")
    People(one.telegram, 3, rate=50, first=chat).everybody()
    assert one.settle(3).ok
    one.kill_redis()
    People(one.telegram, 3, rate=50, first=chat + 100).everybody()

    assert one.settle(6).ok
