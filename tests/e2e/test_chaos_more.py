"""Models, platforms, hosts and people at their worst, in the short form of ``make chaos``: the promises hold."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from simulator.chaos import load, measure, storm
from simulator.chaos.more import MORE
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario
from simulator.chaos.world import World
from simulator.faults import Shim
from simulator.installation import FREE_OF_LIMITS

SEED = 7
BESIDE = 5
"""So many at a time: most of each is waiting."""
UNLIMITED = "away-workers without limits"
NEED_A_SHIM = ("clock", "full-disk")
Rows = dict[str, Future[Row]]


@pytest.fixture(scope="module")
def rows(folder: Path) -> Iterator[Rows]:
    """Every short form, on each channel in turn."""
    with ThreadPoolExecutor(BESIDE) as pool:
        freed = pool.submit(storm.away, 1, SEED, "telegram", **FREE_OF_LIMITS)
        yield {UNLIMITED: freed} | {
            one.name: pool.submit(one.run, one.trials.short, SEED, one.channels[number % len(one.channels)])
            for number, one in enumerate(MORE)
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("scenario", MORE, ids=lambda scenario: scenario.name)
def test_the_promises_hold(scenario: Scenario, rows: Rows, folder: Path) -> None:
    """What took longer than it should is not judged here: machines that run tests are slow ones."""
    if scenario.name in NEED_A_SHIM and (reason := Shim(folder / "shim").reason):
        pytest.skip(reason)
    row = rows[scenario.name].result(timeout=300)

    evidence = [found.read_text() for found in folder.glob(f".chaos/{scenario.name}-*/report.txt")]
    assert row.kept, "\n".join([repr(row), *evidence])


def test_a_product_without_limits_breaks_the_row(rows: Rows) -> None:
    """What is too much for the platform is seen, so that nothing being too much means something."""
    row = rows[UNLIMITED].result(timeout=300)

    assert not row.kept
    assert any(words.startswith("over: ") for words in row.broken), repr(row)


@pytest.mark.parametrize(
    ("asked", "overtaken"),
    [
        ((1, 2, 3), []),
        ((2, 1, 3), [0.5]),
        ((2, 3, 1), [4.0, 3.5]),
        ((3, 2, 1), [0.5, 4.0, 3.5]),
        ((1.2, 1.1, 1.0), []),
        ((1.6, 1.5, 1.0), [4.0]),
    ],
)
def test_who_is_asked_before_one_who_came_earlier_is_found(asked: tuple[int, ...], overtaken: list[float]) -> None:
    """One came at 0, one half a second and one four seconds later. Who is asked almost with another is not before."""
    assert load.overtaken(zip((0.0, 0.5, 4.0), asked, strict=True)) == overtaken


def test_people_who_write_all_the_time_stop_when_they_are_told(folder: Path) -> None:
    """Whoever measures at rest must know that nobody writes any more."""
    with World("writing", "telegram", SEED) as world:
        people = world.people(3)
        with load.writing(people, 100, SEED):
            assert world.platform.wait_until(lambda: len(world.platform.said) >= 3, 20)
        written = len(world.platform.said)
        assert world.platform.wait_until(lambda: len(load.accepted(world)) == written, 20)
        assert sum(person.written for person in people.persons) == written


def test_ninety_five_of_a_hundred_are_no_slower_than_the_p95() -> None:
    assert load.p95(range(1, 101)) == 95
    assert load.p95([3.0, 1.0]) == 3.0
    assert load.p95([]) == 0


def test_a_steady_growth_has_its_slope_and_a_level_line_has_none() -> None:
    assert measure.slope([(0, 10), (10, 30), (20, 50)]) == pytest.approx(2)
    assert measure.slope([(0, 5), (10, 5), (20, 5)]) == 0
    assert measure.slope([(0, 5)]) == 0
