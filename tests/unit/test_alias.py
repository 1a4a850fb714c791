"""A conversation that goes on under another name is the same one: no key moves, nothing is said twice or forgotten."""

from __future__ import annotations

import pytest

from bot.message import Message, Piece, Reply, Turn
from bot.stores import erase
from bot.stores.alias import link, names
from bot.stores.connection import Store, key
from bot.stores.dead import DeadLetters
from bot.stores.mailbox import QUARANTINE, UNSERVED, Mailbox, Think
from bot.stores.person import Person, export, find
from tests.unit.everything import everything

GROUP = "telegram:7:-55"
SUPERGROUP = "telegram:7:-10055"
TOPIC = "telegram:7:-10055:12"


def said(number: int, conversation: str, text: str = "hola") -> Message:
    return Message(str(number), conversation, text, bubble=str(number))


def test_what_comes_for_the_new_name_waits_with_what_came_for_the_old(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1, GROUP)])
    mailbox.alias(GROUP, SUPERGROUP)
    mailbox.accept([said(2, SUPERGROUP), said(3, GROUP)])

    task = mailbox.take(GROUP, "a")
    assert isinstance(task, Think)
    assert [(message.id, message.number) for message in task.batch.messages] == [("1", 1), ("2", 2), ("3", 3)]
    assert not store.client.keys(f"*{SUPERGROUP}*")


def test_a_move_that_is_told_again_changes_nothing(store: Store) -> None:
    """Both chats tell of it, and each may be told of again."""
    for _ in range(3):
        link(store, GROUP, SUPERGROUP)

    assert names(store) == {SUPERGROUP: GROUP}


def test_who_moves_again_keeps_the_first_name(store: Store) -> None:
    """Also when the last move is told once more, or somebody comes back to a name that they had before."""
    for old, new in (("w:1:a", "w:1:b"), ("w:1:b", "w:1:c"), ("w:1:c", "w:1:a"), ("w:1:b", "w:1:c")):
        link(store, old, new)

    assert names(store) == {"w:1:b": "w:1:a", "w:1:c": "w:1:a"}


def test_a_name_that_is_somebodys_is_not_taken_from_them(store: Store) -> None:
    link(store, "w:1:a", "w:1:b")
    link(store, "w:1:z", "w:1:b")

    assert names(store) == {"w:1:b": "w:1:a"}


def test_a_redelivery_under_another_name_stays_dropped(mailbox: Mailbox) -> None:
    mailbox.accept([said(1, SUPERGROUP)])
    mailbox.alias(GROUP, SUPERGROUP)

    assert mailbox.accept([said(1, SUPERGROUP)]) == 0


def test_an_edit_under_the_new_name_puts_right_what_waits_under_the_old(mailbox: Mailbox) -> None:
    mailbox.accept([said(1, GROUP, "hoal")])
    mailbox.alias(GROUP, SUPERGROUP)
    mailbox.accept([Message("2", SUPERGROUP, "hola", bubble="1", replaces="1")])

    task = mailbox.take(GROUP, "a")
    assert isinstance(task, Think)
    assert [message.text for message in task.batch.messages] == ["hola"]


# -- whoever asks for one name means all -------------------------------------------------------------


@pytest.fixture
def moved(mailbox: Mailbox, store: Store) -> Store:
    """A group with a history, a dead letter and a name for whoever speaks, that moved and has a topic by now."""
    mailbox.accept([said(1, GROUP)])
    mailbox.take(GROUP, "a")
    mailbox.names(GROUP, [("555", "Ana")])
    answer = Reply(1, (Piece("sorry"),))
    mailbox.commit(GROUP, "a", 1, answer, (Turn("user", "Ana: hola", 3, 1),), mode="bury", reason="broke")
    mailbox.release(GROUP, "a")
    mailbox.alias(GROUP, SUPERGROUP)
    mailbox.accept([said(2, TOPIC), said(3, "telegram:7:-100556")])
    mailbox.keep("telegram", b'{"update_id":9,"poll":{"chat":-10055}}')
    mailbox.quarantine("telegram", b'{"chat":{"id":-55}')
    return store


@pytest.mark.parametrize("name", ["-55", "-10055", "telegram:-10055", "telegram:-55"])
def test_every_name_finds_all(moved: Store, name: str) -> None:
    found = find(moved, Person.parse(name))

    assert sorted(found.conversations) == sorted([GROUP, TOPIC])
    assert found.aliases == [SUPERGROUP]
    assert len(found.quarantined) == 2


@pytest.mark.parametrize("name", [GROUP, SUPERGROUP])
def test_a_whole_name_finds_that_conversation_alone(moved: Store, name: str) -> None:
    found = find(moved, Person.parse(name))

    assert (list(found.conversations), found.aliases) == ([GROUP], [SUPERGROUP])
    assert [letters.conversation for letters in DeadLetters(moved).of(Person.parse(name))] == [GROUP]


def test_an_export_says_under_which_names_and_who_spoke(moved: Store) -> None:
    document = export(moved, Person.parse("-10055"))

    assert document["aliases"] == [SUPERGROUP]
    topic, group = document["conversations"]
    assert (topic["conversation"], group["conversation"]) == (TOPIC, GROUP)
    assert "Ana" in str(group["names"])
    assert len(document["quarantine"]) == 2


@pytest.mark.parametrize("name", ["-55", "-10055"])
def test_erased_by_one_name_it_is_gone_by_all(
    moved: Store, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """And whoever writes there again begins anew; the neighbour with the longer number keeps everything."""
    monkeypatch.setattr(erase, "NOTICE_SECONDS", 0)
    erase.erase(moved, Person.parse(name))

    left = str(everything(moved)).replace("-100556", "")
    assert "-55" not in left
    assert "-10055" not in left
    assert (names(moved), moved.client.llen(QUARANTINE), moved.client.llen(UNSERVED)) == ({}, 0, 0)
    mailbox.accept([said(9, SUPERGROUP)])
    assert moved.client.llen(key(SUPERGROUP, "in")) == 1
    assert moved.client.llen(key("telegram:7:-100556", "in")) == 1


def test_nobody_elses_alias_is_touched(store: Store, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase, "NOTICE_SECONDS", 0)
    mailbox.alias("telegram:7:-1", "telegram:7:-1001")
    mailbox.alias(GROUP, SUPERGROUP)
    erase.erase(store, Person.parse("-10055"))

    assert names(store) == {"telegram:7:-1001": "telegram:7:-1"}
