"""A page that dies between showing a message and handing it over: whoever loads it anew brings it to its answer."""

from __future__ import annotations

import pytest

from bot.stores.connection import Store, key
from bot.stores.page import PERSON
from bot.stores.roster import Roster
from tests.unit.paged import Indoors
from workers.ui import desk as desks
from workers.ui.desk import Desk
from workers.ui.tab import Tab, conversation_of

HERE = conversation_of("0123456789abcdef" * 2)


@pytest.fixture
def world(store: Store) -> Indoors:
    return Indoors(store)


@pytest.fixture
def desk(world: Indoors, store: Store) -> Desk:
    return Desk(world.page, world.mailbox, Roster(store), store.ping)


def load(desk: Desk) -> bool:
    """The page is loaded anew; whether an answer is on its way then."""
    return desk.look(Tab(HERE, "en"))[1]


def answer(world: Indoors) -> list[str]:
    """All that there is is done; what stands there then."""
    for _ in range(4):
        world.answerer.answer(HERE)
    return [one.text for one in world.page.read(HERE).shown]


def test_what_a_dead_page_showed_and_nobody_was_asked_is_asked_once(world: Indoors, desk: Desk) -> None:
    desk.say(Tab(HERE, "en"), "hello")
    answer(world)
    for number in "01":
        world.page.put(HERE, number * 32, PERSON, f"when {number}")
    assert not world.mailbox.has_work(HERE)

    assert [load(desk), load(desk)] == [True, True]
    assert answer(world) == ["hello", "re: hello", "when 0", "when 1", "re: when 0\nwhen 1"]
    assert not load(desk)


def test_what_was_heard_and_rightly_not_answered_is_not_asked_again(world: Indoors, desk: Desk) -> None:
    tab = Tab(HERE, "en")
    desk.say(tab, "when")
    desk.stop(tab)
    assert answer(world) == ["when"]

    assert not load(desk)
    assert world.backend.prompts == []


def test_what_may_no_longer_be_known_is_not_asked_again(
    world: Indoors, desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mailbox knows ids for a day; what is older was answered, or nobody waits for it any more."""
    world.page.put(HERE, "0" * 32, PERSON, "when")
    monkeypatch.setattr(desks, "SURELY_SEEN", 0.0)

    assert not load(desk)
    assert not store.client.exists(key(HERE, "in"))


def test_what_this_very_tab_could_not_send_is_its_persons_to_send_again(world: Indoors, desk: Desk) -> None:
    world.page.put(HERE, "0" * 32, PERSON, "when")
    tab = Tab(HERE, "en", unsure=("when", "0" * 32))

    assert not desk.look(tab)[1]
    assert load(desk)
