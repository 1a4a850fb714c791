"""History knows when something was said and when it was answered, by Redis' clock."""

from __future__ import annotations

import json

from bot.message import Message, Turn
from bot.stores.connection import Store, key
from bot.stores.history import History, pack, unpack
from bot.stores.mailbox import Mailbox
from tests.unit.mailboxes import ANA, now_ms, until


def answered(mailbox: Mailbox, store: Store, *messages: Message) -> tuple[list[Turn], int]:
    """A question of these and its answer, and when the first of them was accepted at the latest."""
    mailbox.accept(messages[:1])
    first = now_ms(store)
    until(lambda: now_ms(store) > first)
    mailbox.accept(messages[1:])
    mailbox.take(ANA, "a")
    until(lambda: now_ms(store) > first + 1)
    asked = Turn("user", '"r":"assistant"', 3, 1, said=(("b1", 15), ("b2", 0)))
    assert mailbox.commit(ANA, "a", 1, None, [asked, Turn("assistant", '"r":"user"}', 4, 1)])
    return History(store).tail(ANA, 0, 1000), first


def test_a_question_has_the_time_of_its_first_message_and_an_answer_that_of_its_commit(
    mailbox: Mailbox, store: Store
) -> None:
    before = now_ms(store)
    [asked, said], first = answered(mailbox, store, Message("1", ANA, "one"), Message("2", ANA, "two"))

    assert before <= asked.at <= first < said.at <= now_ms(store)
    assert (asked.text, said.text) == ('"r":"assistant"', '"r":"user"}')


def test_a_commit_that_is_repeated_changes_no_time(mailbox: Mailbox, store: Store) -> None:
    turns, _ = answered(mailbox, store, Message("1", ANA, "one"))
    mailbox.commit(ANA, "a", 1, None, [Turn("user", "again", 3, 1)])

    assert [(turn.text, turn.at) for turn in History(store).tail(ANA, 0, 1000)] == [(t.text, t.at) for t in turns]


def test_what_a_message_leaves_behind_when_it_is_taken_back_keeps_its_time(mailbox: Mailbox, store: Store) -> None:
    """The script that takes it out writes the rest anew."""
    turns, _ = answered(mailbox, store, Message("1", ANA, "one"))
    mailbox.accept([Message("2", ANA, "", revokes="b2")])

    assert [turn.at for turn in History(store).tail(ANA, 0, 1000)] == [turn.at for turn in turns]


def test_what_an_older_version_wrote_is_read_without_a_time(store: Store) -> None:
    old = pack(Turn("user", "hello", 1, 1))
    store.client.rpush(key(ANA, "history"), old)

    assert "a" not in json.loads(old)
    assert unpack(old).at == 0
    assert History(store).tail(ANA, 0, 100)[0].text == "hello"
