"""The table of `make chaos`: what counts as held, how runs add up, and what the command says."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulator.__main__ import app
from simulator.chaos import command
from simulator.chaos.row import Row, commit_of_this_code, kept, remarks
from simulator.chaos.scenario import Scenario, Trials, beside, everywhere
from simulator.processes import NotReady


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def held(trials: int = 3, seed: int = 7, channel: str = "telegram") -> Row:
    return Row("tried", channel, [seed], trials=trials, messages=10 * trials)


@pytest.mark.parametrize("promise", ["lost", "duplicated", "reordered", "leaked", "unfinished"])
def test_one_message_is_enough_to_break_a_promise(promise: str) -> None:
    row = held()
    assert row.ok

    setattr(row, promise, 1)
    assert not row.kept


def test_a_row_without_a_trial_has_shown_nothing() -> None:
    assert not held(trials=0).ok


def test_a_bound_in_seconds_that_was_missed_is_told_from_a_broken_promise() -> None:
    row = held()
    row.slow.append("too late")

    assert (row.kept, row.ok) == (True, False)


def test_stray_bubbles_and_what_is_explained_break_nothing() -> None:
    row = held()
    row.stray, row.explained = 2, 3

    assert row.ok


def test_the_results_of_several_runs_add_up() -> None:
    """By scenario and channel; a number that is a maximum stays one."""
    first, second, other = held(seed=7), held(seed=8), held(channel="whatsapp")
    first.count("back_ms_most", 900)
    second.count("back_ms_most", 400)
    second.lost = 1
    for row in (first, second, other):
        row.keep()
    found = kept()

    assert [(row.channel, row.trials, row.messages, row.lost, row.seeds) for row in found] == [
        ("telegram", 6, 60, 1, [7, 8]),
        ("whatsapp", 3, 30, 0, [7]),
    ]
    assert remarks(found)[0] == "tried, telegram: back ms most 900"


def test_few_trials_are_spread_and_many_go_round() -> None:
    row = held()

    assert everywhere(row, range(100), 4, 20) == [0, 25, 50, 75]
    assert everywhere(row, "abc", 7, 20) == list("abcabca")
    assert everywhere(row, "abc", 0, 2) == list("abcabc")


def test_trials_are_shared_out_side_by_side_and_none_is_forgotten() -> None:
    done: list[int] = []

    def one(tasks: Sequence[int], seed: int, channel: str) -> Row:
        done.extend(tasks)
        return held(len(tasks), seed, channel)

    row = beside(Row("tried", "telegram", [7]), range(10), one, 2)

    assert sorted(done) == list(range(10))
    assert (row.trials, row.seeds) == (10, [7])


def test_an_installation_that_does_not_come_up_breaks_the_row_and_stops_no_other() -> None:
    def one(tasks: Sequence[int], seed: int, channel: str) -> Row:
        if seed == 7:
            raise NotReady("no receiver")
        return held(len(tasks), seed, channel)

    row = beside(Row("tried", "telegram", [7]), range(10), one, 2)

    assert (row.trials, row.kept) == (5, False)
    assert row.broken == ["with seed 7: no receiver"]


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, str]]:
    """A scenario that notes how it was called, loses a message by the seed 13 and fails by the seed 14."""
    asked: list[tuple[int, int, str]] = []

    def run(trials: int, seed: int, channel: str) -> Row:
        asked.append((trials, seed, channel))
        if seed == 14:
            raise NotReady("no receiver")
        row = held(trials, seed, channel)
        row.lost = int(seed == 13)
        return row

    found = Scenario("tried", "a fault", Trials(1, 5, 100), run)
    monkeypatch.setattr(command, "NAMES", {found.name: found})
    return asked


def test_the_command_runs_what_it_is_told_and_keeps_the_result(scenario: list[tuple[int, int, str]]) -> None:
    result = CliRunner().invoke(
        app, ["chaos", "--only", "tried", "--trials", "9", "--seed", "7", "--channel", "telegram"]
    )

    assert result.exit_code == 0, result.output
    assert scenario == [(9, 7, "telegram")]
    assert [row.trials for row in kept()] == [9]
    assert "held" in result.output


def test_each_form_has_its_trials_and_both_channels(scenario: list[tuple[int, int, str]]) -> None:
    for form in ("short", "quick", "full"):
        CliRunner().invoke(app, ["chaos", "--form", form, "--seed", "7"])

    assert scenario == [(trials, 7, channel) for trials in (1, 5, 100) for channel in ("telegram", "whatsapp")]


@pytest.mark.parametrize(("seed", "words"), [("13", "BROKEN"), ("14", "no receiver")])
def test_a_broken_promise_fails_the_command(scenario: list[tuple[int, int, str]], seed: str, words: str) -> None:
    result = CliRunner().invoke(app, ["chaos", "--seed", seed, "--channel", "telegram"])

    assert result.exit_code == 1
    assert words in result.output


def test_the_sum_runs_nothing_and_shows_what_was_found(scenario: list[tuple[int, int, str]]) -> None:
    lost = held()
    lost.lost = 1
    held().keep()
    lost.keep()
    result = CliRunner().invoke(app, ["chaos", "--sum"])

    assert (result.exit_code, scenario) == (1, [])
    assert "6" in result.output


def test_the_sum_of_one_commit_leaves_out_what_other_code_did(scenario: list[tuple[int, int, str]]) -> None:
    """Asked for nothing, it adds up everything and says of which commits."""
    for name, trials in (("aaa1111", 3), ("bbb2222", 4)):
        row = held(trials)
        row.commits = [name]
        row.keep()
    held(5).keep()

    assert [row.trials for row in kept(of="bbb2222")] == [4]
    assert [row.trials for row in kept()] == [12]
    assert "  at commit aaa1111, bbb2222" in remarks(kept())
    assert "bbb2222" not in CliRunner().invoke(app, ["chaos", "--sum", "--commit", "aaa1111"]).output


def test_what_is_kept_names_the_commit_that_was_run(
    scenario: list[tuple[int, int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "COMMIT", "ccc3333")
    CliRunner().invoke(app, ["chaos", "--seed", "7"])

    assert [row.commits for row in kept()] == [["ccc3333"], ["ccc3333"]]


def test_a_commit_is_named_where_there_is_git_and_left_out_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\necho ddd4444\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of_this_code() == "ddd4444"

    git.unlink()
    assert commit_of_this_code() == ""


def test_what_mostly_waits_runs_beside_the_others_and_the_table_keeps_its_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of the two goes on only when the other is there."""
    together = threading.Barrier(2)

    def run(trials: int, seed: int, channel: str) -> Row:
        together.wait(20)
        return held(trials, seed, channel)

    waiting = Scenario("waiting", "a fault", Trials(1, 1, 1), run, waits=True)
    working = Scenario("working", "a fault", Trials(1, 1, 1), run)
    monkeypatch.setattr(command, "NAMES", {"waiting": waiting, "working": working})

    rows = command.run(["waiting", "working"], 0, 7, "", "quick")

    assert [row.channel for row in rows] == ["telegram", "whatsapp"] * 2
    assert all(row.ok for row in rows)


def test_a_scenario_that_itself_fails_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(trials: int, seed: int, channel: str) -> Row:
        raise ZeroDivisionError

    monkeypatch.setattr(command, "NAMES", {"tried": Scenario("tried", "a fault", Trials(1, 1, 1), run)})
    monkeypatch.setattr(command, "_end", lambda _: None)

    assert isinstance(CliRunner().invoke(app, ["chaos"]).exception, ZeroDivisionError)


def test_an_unknown_channel_is_refused_by_naming_those_there_are(scenario: list[tuple[int, int, str]]) -> None:
    result = CliRunner().invoke(app, ["chaos", "--channel", "pigeon"])

    assert (result.exit_code, scenario) == (2, [])
    assert "no channel 'pigeon'" in result.output


def test_a_scenario_that_is_not_tried_on_a_channel_is_refused_there(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Scenario("tried", "a fault", Trials(1, 1, 1), held, ("telegram",))
    monkeypatch.setattr(command, "NAMES", {"tried": one})
    result = CliRunner().invoke(app, ["chaos", "--channel", "whatsapp"])

    assert result.exit_code == 2
    assert "tried" in result.output


def test_an_unknown_scenario_is_refused_by_naming_those_there_are() -> None:
    result = CliRunner().invoke(app, ["chaos", "--only", "nonsense"])

    assert result.exit_code == 2
    assert "worker-kills" in result.output
