"""Points in a platform's calls: nothing is taken before, and all is taken after, whatever happens to the caller."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from simulator.faults import CUT, SWALLOW, CallPoints, Delay, Point, kill
from simulator.faults.plan import When
from simulator.telegram import TelegramServer

TOKEN = "7123:AAE-test-token"
WHEN: tuple[When, When] = ("before", "after")
PATIENCE = 30.0


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer(TOKEN) as found:
        found.say(555, "hello")
        yield found


@pytest.fixture
def points(telegram: TelegramServer) -> CallPoints:
    return CallPoints(telegram)


def send(telegram: TelegramServer, text: str, timeout: float = PATIENCE) -> httpx.Response:
    return httpx.post(
        f"{telegram.url}/bot{TOKEN}/sendMessage", json={"chat_id": 555, "text": text}, timeout=timeout, verify=False
    )


def texts(telegram: TelegramServer) -> list[str]:
    return [bubble.text for bubble in telegram.answers(555)]


@pytest.mark.parametrize("when", WHEN)
def test_a_call_is_cut_where_it_was_planned(telegram: TelegramServer, points: CallPoints, when: When) -> None:
    fired = points.at(Point("sendmessage", 2, when), CUT)
    assert send(telegram, "one").status_code == 200
    assert not fired.is_set()
    with pytest.raises(httpx.RemoteProtocolError):
        send(telegram, "two")
    assert fired.is_set()
    assert send(telegram, "three").status_code == 200
    assert texts(telegram) == (["one", "three"] if when == "before" else ["one", "two", "three"])
    assert [call.params["text"] for call in telegram.calls] == texts(telegram)


SENDER = """
import httpx, sys
for text in ("one", "two", "three"):
    httpx.post(sys.argv[1], json={"chat_id": 555, "text": text}, verify=False)
"""


@pytest.mark.parametrize("when", WHEN)
def test_a_process_dies_with_its_call(telegram: TelegramServer, points: CallPoints, when: When) -> None:
    """Before the platform has taken it, or when it has and the process does not know."""
    ready = threading.Event()

    def murder() -> None:
        ready.wait(PATIENCE)
        kill(sender)

    fired = points.at(Point.nth(2, when), murder)
    sender = subprocess.Popen([sys.executable, "-c", SENDER, f"{telegram.url}/bot{TOKEN}/sendMessage"])
    ready.set()
    assert fired.wait(PATIENCE)
    assert sender.wait(PATIENCE) == -9
    assert texts(telegram) == (["one"] if when == "before" else ["one", "two"])


@pytest.mark.parametrize("when", WHEN)
def test_a_swallowed_call_is_never_answered(telegram: TelegramServer, points: CallPoints, when: When) -> None:
    points.at(Point("sendmessage", 1, when), SWALLOW)
    with pytest.raises(httpx.ReadTimeout):
        send(telegram, "lost", timeout=0.3)
    assert texts(telegram) == ([] if when == "before" else ["lost"])
    assert send(telegram, "next").status_code == 200


@pytest.mark.parametrize("when", WHEN)
def test_a_delayed_call_succeeds_later(telegram: TelegramServer, points: CallPoints, when: When) -> None:
    points.at(Point("sendmessage", 1, when), Delay(0.3))
    started = time.monotonic()
    assert send(telegram, "slow").status_code == 200
    assert time.monotonic() - started >= 0.3
    assert texts(telegram) == ["slow"]


def test_what_an_action_raises_is_kept(telegram: TelegramServer, points: CallPoints) -> None:
    def fail() -> None:
        raise ValueError("no such process")

    points.at(Point("sendmessage"), fail)
    with pytest.raises(httpx.RemoteProtocolError):
        send(telegram, "one")
    assert [str(error) for error in points.errors] == ["no such process"]


def test_every_call_is_counted_once_by_many_at_a_time(telegram: TelegramServer, points: CallPoints) -> None:
    """One of eighty calls fails, whoever made it."""
    points.at(Point.nth(40), CUT)

    def try_to(n: int) -> bool:
        try:
            return send(telegram, str(n)).status_code == 200
        except httpx.RemoteProtocolError:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(try_to, range(80))) == [False] + [True] * 79
    assert len(texts(telegram)) == 79


def test_counting_starts_again(telegram: TelegramServer, points: CallPoints) -> None:
    send(telegram, "one")
    points.restart_count()
    points.at(Point("sendmessage", 1, "after"), CUT)
    with pytest.raises(httpx.RemoteProtocolError):
        send(telegram, "two")
    assert texts(telegram) == ["one", "two"]
