"""A message's way: the workers' own log lines and the platforms' records, put together."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from bot import logs as logs_
from bot.stores.taken import Waited
from simulator.calls import Call
from simulator.delivery import Said
from simulator.page.way import Logs, Turn, ways
from workers.figures import Figures

EPOCH = 1_800_000_000.0
"""The seconds between the platforms' clock and the calendar, in these tests."""


def line(caplog: pytest.LogCaptureFixture, figures: Figures) -> str:
    """A turn as a worker logs it."""
    with caplog.at_level(logging.INFO):
        logging.getLogger("recado.turn").info("turn", extra=figures.line)
    return logs_._Json().format(caplog.records[-1])


def turn(committed: float, *, waited: float | None = 1.0, think: float = 0.5, messages: int = 1) -> Turn:
    return Turn("telegram", 1, messages, EPOCH + committed, waited, think, 0.1, "faq", "answered")


def said(text: str, written: float, accepted: float | None) -> Said:
    return Said("5", text, text, written, written, accepted)


def shown(*times: float) -> list[Call]:
    return [Call(time, "sendMessage", "5", {}, "1") for time in times]


def test_a_workers_own_line_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    figures = Figures("0a1b", "whatsapp", 3, 2, Waited(1.25, 0.5, 0, 1), "faq", 0.01, outcome="answered", think=0.5)
    log = tmp_path / "worker.log"
    text = line(caplog, figures)
    log.write_text(f"not json\n[1]\n{text}\n" + json.dumps({"event": "other"}) + "\n")
    [found] = Logs([log, tmp_path / "none.log"]).read()
    assert (found.channel, found.number, found.messages, found.think) == ("whatsapp", 3, 2, 0.5)
    assert (found.first_token, found.backend, found.outcome) == (0.01, "faq", "answered")
    assert found.waited == 1.25
    assert found.taken == found.committed - 0.5


def test_a_log_is_read_on_where_it_was_left_and_half_a_line_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = line(caplog, Figures("0a1b", "telegram", 1, 1, think=0.2, outcome="answered"))
    log = tmp_path / "worker.log"
    logs = Logs([log])
    assert logs.read() == []
    log.write_text(text[:40])
    assert logs.read() == []
    log.write_text(f"{text}\n")
    assert len(logs.read()) == 1
    log.write_text(f"{text}\n{text}\n")
    assert len(logs.read()) == 2


def test_a_way_is_told_in_steps_that_follow_each_other() -> None:
    """Written at 10.0, accepted at 10.1, quiet at 10.9, taken at 11.1, stored at 11.6, shown at 11.7 and 12.0."""
    [way] = ways([turn(11.6)], [said("hola", 10.0, 10.1)], shown(11.7, 12.0), [], EPOCH)
    steps = (way.accepting, way.listening, way.waiting, way.turn.think, way.speaking)
    assert steps == pytest.approx((0.1, 0.8, 0.2, 0.5, 0.4), abs=1e-4)
    assert sum(steps) == pytest.approx(2.0, abs=1e-4)
    assert way.first_words == pytest.approx(1.7, abs=1e-4)
    assert not way.crashed


def test_a_command_is_not_listened_to() -> None:
    [way] = ways([turn(10.7, waited=0.1)], [said("/help", 10.0, 10.1)], shown(10.8), [], EPOCH)
    assert way.listening == 0
    assert way.waiting == pytest.approx(0.1)


def test_a_burst_is_one_way_and_a_turn_that_no_log_has_shifts_no_other() -> None:
    """Whoever is killed may have stored an answer and not logged it."""
    messages = [said("one", 10.0, 10.1), said("two", 20.0, 20.1), said("three", 20.3, 20.4)]
    [way] = ways([turn(21.8, waited=1.2, messages=2)], messages, shown(10.9, 22.0), [], EPOCH)
    assert (way.text, way.turn.messages) == ("two", 2)
    assert way.listening == pytest.approx(1.1, abs=1e-4)
    assert way.first_words == pytest.approx(1.7, abs=1e-4)


def test_what_the_platform_does_not_know_of_has_no_way() -> None:
    assert ways([turn(11.6)], [], [], [], EPOCH) == []
    assert ways([turn(11.6)], [said("never accepted", 10.0, None)], [], [], EPOCH) == []
    assert ways([turn(11.6)], [said("long ago", 1.0, 1.1)], [], [], EPOCH) == []
    assert ways([turn(11.6, waited=None)], [said("hola", 10.0, 10.1)], [], [], EPOCH) == []


def test_a_turn_without_a_bubble_has_no_first_words() -> None:
    [way] = ways([turn(11.6)], [said("hola", 10.0, 10.1)], [], [], EPOCH)
    assert (way.speaking, way.first_words) == (0.0, None)


def test_what_is_shown_after_the_next_turn_began_is_not_this_ones() -> None:
    messages = [said("one", 10.0, 10.1), said("two", 12.0, 12.1)]
    first, second = ways([turn(11.6), turn(13.6)], messages, shown(11.8, 13.4, 13.9), [], EPOCH)
    assert first.speaking == pytest.approx(0.2, abs=1e-4)
    assert second.speaking == pytest.approx(0.3, abs=1e-4)


@pytest.mark.parametrize(("killed_at", "crashed"), [(10.05, False), (10.5, True), (12.5, True), (12.8, False)])
def test_a_worker_that_died_with_it_in_hand_is_told(killed_at: float, crashed: bool) -> None:
    [way] = ways([turn(11.6)], [said("hola", 10.0, 10.1)], shown(11.7), [killed_at], EPOCH)
    assert way.crashed is crashed
