"""The arithmetic of bad days: shares, pauses and sliding windows."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.calls import Fault, Outcome
from simulator.weather import ON_THE_WAY_SECONDS, Meter, Pauses, Weather, Windows

FAILED = Outcome({}, 500)


def limit(seconds: float, overall: bool) -> Outcome:
    return Outcome({}, 429, pause=seconds, overall=overall)


def faults(weather: Weather, count: int) -> list[Fault]:
    return [weather.next(limit, FAILED) for _ in range(count)]


def kind(fault: Fault) -> str:
    if fault.outcome:
        return "limited" if fault.outcome.pause else "errors"
    return "lost" if fault.lost else "slow" if fault.seconds else "fine"


def test_each_fault_has_its_share() -> None:
    weather = Weather(seed=3, limited=0.3, lost=0.05, errors=0.1, slow=0.05, slow_seconds=9)
    counts = Counter(map(kind, faults(weather, 4000)))

    for name, share in {"limited": 0.3, "lost": 0.05, "errors": 0.1, "slow": 0.05, "fine": 0.5}.items():
        assert counts[name] / 4000 == pytest.approx(share, abs=0.03)


def test_good_weather_is_the_default() -> None:
    assert faults(Weather(), 50) == [Fault()] * 50


def test_pauses_are_whole_seconds_unless_their_bounds_are_not() -> None:
    whole = {fault.outcome.pause for fault in faults(Weather(limited=1, retry_after=(1, 3)), 200) if fault.outcome}
    parts = {
        fault.outcome.pause for fault in faults(Weather(limited=1, retry_after=(0.05, 0.15)), 200) if fault.outcome
    }

    assert whole == {1, 2, 3}
    assert all(0.05 <= pause <= 0.15 for pause in parts)
    assert len(parts) > 10


def test_a_share_of_the_pauses_is_for_all() -> None:
    pauses = [fault.outcome.overall for fault in faults(Weather(limited=1, overall=0.2), 1000) if fault.outcome]
    assert sum(pauses) / 1000 == pytest.approx(0.2, abs=0.04)


def test_a_pause_holds_in_its_chat_until_it_is_over() -> None:
    pauses = Pauses()
    pauses.tell("555", 2, 100.0, overall=False)

    assert pauses.of("556", 100.5) is None
    held = pauses.of("555", 101.5)
    assert held is not None
    assert held.left(101.5) == 1
    assert pauses.of("555", 102.0) is None


def test_a_pause_in_parts_of_a_second_is_told_again_in_parts() -> None:
    pauses = Pauses()
    pauses.tell("555", 0.3, 100.0, overall=False)
    held = pauses.of("555", 100.1999)
    assert held is not None
    assert held.left(100.1999) == pytest.approx(0.101)


def test_a_pause_for_all_holds_everywhere_and_a_shorter_one_does_not_end_it() -> None:
    pauses = Pauses()
    pauses.tell("555", 30, 100.0, overall=True)
    pauses.tell("555", 1, 101.0, overall=True)
    held = pauses.of("777", 129.0)
    assert held is not None
    assert held.overall


def test_who_could_not_know_of_a_pause_did_not_break_it() -> None:
    """A call that had arrived before, or was on its way while another chat or another kind of call was told."""
    pauses = Pauses()
    pauses.tell("555", 30, 100.0, overall=False)
    held = pauses.of("555", 100.1)
    assert held is not None
    assert not held.is_broken_by(99.9, message=True)
    assert held.is_broken_by(100.1, message=True)
    assert not held.is_broken_by(100.1, message=False)
    assert held.is_broken_by(100.1 + ON_THE_WAY_SECONDS, message=False)
    assert not held.is_broken_by(130.1, message=True)


def test_windows_slide() -> None:
    meter, windows = Meter(), Windows(chat=(2, 1.0))
    assert [bool(meter.count(windows, "5", now)) for now in (0.0, 0.9, 1.0, 1.8, 1.95)] == [
        False, False, False, True, True,
    ]  # fmt: skip


def test_groups_have_a_window_on_top() -> None:
    meter, windows = Meter(), Windows(group=(1, 60))
    assert [meter.count(windows, chat, 0.0) for chat in ("5", "5", "-5")] == [[], [], []]
    assert meter.count(windows, "-5", 30.0) == ["group -5: 2 in 60 s, at most 1"]


def test_windows_can_be_made_shorter() -> None:
    assert Windows(overall=(30, 1), group=(20, 60)).scaled(20) == Windows(overall=(30, 0.05), group=(20, 3))
