"""What the scenarios of `make chaos` look at in what they saw: evidence must be able to be against us."""

from __future__ import annotations

from collections import Counter

from simulator.chaos import model_faults, points, stops, storm
from simulator.chaos.row import Row
from simulator.chaos.world import GROWING
from simulator.faults import Point


def test_a_place_that_was_not_reached_half_as_often_as_asked_is_named() -> None:
    """One that was asked for once may have been missed by chance; not so most of them."""
    usual, seldom, once = (points.Place("redis", Point(name)) for name in ("take", "renew", "commit"))

    found = points.seldom(Counter({usual: 20, seldom: 20, once: 1}), Counter({usual: 18, seldom: 9}))
    assert found == ["reached only 9 of 20 times: before renew number 1 to redis"]

    assert points.seldom(Counter({usual: 2, once: 1}), Counter({usual: 1})) == ["reached only 1 of 3 places"]
    assert points.seldom(Counter({usual: 20}), Counter({usual: 10})) == []


def test_the_fullest_second_is_found() -> None:
    assert storm.busiest([5.0, 0.0, 0.5, 0.99, 1.0, 1.2]) == 4
    assert storm.busiest([]) == 0


def test_a_text_of_two_generations_is_noticed_and_one_that_lacks_words() -> None:
    words = GROWING.split()
    whole = " ".join(f"{word}-3" for word in words)
    other = " ".join(f"{word}-4" for word in words)

    assert not model_faults.is_mixed(f"re: c1 n2 5f0c9a2e {whole}")
    assert not model_faults.is_mixed(f"re: c1 n2 5f0c9a2e {words[0]}-3 {words[1]}-3 …")
    assert not model_faults.is_mixed("something that no model said")
    assert model_faults.is_mixed(f"re: c1 n2 5f0c9a2e {words[0]}-3 {other}")
    assert model_faults.is_mixed(f"re: c1 n2 5f0c9a2e {words[0]}-3 {words[1]}-4 …")
    assert model_faults.is_mixed(f"re: c1 n2 5f0c9a2e {words[0]}-3")


def test_stops_that_nobody_took_over_from_have_shown_nothing() -> None:
    row = Row("stops", "telegram", [7], trials=3, messages=3)
    stops._judge_takeovers(row)
    assert row.broken == ["no worker took over from one that was stopped"]

    row = Row("stops", "telegram", [7], trials=3, messages=3, counts={"takeovers": 1})
    stops._judge_takeovers(row)
    assert row.ok
