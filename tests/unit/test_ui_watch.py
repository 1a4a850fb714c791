"""What a tab of the chat page sees of its conversation, and when."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import threading
from collections.abc import Awaitable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from bot.stores.connection import Store
from bot.stores.page import PERSON
from bot.stores.roster import Roster
from tests.unit.desks import cut_off, new_tab, said, staffed, work
from tests.unit.paged import Indoors
from workers.ui import watch as watching
from workers.ui import words
from workers.ui.desk import Desk
from workers.ui.tab import Sight, Tab
from workers.ui.watch import see, watch


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


# -- what is seen --------------------------------------------------------------------------------------


def test_a_tab_sees_what_an_earlier_one_of_its_conversation_said(desk: Desk, world: Indoors, tab: Tab) -> None:
    desk.say(tab, "hello")
    work(world, tab)
    assert see(desk, Tab(tab.conversation, "en")) == see(desk, tab)


def test_what_stands_there_is_made_ready_to_be_shown_once(
    desk: Desk, world: Indoors, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long conversation is looked at twenty times a second while an answer grows in it."""
    made: list[str] = []

    def noted(text: str) -> str:
        made.append(text)
        return text

    monkeypatch.setattr(watching, "literal", noted)
    for text in ("one", "two", "three"):
        world.page.put(tab.conversation, text, PERSON, text)
        see(desk, tab)

    assert made == ["one", "two", "three"]


def test_while_an_answer_is_due_that_is_said(desk: Desk, world: Indoors, tab: Tab) -> None:
    desk.say(tab, "hello")
    waiting = see(desk, tab)
    world.page.type(tab.conversation, 5)
    typing = see(desk, tab)
    work(world, tab)

    assert (waiting.note, waiting.busy, waiting.again) == (words.WRITING.en, True, False)
    assert typing.note == words.WRITING.en
    assert (see(desk, tab).note, see(desk, tab).busy) == ("", False)


def test_who_waits_long_is_told_that_the_message_is_kept(desk: Desk, tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SOON_SECONDS", 0.0)
    desk.say(tab, "hello")
    assert see(desk, tab).note == words.KEPT.en


def test_where_nobody_works_that_is_said(world: Indoors, store: Store, tab: Tab) -> None:
    desk = Desk(world.page, world.mailbox, Roster(store), store.ping)
    assert see(desk, tab).note == ""
    desk.say(tab, "hello")
    assert see(desk, tab).note == words.NOBODY.en


def test_while_redis_is_away_the_tab_keeps_what_it_shows(away: Desk, tab: Tab) -> None:
    tab.shown = Sight(((PERSON, "hello"), ("assistant", "hi")), again=True)
    seen = see(away, tab)

    assert seen == Sight(tab.shown.said, words.AWAY.en)


def test_while_redis_is_away_a_tab_that_was_forgotten_keeps_what_it_shows(away: Desk, tab: Tab) -> None:
    """Nobody here knows what that is, so that nothing takes its place."""
    assert see(away, tab) == Sight(None, words.AWAY.en)


SHOWN = """
import gradio
from workers.ui.page import _shown
from workers.ui.tab import Sight
print([_shown(Sight(said))[0] == gradio.skip() for said in (None, (), (("person", "hello"),))])
"""


@pytest.mark.skipif(find_spec("gradio") is None, reason="make install EXTRAS=ui")
def test_where_nobody_knows_what_stands_there_nothing_is_put_in_its_place(clean_env: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", SHOWN], env=clean_env, capture_output=True, text=True, check=True)

    assert done.stdout == "[True, False, False]\n"


# -- watching ------------------------------------------------------------------------------------------


async def _sights(desk: Desk, tab: Tab) -> list[Sight]:
    return [sight async for sight in watch(desk, tab)]


def test_a_tab_at_rest_is_shown_what_there_is_once(desk: Desk, world: Indoors, tab: Tab) -> None:
    desk.say(tab, "hello")
    work(world, tab)

    assert [said(sight) for sight in asyncio.run(_sights(desk, tab))] == [["hello", "re: hello"]]
    assert asyncio.run(_sights(desk, tab)) == []


def test_an_answer_is_watched_until_it_is_whole(desk: Desk, world: Indoors, tab: Tab) -> None:
    """Whatever becomes of it is seen, and nothing twice; the watching ends by itself."""

    async def both() -> list[Sight]:
        seen: list[Sight] = []

        async def look() -> None:
            seen.extend([sight async for sight in watch(desk, tab)])

        looking = asyncio.create_task(look())
        await asyncio.sleep(0)
        await asyncio.to_thread(work, world, tab)
        await asyncio.wait_for(looking, 20)
        return seen

    desk.say(tab, "hello")
    seen = asyncio.run(both())

    assert said(seen[-1]) == ["hello", "re: hello"]
    assert not seen[-1].busy
    assert all(one != other for one, other in itertools.pairwise(seen))


def test_a_later_watch_takes_over_from_an_earlier_one(desk: Desk, tab: Tab) -> None:
    """Two events of one tab: the first one ends, whatever is due, and says nothing after the second has begun."""

    async def both() -> tuple[list[Sight], Sight]:
        first = watch(desk, tab)
        begun = [await anext(first)]
        rest = asyncio.create_task(_collected(first))
        tab.shown = None
        later = watch(desk, tab)
        found = await asyncio.wait_for(anext(later), 20)
        begun += await rest
        await later.aclose()  # type: ignore[attr-defined]
        return begun, found

    desk.say(tab, "hello")
    first, second = asyncio.run(both())

    assert len(first) == 1
    assert said(second) == ["hello"]


def test_who_says_something_does_not_wait_behind_those_who_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor behind those who ask whether there is news: while Redis does not answer, each of them waits for seconds."""
    over = threading.Event()
    monkeypatch.setattr(watching, "see", lambda *_: Sight() if over.wait(20) else None)
    monkeypatch.setattr(desk, "news", lambda _: (0, over.wait(20)))

    async def both() -> bool:
        looking = [asyncio.create_task(_collected(watch(desk, new_tab()))) for _ in range(40)]
        looking += [asyncio.create_task(_awaited(watching.news(desk, "web:page:x"))) for _ in range(40)]
        await asyncio.sleep(0)  # each of them looks
        try:
            return await asyncio.wait_for(asyncio.to_thread(over.is_set), 10)
        finally:
            over.set()
            await asyncio.gather(*looking)

    assert asyncio.run(both()) is False


async def _awaited(told: Awaitable[str]) -> list[Sight]:
    await told
    return []


async def _collected(sights: object) -> list[Sight]:
    return [sight async for sight in sights]  # type: ignore[attr-defined]
