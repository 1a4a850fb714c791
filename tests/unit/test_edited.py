"""An edited message, in the mailbox: it takes the place of what is not answered yet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.message import Message, Turn
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from bot.stores.taken import Mark, Revised, Think
from tests.unit.lines import open_line
from tests.unit.mailboxes import ANA, BEA, reply, said, state, taken_texts


def written(number: int, text: str = "", conversation: str = ANA) -> Message:
    return replace(said(number, text, conversation), bubble=f"m{number}")


def edited(number: int, text: str, of: int, conversation: str = ANA) -> Message:
    return replace(said(number, text, conversation), bubble=f"m{of}", replaces=f"m{of}")


def test_what_waits_is_put_right_where_it_stands(mailbox: Mailbox) -> None:
    mailbox.accept([written(1), written(2, "at five"), written(3)])
    assert mailbox.accept([edited(4, "at six", of=2)]) == 1
    assert taken_texts(mailbox, "a") == ["message 1", "at six", "message 3"]


def test_it_keeps_its_number_and_its_time(mailbox: Mailbox, store: Store) -> None:
    """An edit is no later than what it puts right: a stop between the two still ends it."""
    mailbox.accept([written(1, "at five")])
    before = store.client.lindex(key(ANA, "in"), 0).split(b"|")[:3]
    mailbox.accept([edited(2, "at six", of=1)])
    assert store.client.lindex(key(ANA, "in"), 0).split(b"|")[:3] == before
    assert state(store, "number") == "1"


def test_an_edit_that_is_delivered_twice_counts_once(mailbox: Mailbox) -> None:
    mailbox.accept([written(1, "at five")])
    mailbox.accept([edited(2, "at six", of=1)])
    mailbox.accept([edited(3, "at seven", of=1)])
    assert mailbox.accept([edited(2, "at six", of=1)]) == 0
    assert taken_texts(mailbox, "a") == ["at seven"]


def test_the_same_message_is_edited_again_and_again(mailbox: Mailbox) -> None:
    mailbox.accept([written(1, "a")])
    for number, text in enumerate("bcd", 2):
        assert mailbox.accept([edited(number, text, of=1)]) == 1
    assert taken_texts(mailbox, "a") == ["d"]


def test_what_is_answered_stays_so(mailbox: Mailbox, store: Store) -> None:
    """Its edit is dropped: nothing is asked twice, and nobody is rung."""
    mailbox.accept([written(1)])
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 1, None)
    mailbox.release(ANA, "a")
    assert mailbox.accept([edited(2, "at six", of=1)]) == 0
    assert not store.client.exists(key(ANA, "in"), key(ANA, "wip"))
    assert state(store, "revision") is None


def test_somebody_elses_message_with_that_id_is_not_touched(mailbox: Mailbox) -> None:
    mailbox.accept([written(1, "mine", BEA)])
    assert mailbox.accept([edited(2, "at six", of=1)]) == 0
    assert taken_texts(mailbox, "a", BEA) == ["mine"]


def test_a_text_that_quotes_an_id_is_not_taken_for_it(mailbox: Mailbox) -> None:
    mailbox.accept([written(1, '"bubble":"m9"')])
    assert mailbox.accept([edited(2, "at six", of=9)]) == 0
    assert taken_texts(mailbox, "a") == ['"bubble":"m9"']


def test_a_message_becomes_a_command_and_back(mailbox: Mailbox) -> None:
    """What it reads now decides; a command is a batch of its own."""
    mailbox.accept([written(1, "hello"), written(2, "/hlep")])
    mailbox.accept([edited(3, "/help", of=2)])
    assert taken_texts(mailbox, "a") == ["hello"]
    mailbox.commit(ANA, "a", 1, None)
    mailbox.accept([edited(4, "help me", of=2), written(5, "please")])
    assert taken_texts(mailbox, "a") == ["help me", "please"]


def test_an_edit_to_a_stop_stops_nothing_before_it(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([written(1, "one"), written(2, "two")])
    mailbox.accept([edited(3, "/stop", of=2)])
    assert state(store, "stop") is None


# -- while it is thought ---------------------------------------------------------------------------


@pytest.fixture
def thought(mailbox: Mailbox) -> Mailbox:
    mailbox.accept([written(1, "at five"), written(2, "please")])
    mailbox.take(ANA, "a")
    return mailbox


def test_whoever_thinks_is_told_that_the_question_reads_differently(thought: Mailbox) -> None:
    thought.accept([edited(3, "at six", of=1)])
    held = [(ANA, "a", ())]
    assert thought.renew(held).marks == thought.renew(held).marks == {"a": Mark(1, "1", stopped=False)}


def test_a_commit_of_the_old_words_is_refused_and_the_new_ones_are_thought(thought: Mailbox, store: Store) -> None:
    """In the same turn, so that its bubble stays the same."""
    thought.accept([edited(3, "at six", of=1)])
    for _ in range(2):
        with pytest.raises(Revised):
            thought.commit(ANA, "a", 1, reply(1), [Turn("assistant", "at five it is", 1, 1)])
    assert not store.client.exists(key(ANA, "history"), key(ANA, "out"))
    again = thought.take(ANA, "a")
    assert isinstance(again, Think)
    assert again.batch.turn == 1
    assert [message.text for message in again.batch.messages] == ["at six", "please"]
    assert thought.commit(ANA, "a", 1, reply(1), revision=again.state["revision"])
    assert state(store, "revision") is None


def test_an_edit_after_the_commit_changes_nothing(thought: Mailbox, store: Store) -> None:
    """Whichever comes first counts, and a commit that is asked for again says what it said."""
    assert thought.commit(ANA, "a", 1, reply(1))
    assert thought.accept([edited(3, "at six", of=1)]) == 0
    assert thought.commit(ANA, "a", 1, reply(1))
    assert store.client.llen(key(ANA, "out")) == 1


def test_a_turn_that_waits_is_thought_as_it_reads_when_its_time_comes(thought: Mailbox, store: Store) -> None:
    thought.defer(ANA, "a", 20)
    thought.accept([edited(3, "at six", of=1)])
    store.client.hdel(key(ANA, "state"), "think_at")
    assert taken_texts(thought, "b") == ["at six", "please"]


def test_an_edit_during_a_crash_is_found_by_the_next_worker(thought: Mailbox, store: Store) -> None:
    thought.accept([edited(3, "at six", of=1)])
    store.client.delete(key(ANA, "lease"))
    assert taken_texts(thought, "b") == ["at six", "please"]


def test_what_is_thought_next_has_a_revision_of_its_own(thought: Mailbox) -> None:
    thought.accept([edited(3, "at six", of=1)])
    again = thought.take(ANA, "a")
    assert isinstance(again, Think)
    thought.commit(ANA, "a", 1, None, revision=again.state["revision"])
    thought.accept([written(4)])
    task = thought.take(ANA, "a")
    assert isinstance(task, Think)
    assert thought.commit(ANA, "a", 2, None)


def test_who_edits_again_and_again_keeps_nobody_waiting(thought: Mailbox, store: Store) -> None:
    """Whose question is thought anew asks for a place behind those who stand in the line by then."""
    line = open_line(store)
    assert line.enter(ANA, "a", ["one"])[0] == "one"
    first = state(store, "number:models")
    thought.accept([edited(3, "at six", of=1)])
    assert first
    assert state(store, "number:models") is None
    line.leave(ANA, "a", "one", "left")
    assert line.enter(ANA, "a", ["one"])[0] == "one"
    assert int(state(store, "number:models") or 0) > int(first)


@pytest.mark.parametrize("waits", ["in the line", "for a model that is away"])
def test_who_waits_keeps_their_place_when_they_put_something_right(thought: Mailbox, store: Store, waits: str) -> None:
    line = open_line(store)
    if waits == "in the line":
        store.client.zadd("recado:places:models:one", {"somebody": 1 << 52})
    line.enter(ANA, "a", ["one"])
    if waits != "in the line":
        thought.defer(ANA, "a", 20)
    thought.accept([edited(3, "at six", of=1)])
    assert state(store, "number:models") == "1"
