"""What a tab of the chat page says and wants reaches the mailbox once, and what is said there is read in the tab."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import StoreUnavailable
from bot.stores.connection import Store, key
from bot.stores.history import History
from bot.stores.mailbox import Mailbox
from bot.stores.roster import Roster
from tests.unit.desks import TOKEN, cut_off, new_tab, said, staffed, work
from tests.unit.paged import Indoors
from workers.ui import words
from workers.ui.desk import Desk
from workers.ui.tab import FORGET_SECONDS, Tab, Tabs, conversation_of
from workers.ui.watch import see


@pytest.fixture
def world(store: Store) -> Indoors:
    return Indoors(store)


@pytest.fixture
def desk(world: Indoors, store: Store) -> Desk:
    return staffed(world, store)


@pytest.fixture
def tab() -> Tab:
    return new_tab()


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Desk]:
    with cut_off(tmp_path) as desk:
        yield desk


# -- whose conversation it is --------------------------------------------------------------------------


def test_a_conversation_cannot_be_told_from_its_name() -> None:
    """Whoever reads the store finds no token in it, and every token has a conversation of its own."""
    here = conversation_of(TOKEN)

    assert here.startswith("web:page:")
    assert TOKEN not in here
    assert len(here.rpartition(":")[2]) == 32
    assert conversation_of("f" * 32) != here


@pytest.mark.parametrize("token", ["", "x" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n", "A" * 32, "web:page:1"])
def test_what_is_no_token_opens_nothing(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        Tabs().find("load", token, "es")


def test_a_tab_is_known_again_until_it_is_loaded_anew() -> None:
    tabs = Tabs(most=2)
    first = tabs.find("load 1", TOKEN, "es")

    assert tabs.find("load 1", TOKEN, "es") is first
    assert tabs.find("load 2", TOKEN, "es") is not first
    assert tabs.find("load 3", TOKEN, "es").conversation == first.conversation
    assert tabs.find("load 1", TOKEN, "es") is not first  # the oldest was forgotten


def test_a_tab_that_asks_for_nothing_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was closed, or loaded anew; but for one of whose message nobody knows whether it was taken."""
    tabs, now = Tabs(), time.monotonic()
    gone, unsure = tabs.find("load 1", TOKEN, "es"), tabs.find("load 2", TOKEN, "es")
    unsure.unsure = ("hola", "1")
    monkeypatch.setattr(time, "monotonic", lambda: now + FORGET_SECONDS + 60)
    tabs.find("load 3", TOKEN, "es")

    assert tabs.find("load 1", TOKEN, "es") is not gone
    assert tabs.find("load 2", TOKEN, "es") is unsure


# -- what is said --------------------------------------------------------------------------------------


def test_what_is_said_is_answered_below_it(desk: Desk, world: Indoors, tab: Tab) -> None:
    desk.say(tab, "when do you open?")
    work(world, tab)

    assert said(see(desk, tab)) == [r"when do you open\?", "re: when do you open?"]
    assert see(desk, tab).again


def test_there_is_news_whenever_something_else_stands_there(desk: Desk, world: Indoors, tab: Tab) -> None:
    """A page at rest looks again for nothing else: what is asked, answered, cleared away and erased is news."""
    told = [desk.news(tab.conversation)]
    desk.say(tab, "when do you open?")
    told.append(desk.news(tab.conversation))
    work(world, tab)
    told.append(desk.news(tab.conversation))
    desk.clear(tab)
    work(world, tab)
    told.append(desk.news(tab.conversation))

    assert [due for _, due in told] == [False, True, False, False]
    assert len({version for version, _ in told}) == 4
    assert desk.news(tab.conversation) == told[-1]


def test_it_is_said_in_the_pages_language(desk: Desk, world: Indoors) -> None:
    spanish = Tab(conversation_of("b" * 32), "es")
    desk.say(spanish, "/help")
    work(world, spanish)
    assert "Empezar una conversación nueva" in see(desk, spanish).said[-1][1]


def test_what_may_have_been_taken_is_the_same_message_when_it_is_said_again(
    world: Indoors, store: Store, tab: Tab
) -> None:
    """Redis takes it, and the answer is lost: the person says it again, and is answered once."""

    class Deaf(Mailbox):
        heard = 0

        def accept(self, *args: object, **more: object) -> int:
            super().accept(*args, **more)  # type: ignore[arg-type]
            self.heard += 1
            if self.heard == 1:
                raise StoreUnavailable("no answer in time")
            return 0

    deaf = Deaf(store, lease=15, quiet=0, cap=0, days=30)
    desk = Desk(world.page, deaf, Roster(store), store.ping)
    with pytest.raises(StoreUnavailable):
        desk.say(tab, "two loaves")
    desk.say(tab, "two loaves")
    work(world, tab)

    assert [one.text for one in world.page.read(tab.conversation).shown] == ["two loaves", "re: two loaves"]
    desk.say(tab, "two loaves")
    assert store.client.llen(key(tab.conversation, "in")) == 1  # and on purpose it can be said twice


def test_what_stands_there_and_was_not_taken_is_said_to_be_so(world: Indoors, store: Store, tab: Tab) -> None:
    """Until it is sent again, and then it is answered once."""

    class Closed(Mailbox):
        open = False

        def accept(self, *args: object, **more: object) -> int:
            if not self.open:
                raise StoreUnavailable("not now")
            return super().accept(*args, **more)  # type: ignore[arg-type]

    closed = Closed(store, lease=15, quiet=0, cap=0, days=30)
    desk = Desk(world.page, closed, Roster(store), store.ping)
    with pytest.raises(StoreUnavailable):
        desk.say(tab, "two loaves")
    assert (said(see(desk, tab)), see(desk, tab).note) == (["two loaves"], words.NOT_SENT.en)
    closed.open = True
    desk.say(tab, "two loaves")
    work(world, tab)

    assert (said(see(desk, tab)), see(desk, tab).note) == (["two loaves", "re: two loaves"], "")


def test_nothing_stands_there_that_was_not_taken(away: Desk, desk: Desk, world: Indoors, tab: Tab) -> None:
    """Its person reads so for as long as it is so: while the store is away, and when it is back."""
    with pytest.raises(StoreUnavailable):
        away.say(tab, "hello")
    assert tab.unsure == ("", "")
    assert [see(one, tab).note for one in (away, desk)] == [words.NOT_SENT.en] * 2
    desk.say(tab, "hello")
    work(world, tab)

    assert (said(see(desk, tab)), see(desk, tab).note) == (["hello", "re: hello"], "")


def test_what_was_not_taken_is_forgotten_with_the_page(away: Desk, desk: Desk, world: Indoors, tab: Tab) -> None:
    with pytest.raises(StoreUnavailable):
        away.say(tab, "hello")
    desk.clear(tab)
    work(world, tab)

    assert see(desk, tab).note == ""


# -- what is wanted ------------------------------------------------------------------------------------


def test_a_second_answer_takes_the_place_of_the_first(desk: Desk, world: Indoors, tab: Tab) -> None:
    world.backend.answers = ["Ana", "Luis"]
    desk.say(tab, "a name?")
    work(world, tab)
    desk.retry(tab)
    work(world, tab)

    assert said(see(desk, tab)) == [r"a name\?", "Luis"]


def test_a_command_is_not_asked_again(desk: Desk, world: Indoors, tab: Tab) -> None:
    """Its answer would be taken away, and another question's would come."""
    assert not see(desk, tab).again
    desk.say(tab, "/help")
    work(world, tab)
    assert not see(desk, tab).again


def test_who_asks_for_a_person_in_plain_words_gets_one(desk: Desk, world: Indoors, tab: Tab) -> None:
    """As on the platforms; and nothing is asked again that the model was not asked."""
    desk.say(tab, "I would like to talk to a person")
    work(world, tab)

    seen = see(desk, tab)
    assert "/resume" in said(seen)[-1]
    assert not seen.again
    desk.say(tab, "hello?")
    work(world, tab)
    assert said(see(desk, tab))[-1] == r"hello\?"


def test_beginning_afresh_leaves_nothing_but_that_it_was_done(
    desk: Desk, world: Indoors, tab: Tab, store: Store
) -> None:
    desk.say(tab, "my name is Ana")
    work(world, tab)
    desk.clear(tab)
    work(world, tab)

    (told,) = said(see(desk, tab))
    assert "forgotten" in told
    assert list(History(store).tail(tab.conversation, 0, 1000)) == []


def test_stopping_ends_what_is_on_its_way(desk: Desk, world: Indoors, tab: Tab) -> None:
    desk.say(tab, "a story")
    desk.stop(tab)
    work(world, tab)

    assert said(see(desk, tab)) == ["a story"]
    assert not see(desk, tab).busy
