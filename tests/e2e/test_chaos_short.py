"""Each fault of ``make chaos`` a few times: the promises hold, and one that does not would be noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.chaos import command, workers
from simulator.chaos.more import MORE
from simulator.chaos.scenario import Scenario
from simulator.chaos.world import World

SEED = 7
SCENARIOS = [one for one in command.SCENARIOS if one is not workers.RARE_KILLS and one not in MORE]
"""The rare kills are the same with leases of 15 s, for which a test has no time."""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence goes under the current folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_promises_hold(scenario: Scenario) -> None:
    """The short form, on each channel in turn by the scenario's place in the table."""
    channel = scenario.channels[command.SCENARIOS.index(scenario) % len(scenario.channels)]
    row = scenario.run(scenario.trials.short, SEED, channel)

    assert row.kept, "\n".join([repr(row), *(found.read_text() for found in Path().rglob("report.txt"))])


def test_what_nobody_answers_breaks_the_row_and_leaves_its_evidence(tmp_path: Path) -> None:
    """A receiver without a worker: the message is unfinished, and its trace and the logs are kept."""
    with World("unanswered", "telegram", SEED) as world:
        text = world.write(world.people(1))
        assert world.platform.wait_until(lambda: not world.platform.delivery.pending, 20)
        world.row.trials = 1
        row = world.judge(0.2)

    evidence = tmp_path / ".chaos" / f"unanswered-telegram-{SEED}"
    assert (row.messages, row.unfinished, row.kept) == (1, 1, False)
    assert f"said {text}" in (evidence / "report.txt").read_text()
    assert (evidence / "receiver.log").exists()
