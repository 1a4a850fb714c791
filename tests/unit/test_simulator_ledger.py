"""The ledger catches every kind of broken promise, and nothing else."""

from __future__ import annotations

import pytest

from simulator.ledger import Ledger, Report
from tests.unit.ledgers import GOOD, ONE, OTHER, THREE, TWO, judge, written


def broken(report: Report) -> set[str]:
    return {*report.broken, *(part for part in ("unfinished", "stray") if getattr(report, part))}


def test_a_good_history_breaks_nothing() -> None:
    report = judge(*GOOD)
    assert report.ok
    assert broken(report) == set()
    assert (report.accepted, report.answered) == (4, 4)


def test_previews_that_grow_into_the_answer_are_one_answer() -> None:
    report = judge(("ana", "10", "…"), ("ana", "10", "re: c1 n1"), *GOOD)
    assert report.ok
    assert broken(report) == set()


def test_notices_are_not_judged() -> None:
    assert broken(judge(("ana", "9", "El asistente tarda un poco; tu mensaje está guardado."), *GOOD)) == set()


def test_a_lost_message_is_caught() -> None:
    report = judge(GOOD[0], GOOD[2])
    assert report.lost == [TWO, THREE]
    assert not report.ok


@pytest.mark.parametrize("again", [("ana", "19", f"re: {ONE}"), ("ana", "10", f"re: {ONE}\n{ONE}")])
def test_a_second_answer_is_caught(again: tuple[str, str, str]) -> None:
    report = judge(*GOOD, again)
    assert report.duplicated == [ONE]
    assert not report.ok


def test_answers_in_the_wrong_order_are_caught() -> None:
    report = judge(("ana", "10", f"re: {TWO}\n{THREE}"), ("ana", "11", f"re: {ONE}"), GOOD[2])
    assert report.reordered == [ONE]
    assert not report.ok


def test_the_wrong_order_within_one_answer_is_caught() -> None:
    assert judge(("ana", "10", f"re: {TWO}\n{ONE}\n{THREE}"), GOOD[2]).reordered == [ONE]


def test_anothers_words_are_caught_even_in_a_preview_that_was_edited_away() -> None:
    report = judge(("bob", "12", f"re: {ONE}"), *GOOD)
    assert report.leaked == [ONE]
    assert not report.ok


def test_words_that_nobody_said_are_caught() -> None:
    assert judge(*GOOD, ("bob", "13", "re: c9 n9 99999999")).leaked == ["c9 n9 99999999"]


@pytest.mark.parametrize("begun", ["…", "re:", "re: c1 n2", "re: c1 n2 0000", "Soy un asistente.\n\nre: c1…"])
def test_an_answer_that_was_begun_is_unfinished_not_lost(begun: str) -> None:
    report = judge(GOOD[0], ("ana", "11", begun), GOOD[2])
    assert report.unfinished == [TWO, THREE]
    assert report.ok
    assert broken(report) == {"unfinished"}


def test_what_the_product_still_holds_is_unfinished_not_lost() -> None:
    report = judge(GOOD[0], waiting=("ana", "bob"))
    assert report.unfinished == [TWO, THREE, OTHER]
    assert report.lost == []


def test_a_message_that_was_skipped_is_lost_though_the_chat_goes_on() -> None:
    report = judge(GOOD[0], ("ana", "11", f"re: {THREE}"), GOOD[2], waiting=("ana",))
    assert report.lost == [TWO]


def test_a_bubble_left_half_beside_a_whole_answer_is_stray() -> None:
    report = judge(("ana", "9", "re: c1 n1"), *GOOD)
    assert report.stray == ["re: c1 n1"]
    assert report.ok


def test_a_message_that_was_not_accepted_may_be_answered_or_not() -> None:
    ledger = Ledger()
    ledger.said("ana", ONE, accepted=False)
    assert ledger.check().ok
    ledger.delivered("ana", "10", f"re: {ONE}")

    report = ledger.check()
    assert (report.ok, report.accepted, report.answered) == (True, 0, 0)


def test_what_was_rightly_not_answered_is_explained_not_lost() -> None:
    ledger = written(GOOD[0], GOOD[2])
    ledger.explain("ana", f"{TWO}\n{THREE}", "quota")

    report = ledger.check()
    assert report.ok
    assert (report.accepted, report.answered, report.explained) == (4, 2, {"quota": [TWO, THREE]})


def test_what_is_answered_cannot_be_explained_besides() -> None:
    """Each message counts once: as answered or as explained."""
    ledger = written(*GOOD)
    ledger.explain("ana", ONE, "dead")

    report = ledger.check()
    assert (report.duplicated, report.answered, report.explained) == ([ONE], 4, {})


def test_an_opening_that_never_got_its_rest_answers_nothing() -> None:
    """Its worker was killed before the bubble's id was stored; the answer stands in a bubble of its own."""
    opening = ("ana", "9", f"re: {ONE} …")
    assert judge(opening, *GOOD[1:]).lost == [ONE]
    report = judge(opening, *GOOD)
    assert report.ok
    assert report.stray == [opening[2]]


def test_the_last_opening_of_a_chat_that_waits_is_unfinished_not_stray() -> None:
    report = judge(GOOD[0], ("ana", "11", "re: …"), ("ana", "12", "re: c1…"), GOOD[2], waiting=("ana",))
    assert report.unfinished == [TWO, THREE]
    assert report.stray == ["re: …"]


def test_who_knows_that_nothing_is_due_takes_an_opening_for_no_promise() -> None:
    ledger = written(GOOD[0], ("ana", "11", "re: …"), GOOD[2])
    ledger.complete()
    report = ledger.check()
    assert (report.lost, report.stray, report.unfinished) == ([TWO, THREE], ["re: …"], [])

    ledger.due("ana")
    report = ledger.check()
    assert (report.lost, report.stray, report.unfinished) == ([], [], [TWO, THREE])


@pytest.mark.parametrize(
    ("first", "second", "must"),
    [
        ((1, 2), (3, 4), True),  # one after the other
        ((1, 4), (2, 3), False),  # the older one was refused, and passed by the newer
        ((1, 3), (2, 4), False),  # both on their way at once, whoever was heard first
        ((1, 2.01), (1, 2), True),  # in one body
    ],
)
def test_order_is_that_of_acceptance_where_it_can_be_known(
    first: tuple[float, float], second: tuple[float, float], *, must: bool
) -> None:
    """Each message with when it was first on its way and when it was accepted; the second is answered first."""
    ledger = Ledger()
    ledger.said("ana", ONE, time=0, tried=first[0], taken=first[1])
    ledger.said("ana", TWO, time=0, tried=second[0], taken=second[1])
    for mark in (TWO, ONE):
        ledger.delivered("ana", mark, f"re: {mark}")
    assert ledger.check().reordered == ([ONE] if must else [])


def test_nobody_waits_while_somebody_else_is_answered_again_and_again() -> None:
    """Who writes much waits for themselves, and that is no delay."""
    ledger = Ledger()
    flood = [f"c1 n{number} 0000000a" for number in range(6)]
    for number, mark in enumerate(flood):
        ledger.said("ana", mark, time=number / 10)
        ledger.delivered("ana", str(number), f"re: {mark}", time=10 + number)
    ledger.said("bob", OTHER, time=11.5)
    ledger.delivered("bob", "9", f"re: {OTHER}", time=14.5)

    assert ledger.check().delayed == []
    assert ledger.check(turns=3).delayed == []
    assert ledger.check(turns=2).delayed == [OTHER]
    assert ledger.waits()["bob"] == [3.0]


def test_the_report_prints_as_a_table() -> None:
    ledger = written(GOOD[0])
    ledger.explain("bob", OTHER, "quota")
    text = str(ledger.check())
    assert "lost" in text
    assert TWO in text
    assert "4" in text
    assert "rightly not answered: quota" in text
