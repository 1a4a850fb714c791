"""What stands on the chat page is its person's: theirs to have, gone when they want, and saved with the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.backup.keys import is_key
from bot.stores import erase
from bot.stores.connection import DUE, Store, connect, key
from bot.stores.page import PAGE
from bot.stores.person import Person, export
from bot.stores.snapshot import Snapshot
from bot.stores.tidy import Tidy
from tests.servers import serving
from tests.tabs import Tab
from tests.unit.everything import everything
from tests.unit.mailboxes import until
from tests.unit.paged import Indoors
from workers import jobs

WORDS = "canario-4711"
HOUR = 3_600_000


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker here needs time to notice."""
    monkeypatch.setattr(erase, "NOTICE_SECONDS", 0)


@pytest.fixture
def world(store: Store) -> Indoors:
    return Indoors(store)


@pytest.fixture
def tab(world: Indoors) -> Tab:
    """Somebody was answered."""
    tab = world.tab()
    world.ask(tab, WORDS)
    return tab


def of(tab: Tab, *, chat: bool) -> Person:
    """Whom an operator means: the tab by its whole name, or its chat."""
    return Person.parse(f"web:{tab.conversation.split(':')[2]}" if chat else tab.conversation)


# -- for its operator ------------------------------------------------------------------------------


@pytest.mark.parametrize("chat", [True, False])
def test_an_export_has_what_stands_there(store: Store, tab: Tab, chat: bool) -> None:
    [found] = export(store, of(tab, chat=chat))["conversations"]
    bubbles = {name: text for name, text in found["page"].items() if name.startswith("b:")}

    assert [text.split("|")[-1] for text in bubbles.values()] == [WORDS, f"re: {WORDS}"]
    assert found["channel"] == "web"
    assert json.dumps(found)


@pytest.mark.parametrize("chat", [True, False])
def test_erased_nothing_of_it_is_left_and_the_neighbour_stays(
    store: Store, world: Indoors, tab: Tab, chat: bool
) -> None:
    neighbour = world.tab("neighbour")
    world.ask(neighbour, "hello")
    there = neighbour.shown
    erase.erase(store, of(tab, chat=chat))

    left = str(everything(store))
    assert [word for word in (WORDS, tab.conversation.split(":")[2]) if word in left] == []
    assert neighbour.shown == there


def test_what_a_worker_still_says_to_whoever_was_erased_is_written_nowhere(
    store: Store, world: Indoors, tab: Tab
) -> None:
    world.backend.answers = [[f"{WORDS} " for _ in range(9)]]
    world.backend.during = lambda: None
    spoken: list[str] = []

    def erased(conversation: str, bubble: str, text: str, *, growing: bool = False) -> None:
        if not spoken:
            erase.erase(store, of(tab, chat=False))
        spoken.append(text)
        type(world.page).change(world.page, conversation, bubble, text, growing=growing)

    world.page.change = erased  # type: ignore[method-assign]
    tab.say(WORDS)
    world.answerer.answer(tab.conversation)

    assert spoken
    assert [word for word in (WORDS, tab.conversation.split(":")[2]) if word in str(everything(store))] == []


def test_names_of_somebody_who_has_only_a_page_left_stay(store: Store, tab: Tab) -> None:
    """Tidying takes names of people of whom nothing is left; of this one something stands there."""
    store.client.hset("recado:alias", "web:page:other", tab.conversation)
    store.client.delete(*(key(tab.conversation, part) for part in ("state", "turn", "history", "spoken")))
    assert Tidy(store, Indoors(store).settings).now() == 0
    store.client.delete(key(tab.conversation, PAGE))
    assert Tidy(store, Indoors(store).settings).now() == 1


# -- for its person --------------------------------------------------------------------------------


def test_privacy_erase_leaves_one_last_line_for_a_while(store: Store, world: Indoors, tab: Tab) -> None:
    """It is read on the page, and is then the only thing that Redis holds of them, for an hour."""
    assert "/privacy erase yes" in world.ask(tab, "/privacy erase")[0]
    tab.say("/privacy erase yes")
    world.work(tab)
    erase.finish(store)

    [farewell] = tab.shown
    assert "I have erased all" in farewell.text
    assert [name.decode() for name in store.client.scan_iter("recado:{*")] == [key(tab.conversation, PAGE)]
    assert 0 < store.client.pttl(key(tab.conversation, PAGE)) <= HOUR
    assert WORDS not in str(everything(store))


def test_who_writes_again_after_it_is_answered_below_it(store: Store, world: Indoors, tab: Tab) -> None:
    """Turns begin with 1 again; none of their answers takes the farewell's place."""
    world.ask(tab, "/privacy erase yes")
    erase.finish(store)
    for number in range(4):
        world.ask(tab, f"hello {number}")

    assert tab.texts[1:] == [text for number in range(4) for text in (f"hello {number}", f"re: hello {number}")]
    assert "I have erased all" in tab.texts[0]


def test_a_person_reads_what_is_kept_of_them_by_asking_the_business(store: Store, world: Indoors, tab: Tab) -> None:
    """No file can be sent on the page; the export itself has all that an operator's has."""
    world.thinker._orders._export = lambda person: jobs._export(store, person)
    [said] = world.ask(tab, "/privacy export")

    assert "cannot send you files" in said
    assert WORDS not in said


# -- a backup --------------------------------------------------------------------------------------


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """Another Redis, empty."""
    with serving(tmp_path / "other", "--appendfsync", "no"):
        found = connect(f"unix://{tmp_path / 'other' / 'redis.sock'}", tmp_path, 5)
        yield found
        found.close()


def test_a_backup_has_the_page_and_the_talk_goes_on_below_it(store: Store, other: Store, tab: Tab) -> None:
    tab.say("and on Sundays?")
    there = Snapshot(other)
    groups = list(Snapshot(store).groups())
    there.put(groups, there.now())
    again = Indoors(other)
    restored = again.tab()

    assert all(is_key([one.name, one.kind, one.ends, one.value]) for group in groups for one in group)
    assert restored.shown == tab.shown
    assert other.client.zscore(DUE, restored.conversation) is not None
    again.work(restored)
    until(lambda: not again.mailbox.has_work(restored.conversation))
    assert restored.texts == [WORDS, f"re: {WORDS}", "and on Sundays?", "re: and on Sundays?"]
    assert len({one.id for one in restored.shown}) == 4
