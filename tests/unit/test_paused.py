"""In how many conversations a person answers is known without looking at any, however their pauses end."""

from __future__ import annotations

import pytest

from bot.stores.connection import PAUSED, Store, key
from bot.stores.glance import glance
from bot.stores.handovers import HANDED_OVER
from bot.stores.mailbox import Mailbox
from tests.unit.mailboxes import ANA, BEA, now_ms, reply, said


def test_a_pause_counts_until_it_ends(store: Store, mailbox: Mailbox) -> None:
    """One that has no end is not a person's who answers; one that is over does not count, whoever looked or not."""
    for conversation, paused, seconds in ((ANA, HANDED_OVER, 60), (BEA, "opted out", 0)):
        mailbox.accept([said(1, conversation=conversation)])
        mailbox.take(conversation, "a")
        mailbox.commit(conversation, "a", 1, None, paused=paused, pause_seconds=seconds)
        mailbox.release(conversation, "a")
    assert glance(store).paused == 1

    over = now_ms(store) - 1
    store.client.zadd(PAUSED, {ANA: over})
    assert glance(store).paused == 0
    mailbox.sweep()
    assert store.client.zcard(PAUSED) == 0


def paused(mailbox: Mailbox, seconds: float = 60) -> None:
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 1, None, paused=HANDED_OVER, pause_seconds=seconds)
    mailbox.release(ANA, "a")


@pytest.mark.parametrize(("until", "left"), [("1", 0), ("99999999999999", 1)])
def test_a_pause_is_as_long_as_its_conversation_says(store: Store, mailbox: Mailbox, until: str, left: int) -> None:
    """Where whoever looks finds it over, or finds that the clock went back, the index follows."""
    paused(mailbox)
    store.client.zadd(PAUSED, {ANA: 10**14})
    store.client.hset(key(ANA, "state"), "paused_until", until)
    mailbox.accept([said(2)])
    mailbox.take(ANA, "b")
    assert glance(store).paused == left
    assert (store.client.zscore(PAUSED, ANA) or 0) <= now_ms(store) + 60_000


def test_whoever_wants_all_to_go_is_paused_no_more(store: Store, mailbox: Mailbox) -> None:
    paused(mailbox)
    mailbox.accept([said(2)])
    mailbox.take(ANA, "b")
    mailbox.commit(ANA, "b", 2, reply(2), mode="erase", erases=ANA)
    assert store.client.zcard(PAUSED) == 0
