"""Each fault of ``make chaos`` a few times: the promises hold, and one that does not would be noticed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from simulator.chaos import command, flood, workers
from simulator.chaos.more import MORE
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario
from simulator.chaos.world import World
from simulator.processes import wait_until

SEED = 7
BESIDE = 5
"""So many at a time: most of each is waiting."""
SCENARIOS = [one for one in command.SCENARIOS if one is not workers.RARE_KILLS and one not in MORE]
"""The rare kills are the same with leases of 15 s, for which a test has no time."""

pytestmark = pytest.mark.usefixtures("folder")
Rows = dict[str, Future[Row]]


@pytest.fixture(scope="module")
def rows(folder: Path) -> Iterator[Rows]:
    """Every short form, on each channel in turn by the scenario's place in the table."""
    with ThreadPoolExecutor(BESIDE) as pool:
        yield {
            one.name: pool.submit(one.run, one.trials.short, SEED, one.channels[place % len(one.channels)])
            for place, one in enumerate(command.SCENARIOS)
            if one in SCENARIOS
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_promises_hold(scenario: Scenario, rows: Rows, folder: Path) -> None:
    """What took longer than it should is not judged here."""
    row = rows[scenario.name].result(timeout=300)

    evidence = [found.read_text() for found in folder.glob(f".chaos/{scenario.name}-*/report.txt")]
    assert row.kept, "\n".join([repr(row), *evidence])


def test_what_nobody_answers_breaks_the_row_and_leaves_its_evidence(folder: Path) -> None:
    """A receiver without a worker: the message is unfinished, and its trace and the logs are kept."""
    with World("unanswered", "telegram", SEED) as world:
        text = world.write(world.people(1))
        assert world.platform.wait_until(lambda: not world.platform.delivery.pending, 20)
        world.row.trials = 1
        row = world.judge(0.2)

    evidence = folder / ".chaos" / f"unanswered-telegram-{SEED}"
    assert (row.messages, row.unfinished, row.kept) == (1, 1, False)
    assert f"said {text}" in (evidence / "report.txt").read_text()
    assert (evidence / "receiver.log").exists()


def test_a_dead_letter_breaks_the_row_unless_it_was_to_be(folder: Path) -> None:
    """The message is put where a worker would have buried it."""
    with World("buried", "telegram", SEED) as world:
        world.write(world.people(1))
        assert wait_until(lambda: world.due() == 1, 20)
        (conversation,) = world.redis.zrange("recado:due", 0, -1)
        name = f"recado:{{{conversation.decode()}}}"  # type: ignore[union-attr]
        world.redis.rename(f"{name}:in", f"{name}:dead")
        world.redis.delete("recado:due", "recado:waiting", "recado:listening", "rq:queue:recado")
        world.row.trials = 1

        assert "1 messages are in the dead letters, at most 0 may be" in world.judge(5, books=False).broken
        world.row = Row("buried", "telegram", [SEED])
        assert not [words for words in world.judge(5, books=False, dead=1).broken if "dead letters" in words]


def test_who_is_not_answered_beside_a_flood_breaks_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so does a span in which nobody wrote whose wait could be measured."""
    monkeypatch.setattr(flood, "ANSWERED_SECONDS", 0.2)
    with World("unanswered-flood", "telegram", SEED) as world:
        others = world.people(1, first=1)
        assert flood._span(world, others, 1.5, SEED) == []
        assert any("others were not answered" in words for words in world.row.broken)

        world.row.broken.clear()
        flood._span(world, others, 0, SEED)
        assert world.row.broken == ["nobody wrote whose wait could be measured"]


def test_being_told_to_end_ends_everything_that_was_started(tmp_path: Path) -> None:
    """Both lanes' processes are known by a setting that every process inherits."""
    names = [word for name in ("worker-kills", "rare-worker-kills") for word in ("--only", name)]
    harness = subprocess.Popen(
        [sys.executable, "-m", "simulator", "chaos", *names, "--trials", "50", "--channel", "telegram"],
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert wait_until(lambda: len(_those_in(tmp_path)) > 2 * len(("receiver", "redis", "worker")), 90)
        harness.send_signal(signal.SIGTERM)

        assert harness.wait(90) != 0
        assert wait_until(lambda: not _those_in(tmp_path), 10)
        assert not list(tmp_path.rglob("results.jsonl")), "what was cut short is no result"
    finally:
        harness.kill()
        harness.wait()
        for pid in _those_in(tmp_path):
            os.kill(pid, signal.SIGKILL)


def _those_in(folder: Path) -> list[int]:
    """The processes that were told to put their temporary files into this folder."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            told = f"TMPDIR={folder}".encode() in environment.read_bytes().split(b"\0")
        except OSError:  # it has ended, or is not ours
            continue
        if told:
            found.append(int(environment.parent.name))
    return found
