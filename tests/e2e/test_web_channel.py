"""The chat page's channel with real processes and without a browser: what is said in a tab goes through the mailbox and
a worker, and streams back into one bubble, whoever is killed meanwhile."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot import wiring
from bot.settings import load_settings
from bot.stores.mailbox import Mailbox
from bot.stores.page import ASSISTANT, Page
from simulator.models import echo
from simulator.processes import wait_until
from tests.e2e.conftest import Installation, installation
from tests.tabs import Tab

PIECES = [f"word{number} " for number in range(30)]
WHOLE = "".join(PIECES).strip()
NO_PLATFORM = {"TELEGRAM_BOT_TOKEN": "", "WHATSAPP_TOKEN": ""}

Install = Callable[..., Installation]


class House:
    """An installation without any platform, and the page that whoever opens it sees."""

    def __init__(self, one: Installation, *workers: str) -> None:
        self.one = one
        one.start(*workers)
        assert wait_until(one.redis_answers, 20), one.processes.log_tails()
        self.page = Page(one.store, 30)
        self.mailbox = Mailbox(one.store, lease=2, quiet=0.1, cap=4, days=30)

    def tab(self, name: str = "tab") -> Tab:
        return Tab(self.page, self.mailbox, name)

    def rests(self, *tabs: Tab) -> bool:
        return not any(self.mailbox.has_work(tab.conversation) for tab in tabs)

    def settle(self, *tabs: Tab, seconds: float = 30) -> None:
        assert wait_until(lambda: self.rests(*tabs), seconds), self.one.processes.log_tails()


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    one = installation(tmp_path_factory.mktemp("house") / "installation", **NO_PLATFORM)
    try:
        yield House(one, "worker")
    finally:
        one.close()


@pytest.fixture
def house(shared_house: House) -> House:
    """For tests that kill no worker: the model echoes at once, and was never asked."""
    model = shared_house.one.model
    model.reply, model.pace = echo, 0.0
    model.requests.clear()
    return shared_house


def stream(house: House, pace: float) -> None:
    """The model says PIECES, one each ``pace`` seconds."""
    house.one.model.reply, house.one.model.pace = lambda _: PIECES, pace


def test_an_answer_streams_into_one_bubble_from_its_first_piece_on(
    house: House, record_property: Callable[[str, object], None]
) -> None:
    """Without any platform. Its first words are read while the model still says its first ones, and more of it each
    time; the figure is reported (`pytest --junitxml`, or -s)."""
    stream(house, 0.05)
    tab = house.tab()
    tab.say("when?")
    seen = tab.watch(lambda: bool(tab.answers) and house.rests(tab))
    [asked] = house.one.model.requests
    grown = [(at, one) for at, shown in seen for one in shown if one.who == ASSISTANT]
    assert asked.first
    assert asked.ended
    first, spoken = grown[0][0] - asked.first, asked.ended - asked.first
    record_property("first_words_ms", round(first * 1000))
    print(f"\nfirst words on the page {first * 1000:.0f} ms after the model's first piece")

    assert {one.id for _, one in grown} == {"1.0"}
    assert grown[0][1].growing
    assert grown[-1][1][2:4] == (WHOLE, False)
    assert first < spoken / 2
    assert len(grown) > 4
    log = house.one.processes.log("worker").read_text()
    assert "TELEGRAM_BOT_TOKEN" in log
    assert "python -m workers ui" in log
    assert tab.conversation not in log


def test_the_worker_killed_in_mid_answer_and_another_goes_on_in_the_same_bubble(install: Install) -> None:
    """kill -9, after some words were read: the answer comes whole, once, and every look finds one bubble of it."""
    house = House(install(**NO_PLATFORM), "worker")
    stream(house, 0.04)
    tab = house.tab()
    tab.say("when?")
    tab.watch(lambda: any(len(answer) > 20 for answer in tab.answers))
    house.one.kill("worker")
    [_, half] = tab.shown
    house.one.start("second worker")
    seen = tab.watch(lambda: house.rests(tab))

    assert half.growing
    assert half.text != WHOLE
    assert {tuple(one.id for one in shown if one.who == ASSISTANT) for _, shown in seen} == {(half.id,)}
    assert [(one.text, one.growing) for one in tab.shown] == [("when?", False), (WHOLE, False)]
    tab.say("and then?")
    house.settle(tab)
    assert [turn["content"] for turn in house.one.model.requests[-1].json["messages"][1:3]] == ["when?", WHOLE]


def test_many_at_once_on_two_workers_of_which_one_is_killed(install: Install) -> None:
    """Everybody reads the answers to what they said, in its order, once, and nobody else's."""
    house = House(install(**NO_PLATFORM), "worker", "second worker")
    house.one.model.delay = 0.2
    tabs = [house.tab(f"person {number}") for number in range(20)]
    for number, tab in enumerate(tabs):
        tab.say(f"c{number} first")
    assert house.one.model.wait_until(lambda: house.one.model.running >= 4)
    house.one.kill("worker")
    for number, tab in enumerate(tabs):
        tab.say(f"c{number} second")
    house.settle(*tabs, seconds=60)

    for number, tab in enumerate(tabs):
        said = "".join(tab.answers)
        assert [said.count(f"c{number} {word}") for word in ("first", "second")] == [1, 1], tab.texts
        assert said.index("first") < said.index("second")
        assert set(re.findall(r"c(\d+) ", said)) == {str(number)}
        assert not any(one.growing for one in tab.shown)


SAYING = """
import sys
from pathlib import Path
from bot.stores.connection import connect
from bot.stores.mailbox import Mailbox
from bot.stores.page import Page
from tests.tabs import Tab

store = connect(sys.argv[1], Path(), 5)
page, mailbox = Page(store, 30), Mailbox(store, lease=2, quiet=0.1, cap=4, days=30)
for number in range(100_000):
    Tab(page, mailbox, f"page {number}").say(f"n{number}")
    print(number, flush=True)
"""


def test_a_page_that_is_killed_loses_nothing_that_it_acknowledged(house: House) -> None:
    """kill -9 between any two of its steps: what the mailbox had is answered; what only stood there can be said again,
    under the same id, and is answered once."""
    url = f"unix://{house.one.socket}"
    process = subprocess.Popen(
        [sys.executable, "-c", SAYING, url], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout
    try:
        acknowledged = [int(process.stdout.readline()) for _ in range(20)]
    finally:
        process.kill()
        acknowledged += [int(line) for line in process.stdout.read().split("\n") if line]
        process.wait(10)
        process.stdout.close()
    said = [house.tab(f"page {number}") for number in range(len(acknowledged) + 2)]
    house.settle(*said)
    for number in acknowledged:
        assert said[number].texts == [f"n{number}", f"re: n{number}"]

    begun = [tab for tab in said if tab.shown]
    for tab in begun:
        question = tab.shown[0]
        house.mailbox.accept([tab.message(question.text, question.id)])
    house.settle(*begun)
    assert [tab.texts for tab in begun] == [[f"n{number}", f"re: n{number}"] for number in range(len(begun))]


def test_the_page_answers_beside_the_platforms(running: Installation, chat: int) -> None:
    """One worker, three channels: somebody on Telegram and somebody on the page are each answered where they are."""
    page = wiring.open_page(load_settings(), running.store)[1]
    tab = Tab(page, Mailbox(running.store, lease=2, quiet=0.1, cap=4, days=30), f"beside {chat}")
    running.telegram.say(chat, "hello from there")
    tab.say("hello from here")
    assert running.telegram.wait_until(lambda: len(running.telegram.answers(chat)) == 1)
    assert wait_until(lambda: not running.due(), 20)

    assert tab.texts == ["hello from here", "re: hello from here"]
    assert running.telegram.answers(chat)[0].text == "re: hello from there"
