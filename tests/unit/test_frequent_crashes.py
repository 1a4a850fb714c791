"""Whatever happens to a worker, a frequent answer is said once and kept whole."""

from __future__ import annotations

from contextlib import suppress

import pytest

from bot.message import Message
from bot.stores import frequent as store_of
from bot.stores.connection import Store, key
from bot.stores.history import History
from tests.unit.fates import EditingChannel, Killed, Steps
from tests.unit.mailboxes import ANA, BEA, counted
from tests.unit.shops import ASKED, EVA, Shop, kept


@pytest.fixture
def shop(store: Store) -> Shop:
    return Shop(store)


@pytest.mark.parametrize("who", [BEA, EVA], ids=["who stores it", "who is given it"])
def test_a_worker_that_dies_anywhere_is_replayed_and_said_once(store: Store, who: str) -> None:
    """At each step to Redis: one turn, its answer whole and shown once; and what is kept is whole, or not there yet."""
    at = 1
    while _is_killed_at(store, at, who):
        store.client.flushdb()
        at += 1
    assert at > 6


def _is_killed_at(store: Store, at: int, who: str) -> bool:
    """Let a worker die at this step of answering, and another one go on; False when there were fewer steps."""
    before = {BEA: [ANA], EVA: [ANA, BEA]}[who]
    channel = EditingChannel()
    heir = Shop(store, channel=channel)
    for one in before:
        heir.backend.answers = ["A las nueve."]
        heir.ask(one)
    heir.mailbox.accept([Message("last", who, ASKED)])
    steps = Steps(store)
    worker = Shop(steps, channel=channel)
    worker.backend.answers = ["A las nueve."]
    steps.at, steps.fate = at, steps.die
    with suppress(Killed):
        worker.answerer.answer(who)
    heir.backend.answers = ["A las nueve."]
    store.client.delete(key(who, "lease"))
    heir.answerer.answer(who)
    assert [turn.text for turn in History(store).tail(who, 0, 1000)] == [ASKED, "A las nueve."], at
    assert kept(store) == ["A las nueve."] or (who == BEA and kept(store) == []), at
    assert list(channel.bubbles.values()).count("A las nueve.") == len(before) + 1, at
    return steps.dead


def test_two_who_store_at_once_leave_one_answer(store: Store) -> None:
    known = [store_of.keep(store, "q", who, text, 60) for who, text in _three(store)]

    assert known == ["asked", "stored", "had"]
    assert store_of.answer(store, "q") == "two"


def test_storing_twice_changes_nothing(store: Store) -> None:
    _three(store)
    first = [store_of.keep(store, "q", ANA, "one", 60) for _ in range(2)]
    then = [store_of.keep(store, "q", BEA, "two", 60) for _ in range(2)]

    assert (first, then) == (["asked", "known"], ["stored", "known"])
    assert [counted(store, f"frequent_{name}") for name in ("miss", "stored")] == [2, 1]


def _three(store: Store) -> list[tuple[str, str]]:
    for conversation in (ANA, BEA, EVA):
        store.client.hset(key(conversation, "state"), "number", 1)
    return [(ANA, "one"), (BEA, "two"), (EVA, "three")]
