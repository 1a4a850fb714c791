"""The verdict on a burst: what was lost, repeated or out of order is seen, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from simulator.page import burst as burst_
from simulator.page.burst import PAUSES, Burst
from simulator.page.inside import Inside
from simulator.page.staff import Staff
from simulator.processes import wait_until
from tests.unit.demo_page import Small


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Small]:
    monkeypatch.setattr(burst_, "PAUSES", tuple(pause / 20 for pause in PAUSES))
    monkeypatch.setattr(burst_, "LATENCY_SECONDS", 0.05)
    monkeypatch.setattr(burst_, "GIVE_UP_SECONDS", 3.0)
    with Small() as small:
        yield small


@pytest.fixture
def burst(world: Small) -> Iterator[Burst]:
    found = Burst((world.ana, world.luis), cast("Staff", world.staff), cast("Inside", world.inside))
    yield found
    found.close()


def judged(burst: Burst) -> dict[str, Any]:
    """The verdict on a burst from its begin to its end."""
    assert burst.start("es")
    assert wait_until(lambda: not burst.running, 15)
    return burst.view() or {}


def faults(verdict: dict[str, Any]) -> dict[str, int]:
    return {name: verdict[name] for name in ("lost", "twice", "disordered")}


def test_what_is_answered_once_and_in_order_keeps_all_promises(burst: Burst, world: Small) -> None:
    verdict = judged(burst)
    assert (verdict["written"], verdict["accepted"], verdict["answered"]) == (12, 12, 12)
    assert verdict["ok"]
    assert set(faults(verdict).values()) == {0}
    assert verdict["killed"] == {"name": "worker", "pid": 4711}
    assert len(world.staff.killed) == 1


def test_a_lost_message_is_seen(burst: Burst, world: Small) -> None:
    world.product.loses = {3}
    verdict = judged(burst)
    assert not verdict["ok"]
    assert faults(verdict) == {"lost": 1, "twice": 0, "disordered": 0}


def test_a_second_answer_is_seen(burst: Burst, world: Small) -> None:
    world.product.repeats = {8}
    verdict = judged(burst)
    assert not verdict["ok"]
    assert faults(verdict) == {"lost": 0, "twice": 1, "disordered": 0}


def test_an_answer_behind_a_later_one_is_seen(burst: Burst, world: Small) -> None:
    world.product.delays = {4}
    verdict = judged(burst)
    assert not verdict["ok"]
    assert faults(verdict) == {"lost": 0, "twice": 0, "disordered": 1}


def test_what_is_still_to_come_is_waited_for_and_not_called_lost(burst: Burst, world: Small) -> None:
    """Nor is it called a promise that was kept."""
    world.product.loses = {6}
    assert burst.start("es")
    world.inside.open = 1
    assert wait_until(lambda: not burst.running, 15)
    verdict = burst.view() or {}
    assert (verdict["lost"], verdict["waiting"], verdict["ok"]) == (0, 1, False)


def test_bursts_do_not_overlap_and_the_next_has_other_numbers(burst: Burst, world: Small) -> None:
    assert burst.start("es")
    assert not burst.start("es")
    assert wait_until(lambda: not burst.running, 15)
    assert judged(burst)["ok"]
    texts = [one.text for phone in (world.ana, world.luis) for one in phone.said()]
    assert len(set(texts)) == len(texts) == 24


def test_no_burst_begins_while_something_is_to_be_answered(burst: Burst, world: Small) -> None:
    world.inside.open = 1
    assert not burst.start("es")
    assert burst.view() is None


def test_the_platforms_are_slow_only_meanwhile(burst: Burst, world: Small) -> None:
    world.telegram.latency = 0.01
    assert burst.start("es")
    assert wait_until(lambda: world.telegram.latency == 0.05, 5)
    assert wait_until(lambda: not burst.running, 15)
    assert world.telegram.latency == 0.01
