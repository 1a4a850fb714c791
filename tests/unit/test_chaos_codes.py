"""What is to become of an answer that WhatsApp refuses is judged as it should be."""

from __future__ import annotations

import pytest

from simulator.calls import Call
from simulator.chaos.fates import MOST_TRIES, TABLE, Fate, Injected, fault_of
from simulator.chaos.load import marks_in
from simulator.graph import TITLES
from tests.unit.ledgers import ONE, TWO

AGAIN = 50.0
"""When the person writes once more."""


def tries(*times: tuple[float, bool]) -> list[Call]:
    return [Call(time, "messages", "34600", {}, taken=taken) for time, taken in times]


@pytest.mark.parametrize(
    ("fate", "times"),
    [
        ("ends", [(1, False)]),
        ("waits", [(1, False), (3.1, True)]),
        ("again", [(1, False), (1.1, False), (2, True)]),
        ("parks", [(1, False), (51, True)]),
    ],
)
def test_what_was_done_as_it_must_be_has_no_fault(fate: Fate, times: list[tuple[float, bool]]) -> None:
    assert fault_of(Injected(1, fate, pause=2.0), tries(*times), AGAIN) == ""


@pytest.mark.parametrize(
    ("fate", "times", "fault"),
    [
        ("ends", [], "the code was not met"),
        ("ends", [(1, True)], "the code was not met"),
        ("ends", [(1, False), (2, False)], "sent 2 times"),
        ("ends", [(1, False), (2, True)], "sent 2 times"),
        ("waits", [(1, False)], "taken 0 times in 1 tries"),
        ("waits", [(1, False), (2.9, True)], "sent before the pause was over"),
        ("again", [(1, False), (2, True), (3, True)], "taken 2 times in 3 tries"),
        ("again", [(n, n == MOST_TRIES) for n in range(MOST_TRIES + 1)], f"tried {MOST_TRIES + 1} times"),
        ("parks", [(1, False), (49, False), (51, True)], "sent before the person wrote again"),
        ("parks", [(1, False)], "taken 0 times in 1 tries"),
    ],
)
def test_what_was_done_otherwise_is_found(fate: Fate, times: list[tuple[float, bool]], fault: str) -> None:
    assert fault_of(Injected(1, fate, pause=2.0), tries(*times), AGAIN) == fault


@pytest.mark.parametrize("text", [f"re: {ONE}\n{TWO}", {"body": f"re: {ONE}\n{TWO}"}])
def test_every_mark_of_a_bubble_is_seen_on_each_platform(text: object) -> None:
    """Also one that opens a line."""
    assert marks_in(Call(1, "messages", "34600", {"text": text})) == [ONE, TWO]
    assert marks_in(Call(1, "read", "34600", {})) == []


def test_every_code_has_its_words_and_one_fate() -> None:
    assert {one.code for one in TABLE} <= TITLES.keys()
    assert len({(one.code, one.fate) for one in TABLE}) == len({one.code for one in TABLE})
    assert len(set(TABLE)) == len(TABLE)
