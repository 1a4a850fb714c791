"""History: the newest turns, in order, for what they cost and no more."""

from __future__ import annotations

from bot.message import Turn
from bot.stores.connection import Store, key
from bot.stores.history import History, pack, unpack

ANA = "telegram:7:1"


def remember(store: Store, turns: int) -> None:
    """``turns`` questions and answers of ten tokens each."""
    pipe = store.client.pipeline()
    for number in range(1, turns + 1):
        pipe.rpush(key(ANA, "history"), pack(Turn("user", f"q{number}", 10, number)))
        pipe.rpush(key(ANA, "history"), pack(Turn("assistant", f"a{number}", 10, number)))
    pipe.execute()


def test_a_turn_comes_back_as_it_was_without_its_note() -> None:
    assert unpack(pack(Turn("user", "¿mañana? 🎂\n", 7, 3, "today"))) == Turn("user", "¿mañana? 🎂\n", 7, 3)


def test_the_tail_is_oldest_first_and_reaches_as_far_as_the_budget(store: Store) -> None:
    remember(store, 500)
    turns = History(store).tail(ANA, window=0, budget=1000)
    assert [turn.text for turn in turns[-2:]] == ["q500", "a500"]
    assert len(turns) == 101
    assert [turn.number for turn in turns] == sorted(turn.number for turn in turns)


def test_the_tail_reaches_no_further_back_than_the_window(store: Store) -> None:
    """What was cut once is not read again, however large the budget."""
    remember(store, 500)
    turns = History(store).tail(ANA, window=495, budget=1_000_000)
    assert [turn.number for turn in turns] == [n for n in range(495, 501) for _ in "qa"]


def test_a_short_history_is_read_whole(store: Store) -> None:
    remember(store, 3)
    assert [turn.text for turn in History(store).tail(ANA, 0, 1000)] == ["q1", "a1", "q2", "a2", "q3", "a3"]
    assert History(store).tail("telegram:7:2", 0, 1000) == []
