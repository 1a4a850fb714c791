"""What the benches make of what they measured: which way a ratio goes, and what is a turn's and what is not."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from types import SimpleNamespace as Some
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"
Bench = Callable[[str], ModuleType]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module


def test_a_ratio_is_ours_against_theirs_within_each_round(bench: Bench) -> None:
    """More work of ours makes it larger; of several messages in a body each bears its part."""
    contest = bench("_contest")
    ours, theirs = ([contest.Cost(ms, 0, []) for ms in each] for each in ((1.0, 4.0), (2.0, 4.0)))

    found = contest.ratio("x", ours, theirs, most=0.7)
    assert (found.low, found.high, found.value, found.held) == (0.5, 1, 0.75, False)
    assert contest.ratio("x", ours, theirs, each=5).value == pytest.approx(0.15)


def test_a_percentile_is_a_value_that_was_measured(bench: Bench) -> None:
    percentile, values = bench("_report").percentile, [4.0, 1.0, 3.0, 2.0]

    assert [percentile(values, share) for share in (0.25, 0.5, 0.51, 0.99, 1)] == [1, 2, 3, 4, 4]


def test_what_is_added_to_a_turn_is_neither_the_models_time_nor_the_pause(bench: Bench) -> None:
    """From the 200 to the whole answer 2.03 s, of which the model had 1.2 s and 0.8 s were listened."""
    crowd = Some(
        model=Some(requests=[Some(said=[("user", "c1 1")], time=100.81, ended=102.01)]),
        telegram=Some(said=[Some(chat_id="1", text="c1 1", accepted=100.0)]),
    )
    [(before, after)] = bench("scaling").ways_of(crowd, Some(persons=[Some(chat_id="1")]), {"1": 102.03})

    assert (before, after) == (pytest.approx(10), pytest.approx(20))


def test_more_workers_are_held_against_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the workers with no more throughput than one is a bound missed."""
    scaling = bench("scaling")
    for name, value in (("COUNTS", (1, 2)), ("LEAST", {2: 1.9}), ("ROUNDS", 3)):
        monkeypatch.setattr(scaling, name, value)

    def verdict(two: float) -> list[Any]:
        monkeypatch.setattr(scaling, "growing", lambda: {1: 10.0, 2: two})
        return [(one.value, one.held) for one in scaling.throughput() if getattr(one, "bound", "")]

    assert verdict(19.5) == [(pytest.approx(1.95), True)]
    assert verdict(10.0) == [(pytest.approx(1), False)]


@pytest.mark.parametrize("wrong", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_one_message_of_ours_that_is_late_lost_or_doubled_is_a_bound_missed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, wrong: tuple[int, int, int]
) -> None:
    """And of nobody else's: theirs are shown."""
    order = bench("order")
    monkeypatch.setattr(order, "recado", lambda: order.Wrong(*wrong, 2))
    monkeypatch.setattr(order, "queue", lambda _: order.Wrong(3, 3, 3, 2))
    held = [one.held for one in order.measure() if getattr(one, "held", None) is not None]

    assert held == [not count for count in wrong]


def test_a_lease_that_lasts_twice_as_long_is_a_bound_missed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    recovery = bench("recovery")
    monkeypatch.setattr(recovery, "stock_killed", lambda _: {})

    def verdict(took: float) -> bool:
        monkeypatch.setattr(recovery, "killed", lambda: took)
        return bool(next(recovery.measure()).held)

    assert verdict(1.1 * recovery.LEASE)
    assert not verdict(2 * recovery.LEASE)


def test_a_scrape_that_reads_every_conversation_is_a_bound_missed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However fast the machine: against a scrape with nobody there."""
    scrape = bench("scrape")
    for name in ("fill", "sign"):
        monkeypatch.setattr(scrape, name, lambda _: None)
    monkeypatch.setattr(scrape, "connect", lambda *_: Some(close=lambda: None))
    nobody, many = (Some(redis_url="", data_dir=BENCH, took=took) for took in (1.0, 9.0))
    monkeypatch.setattr(scrape, "scraper", lambda settings: lambda: settings.took)

    assert {one.held for one in scrape.compared(nobody, nobody)} == {None, True}
    assert [one.held for one in scrape.compared(nobody, many) if one.key == "ratio"] == [False]


def test_whoever_is_not_answered_ends_the_bench(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = bench("_crowd")
    monkeypatch.setattr(crowd, "ANSWERED_SECONDS", 0)
    lost = Some(telegram=Some(calls=[]), installation=Some(processes=Some(log_tails=lambda: "its log")))

    with pytest.raises(SystemExit, match="1 of 1 people were not answered\nits log"):
        crowd.Crowd.answered(lost, Some(persons=[Some(chat_id="1")]))


@pytest.mark.parametrize("short", [False, True])
def test_a_wait_in_every_turn_is_a_bound_missed_on_a_busy_machine_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, short: bool
) -> None:
    """A busy machine delays some; what delays all of them is ours."""
    latency = bench("latency")
    monkeypatch.setattr(latency, "SHORT", short)
    quiet, busy, slow = [14.0] * 100, [20.0] * 30 + [200.0] * 70, [114.0] * 100

    assert [latency.bounded(values)[1] for values in (quiet, busy, slow)] == [True, short, False]
