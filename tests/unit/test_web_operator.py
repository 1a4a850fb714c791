"""What an operator sees of the conversations on the chat page."""

from __future__ import annotations

import pytest

from bot import status
from bot.settings import load_settings
from bot.show import open_channels, show
from bot.stores.connection import Store
from tests.tabs import Tab
from tests.unit.paged import Indoors


@pytest.fixture
def world(store: Store) -> Indoors:
    return Indoors(store)


@pytest.fixture
def tab(world: Indoors) -> Tab:
    return world.tab()


def test_show_knows_the_page_without_any_platform(world: Indoors, tab: Tab, store: Store) -> None:
    settings = load_settings()
    world.ask(tab, "when?")
    [shown] = show(store, settings, open_channels(settings), tab.conversation)
    assert [finding.code for finding in shown.findings] == ["answered"]

    world.web.board = None
    world.ask(tab, "/help")
    [shown] = show(store, settings, open_channels(settings), f"web:{tab.conversation.split(':')[2]}")
    assert [finding.code for finding in shown.findings] == ["speak-again"]


def test_status_counts_who_waits_on_the_page(world: Indoors, tab: Tab, store: Store) -> None:
    tab.say("when?")
    waiting = status.read(store, load_settings())
    world.work(tab)
    answered = status.read(store, load_settings())

    assert (waiting.unanswered, waiting.conversations) == (1, 1)
    assert (answered.unanswered, answered.conversations) == (0, 0)
