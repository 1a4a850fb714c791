"""What the page says of Redis is what the product's own stores wrote there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.message import Message, Turn
from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from bot.stores.roster import Card, Roster
from bot.stores.wakeups import Wakeups
from simulator.page.inside import Inside, Standing
from tests.unit.mailboxes import open_mailbox, reply

CHAT = "telegram:7123:34611"
OTHER = "whatsapp:1065:34600111222"


@pytest.fixture
def inside(store: Store) -> Iterator[Inside]:
    path = str(store.client.connection_pool.connection_kwargs["path"])
    found = Inside(path, (CHAT, OTHER))
    yield found
    found.close()


def said(number: int) -> Message:
    return Message(f"id/{number}", CHAT, f"message {number}")


def stage(inside: Inside) -> str:
    return inside.standings()[CHAT].stage


def test_a_messages_stages_are_told_one_after_the_other(inside: Inside, store: Store) -> None:
    mailbox = open_mailbox(store)
    assert inside.standings() == {CHAT: Standing("rest"), OTHER: Standing("rest")}
    mailbox.accept([said(1), said(2)])
    assert inside.standings()[CHAT] == Standing("waiting", 2)
    assert inside.due() == 1
    mailbox.take(CHAT, "token")
    standing = inside.standings()[CHAT]
    assert (standing.stage, standing.waiting, standing.thinking) == ("thinking", 0, 2)
    assert 10 < standing.lease <= 15
    mailbox.commit(CHAT, "token", 1, reply(1), [Turn("user", "message 1", 1, 1), Turn("assistant", "answer", 1, 1)])
    assert stage(inside) == "speaking"
    assert inside.history(CHAT, 5) == [("user", "message 1"), ("assistant", "answer")]
    assert inside.history(CHAT, 1) == [("assistant", "answer")]
    assert inside.standings()[OTHER] == Standing("rest")


def test_a_burst_that_is_not_over_is_listened_to(inside: Inside, store: Store) -> None:
    mailbox = open_mailbox(store, quiet=30)
    mailbox.accept([said(1)])
    mailbox.take(CHAT, "token")
    assert stage(inside) == "listening"


def test_a_turn_that_nobody_holds_waits(inside: Inside, mailbox: Mailbox) -> None:
    mailbox.accept([said(1)])
    mailbox.take(CHAT, "token")
    mailbox.defer(CHAT, "token", 20)
    assert stage(inside) == "waiting"


def test_who_runs_a_turn_is_known_by_their_pid(inside: Inside, mailbox: Mailbox, store: Store) -> None:
    """By RQ's books, and only as long as the lease is held."""
    store.client.hset("rq:worker:w1", mapping={"pid": 4711})
    mailbox.accept([said(1)])
    assert Wakeups(store, "w1").take(0)
    assert inside.holders() == {CHAT: 4711}
    assert inside.standings()[CHAT].holder == 0
    mailbox.take(CHAT, "token")
    assert inside.standings()[CHAT].holder == 4711


def test_workers_cards_are_read(inside: Inside, store: Store) -> None:
    assert inside.cards() == {}
    Roster(store).sign(Card("w1", "here", 4711, slots=16, memory=90 << 20))
    Roster(store).sign(Card("w2", "here", 4712, slots=16))
    cards = inside.cards()
    assert set(cards) == {4711, 4712}
    assert (cards[4711]["slots"], cards[4711]["memory"]) == (16, 90 << 20)
