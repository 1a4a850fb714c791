"""The chat page's store: what is put there stands there once, at one place, until its person wants it gone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.errors import StoreUnavailable
from bot.stores.connection import Store, connect, key
from bot.stores.page import ASSISTANT, KEPT, PAGE, PERSON, Page, View
from tests.unit.mailboxes import DAY, until

HERE = "web:page:0123456789abcdef0123456789abcdef"
HELLO, ANSWER = "m1", "1.0"

Write = Callable[[Page], object]
WRITES: dict[str, Write] = {
    "a question": lambda page: page.put(HERE, "m2", PERSON, "and on Sundays?"),
    "an answer": lambda page: page.put(HERE, "2.0", ASSISTANT, "no"),
    "a change": lambda page: page.change(HERE, ANSWER, "from nine to five"),
    "typing": lambda page: page.type(HERE, 5),
    "removing": lambda page: page.remove(HERE, [ANSWER]),
    "clearing": lambda page: page.clear(HERE),
}


@pytest.fixture
def page(store: Store) -> Page:
    return Page(store, 30)


@pytest.fixture
def begun(page: Page, store: Store) -> Page:
    """A question that the mailbox has accepted, and an answer of which more comes."""
    page.put(HERE, HELLO, PERSON, "when?")
    turn(store, 1)
    page.put(HERE, ANSWER, ASSISTANT, "from nine", growing=True)
    return page


def turn(store: Store, number: int) -> None:
    """A turn of this number is being answered."""
    store.client.set(key(HERE, "turn"), number)
    store.client.hset(key(HERE, "state"), "number", number)


def forget(store: Store) -> None:
    """All but the page is gone, as after an erasure or a long silence."""
    store.client.delete(key(HERE, "turn"), key(HERE, "state"))


def texts(page: Page) -> list[str]:
    return [one.text for one in page.read(HERE).shown]


def test_where_nobody_ever_wrote_nothing_stands(page: Page, store: Store) -> None:
    assert page.read(HERE) == View()
    assert page.version(HERE) == 0
    assert not store.client.exists(key(HERE, PAGE))


def test_bubbles_stand_in_the_order_in_which_they_came(begun: Page) -> None:
    begun.put(HERE, "m2", PERSON, "and on Sundays?")
    begun.change(HERE, ANSWER, "from nine to five")
    seen = begun.read(HERE)

    assert [(one.id, one.who, one.text, one.growing) for one in seen.shown] == [
        (HELLO, PERSON, "when?", False),
        (ANSWER, ASSISTANT, "from nine to five", False),
        ("m2", PERSON, "and on Sundays?", False),
    ]
    assert seen.shown[0].at <= seen.shown[1].at <= seen.shown[2].at
    assert seen.shown[0].at > 1_700_000_000_000


def test_said_twice_it_stands_there_once(begun: Page) -> None:
    """A worker that dies after it, and its successor: the same bubble, at its place, since it was first there."""
    [question, answer] = begun.read(HERE).shown
    begun.put(HERE, "m2", PERSON, "and on Sundays?")
    begun.put(HERE, ANSWER, ASSISTANT, "from nine", growing=True)
    begun.put(HERE, HELLO, PERSON, "when?")

    assert begun.read(HERE).shown[:2] == (question, answer)
    assert len(begun.read(HERE).shown) == 3


def test_whoever_begins_an_answer_late_does_not_take_its_end_away(begun: Page) -> None:
    """A worker that was stopped in the middle of its first words, while another one said everything."""
    begun.change(HERE, ANSWER, "from nine to five")
    begun.put(HERE, ANSWER, ASSISTANT, "from …", growing=True)

    assert [(one.text, one.growing) for one in begun.read(HERE).shown[1:]] == [("from nine to five", False)]


def test_what_was_never_there_is_not_changed_into_being(begun: Page) -> None:
    begun.change(HERE, "9.0", "from nowhere")

    assert texts(begun) == ["when?", "from nine"]


@pytest.mark.parametrize("write", WRITES)
def test_whoever_looks_notices_each_change_by_its_number(begun: Page, write: str) -> None:
    before = begun.version(HERE)
    WRITES[write](begun)

    assert begun.version(HERE) > before
    assert begun.read(HERE).version == begun.version(HERE)


def test_an_erased_page_that_is_written_to_again_has_another_number(begun: Page, store: Store) -> None:
    """A tab that still shows the old one looks again."""
    for _ in range(50):
        begun.change(HERE, ANSWER, "from nine to five")
    before = begun.version(HERE)
    store.client.delete(key(HERE, PAGE))
    begun.put(HERE, "m3", PERSON, "hello")

    assert begun.version(HERE) > before


# -- typing ---------------------------------------------------------------------------------------------


def test_typing_is_seen_until_the_answer_begins(begun: Page) -> None:
    begun.type(HERE, 60)
    begun.put(HERE, "m2", PERSON, "and on Sundays?")
    assert begun.read(HERE).typing
    begun.put(HERE, "2.0", ASSISTANT, "no", growing=True)
    assert not begun.read(HERE).typing


def test_typing_of_a_worker_that_is_gone_ends_by_itself(begun: Page) -> None:
    begun.type(HERE, 0.15)
    assert begun.read(HERE).typing
    until(lambda: not begun.read(HERE).typing)


# -- clearing -------------------------------------------------------------------------------------------


def test_of_what_was_cleared_away_nothing_comes_back(begun: Page, store: Store) -> None:
    """Neither what stood there, nor what its turn was about to say first; what is asked afterwards is answered."""
    turn(store, 2)
    begun.type(HERE, 60)
    begun.clear(HERE)
    begun.change(HERE, ANSWER, "from nine to five")
    for late in (ANSWER, "2.0", "2.1", "-2.0"):
        begun.put(HERE, late, ASSISTANT, "too late")
    assert begun.read(HERE).shown == ()
    assert not begun.read(HERE).typing

    begun.put(HERE, "m9", PERSON, "hello")
    begun.put(HERE, "3.0", ASSISTANT, "good morning")
    assert texts(begun) == ["hello", "good morning"]


def test_some_can_be_taken_away_alone(begun: Page) -> None:
    begun.remove(HERE, [])
    assert texts(begun) == ["when?", "from nine"]
    begun.remove(HERE, [ANSWER, "nothing"])
    assert texts(begun) == ["when?"]


def test_the_newest_are_kept(page: Page) -> None:
    for number in range(KEPT + 60):
        page.put(HERE, f"m{number}", PERSON, f"n{number}")
    found = texts(page)

    assert KEPT <= len(found) <= KEPT + 10
    assert found[-1] == f"n{KEPT + 59}"
    assert found == [f"n{number}" for number in range(KEPT + 60 - len(found), KEPT + 60)]


# -- its end --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", sorted(WRITES.keys() - {"a question"}))
def test_who_was_erased_is_not_written_to_by_whoever_hears_of_it_late(begun: Page, store: Store, write: str) -> None:
    forget(store)
    store.client.delete(key(HERE, PAGE))
    WRITES[write](begun)

    assert store.client.keys("*") == []


def test_turns_that_begin_with_1_again_answer_below_what_was_asked(begun: Page, store: Store) -> None:
    """After an erasure, or a long silence, a turn has a number that another one had: its bubble is another one."""
    begun.put(HERE, "2.0", ASSISTANT, "goodbye")
    forget(store)
    for number in ("m7", "m8"):
        begun.put(HERE, number, PERSON, "hello again")
    turn(store, 1)
    begun.put(HERE, ANSWER, ASSISTANT, "good morning")

    assert texts(begun) == ["when?", "from nine", "goodbye", "hello again", "hello again", "good morning"]
    assert len({one.id for one in begun.read(HERE).shown}) == 6


def test_what_was_cleared_once_does_not_hush_turns_that_begin_with_1_again(begun: Page, store: Store) -> None:
    turn(store, 40)
    begun.clear(HERE)
    forget(store)
    begun.put(HERE, "m7", PERSON, "hello again")
    begun.put(HERE, ANSWER, ASSISTANT, "good morning")

    assert texts(begun) == ["hello again", "good morning"]


@pytest.mark.parametrize("write", WRITES)
def test_it_goes_by_itself_where_nothing_happens_for_so_long(begun: Page, store: Store, write: str) -> None:
    store.client.persist(key(HERE, PAGE))
    WRITES[write](begun)

    assert 29 * DAY < store.client.pttl(key(HERE, PAGE)) <= 30 * DAY


# -- whatever comes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "1|2|person|0|3|x", "a\nb\r\n\0c", "🙂 ñ", "|" * 50, "x" * 200_000])
def test_any_text_stands_there_as_it_is(page: Page, text: str) -> None:
    page.put(HERE, HELLO, PERSON, text)
    page.put(HERE, HELLO, PERSON, text)

    assert texts(page) == [text]


def test_what_no_encoding_has_is_shown_as_far_as_it_can_be(page: Page) -> None:
    page.put(HERE, HELLO, PERSON, "half \ud83d a smile")

    assert texts(page) == ["half ? a smile"]


def test_many_who_write_at_once_each_have_their_place(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: Page(store, 30).put(HERE, f"m{n}", PERSON, f"n{n}"), range(80)))

    assert sorted(texts(Page(store, 30))) == sorted(f"n{n}" for n in range(80))


@pytest.mark.parametrize("call", [*WRITES.values(), lambda page: page.read(HERE), lambda page: page.version(HERE)])
def test_without_redis_every_step_says_so(tmp_path: Path, call: Write) -> None:
    away = connect(f"unix://{tmp_path}/nobody.sock", tmp_path, 1)
    with pytest.raises(StoreUnavailable):
        call(Page(away, 30))
