"""What the scenario of streamed answers calls a fault, told apart from what is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.channels._telegram_markup import render
from simulator.bubble import Bubble
from simulator.calls import Call
from simulator.chaos.grown import Life
from simulator.chaos.tales import LENGTHS, PIECES, answer, tale, told
from tests.markdown_texts import units

MARKS = [f"c{number} n1 {number:08x}" for number in range(60)]


def asked(*marks: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": "\n".join(marks)}]}


def bubbles(*marks: str) -> list[Bubble]:
    """What a person sees of an answer."""
    pieces = render("".join(answer(asked(*marks))))
    return [Bubble(str(number), "assistant", piece.text) for number, piece in enumerate(pieces)]


@pytest.mark.parametrize("mark", MARKS)
def test_a_whole_answer_has_no_fault(mark: str) -> None:
    (found,) = told(bubbles(mark))

    assert found.marks == [mark]
    assert found.fault == ""


def test_answers_are_of_all_lengths_and_the_same_ones_for_the_same_message() -> None:
    sizes = sorted(len(tale([mark])) for mark in MARKS)

    assert sizes[0] < 100
    assert LENGTHS[1] * 0.6 < sizes[-1] < LENGTHS[1] * 1.2
    assert tale(MARKS[:1]) == tale(MARKS[:1]) != tale(MARKS[1:2])
    assert max(len(answer(asked(mark))) for mark in MARKS) <= PIECES + 1


def test_an_answer_without_its_second_bubble_is_faulty() -> None:
    long = next(found for mark in MARKS if len(found := bubbles(mark)) > 2)

    assert "missing" in next(told([long[0], *long[2:]])).fault
    assert "twice" in next(told([*long, long[-1]])).fault
    assert "another order" in next(told([long[0], long[2], long[1], *long[3:]])).fault


def test_two_answers_are_two_and_what_was_left_behind_is_none() -> None:
    opening = Bubble("0", "assistant", "re: c0 n1 …")
    found = list(told([opening, *bubbles(MARKS[0]), opening, *bubbles(MARKS[1]), Bubble("p", "person", "w1 w2")]))

    assert [each.marks for each in found] == [[MARKS[0]], [MARKS[1]]]
    assert [each.fault for each in found] == ["", ""]


def call(text: str, time: float, *, taken: bool = True, status: int = 200) -> Call:
    return Call(time, "editMessageText", "1", {"text": text}, "9" if taken else "", taken, status)


def test_only_what_stands_there_already_is_a_repetition() -> None:
    refused = call("a …", 2.0, taken=False, status=400)
    limited = call("a b", 3.0, taken=False, status=429)

    assert list(Life([call("a …", 1.0), refused]).repeats()) == [refused]
    assert list(Life([call("a …", 1.0), limited, call("a b", 4.0)]).repeats()) == []
    assert list(Life([call("a …", 1.0), replace(refused, status=429)]).repeats()) == []


def test_previews_are_the_edits_before_the_end() -> None:
    life = Life([call("a …", 0.0), call("a b …", 1.2), call("a b c …", 2.4), call("a b c d", 2.5)])

    assert [one.time for one in life.previews] == [1.2, 2.4]
    assert units(str(life.taken[-1].params["text"])) == 7
