"""The capacity model: its arithmetic, what it says of the limits, and what the documentation shows of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulator.__main__ import app
from simulator.capacity import command, measure, table
from simulator.capacity.coefficients import Check, Coefficients, Measured, load
from simulator.capacity.measure import Load
from simulator.capacity.meters import Used
from simulator.capacity.plan import Demand, Need, Plan

DOCS = Path(__file__).parents[2] / "docs"
NOTHING = Coefficients(**dict.fromkeys(Coefficients.__dataclass_fields__, 0.0))
SIZES = [name for name in Coefficients.__dataclass_fields__ if name.endswith(("_mib", "_bytes"))]
TEN_A_SECOND = Demand(
    people=432_000, messages_per_day=1, peak_factor=2, model_seconds=3, at_once=8, slots=10, whatsapp=0.25
)
"""Five messages a second over the day, ten at its peak, each a turn that takes the model three seconds."""


def plan(demand: Demand = TEN_A_SECOND, **coefficients: float) -> Plan:
    return Plan(demand, replace(NOTHING, **coefficients))


def need(plan: Plan, what: str) -> Need:
    return next(one for one in plan.needs() if one.what == what)


def test_the_peak_has_ten_messages_a_second_and_thirty_answers_at_once() -> None:
    it = TEN_A_SECOND

    assert (it.mean, it.peak, it.turns, it.in_flight) == pytest.approx((5, 10, 10, 30))


def test_a_burst_is_one_turn_and_still_several_messages() -> None:
    it = replace(TEN_A_SECOND, messages_per_turn=2)

    assert (it.peak, it.turns) == pytest.approx((10, 5))


def test_processes_are_as_many_as_keep_them_six_tenths_busy() -> None:
    """Ten messages of 150 ms are 1.5 cores of a receiver: three processes, each half busy."""
    it = plan(replace(TEN_A_SECOND, whatsapp=0), receiver_ms=150)

    assert it.receivers == 3
    assert need(it, "receivers").load == pytest.approx(0.5)


def test_whatsapp_tells_three_things_of_each_answer_to_the_receiver() -> None:
    """A quarter of ten answers, three times: 7.5 requests more."""
    assert plan(receiver_ms=10).receiving == pytest.approx(0.175)


def test_a_whatsapp_number_has_one_limit_for_what_comes_in_and_what_goes_out() -> None:
    found = need(plan(replace(TEN_A_SECOND, people=432_000 * 20, whatsapp=0.5)), "WhatsApp numbers")

    assert (found.amount, found.load) == ("3", pytest.approx(200 / 240))


def test_workers_are_enough_for_their_cpu_and_for_their_slots() -> None:
    assert plan().workers == 4  # 30 turns in flight, 10 slots each, four fifths of them
    assert plan(worker_ms=600).workers == 10  # six cores
    assert plan(worker_ms=500, worker_idle_ms=100).workers == 10  # five cores, a tenth of each goes for nothing


def test_model_servers_are_as_many_as_give_so_many_answers_at_once() -> None:
    it = plan()

    assert it.engines == 5  # 30 answers, 8 at once, four fifths busy
    assert need(it, "model servers (GPUs)").load == pytest.approx(30 / 40)


def test_redis_keeps_histories_ids_raw_words_late_replies_and_what_waits() -> None:
    day = 432_000
    parts = {
        "message_bytes": 20 * day,
        "rest_bytes": day,
        "seen_bytes": day * (0.25 * 8 + 0.75 * 1.125),
        "raw_bytes": day * 0.25 * 3,
        "spoken_bytes": 36_000,
        "waiting_bytes": 6_000,
    }
    assert {name: plan(**{name: 1.0}).redis_bytes for name in parts} == pytest.approx(parts)
    assert plan(**dict.fromkeys(parts, 1.0)).redis_bytes == pytest.approx(sum(parts.values()))


def test_an_installation_ends_where_the_first_of_its_fixed_limits_is_full() -> None:
    """Redis has one core and so much memory, a bot thirty messages a second; workers can be added."""
    people, first = plan(worker_ms=900, receiver_ms=900).ends()
    assert (people, first.what) == (432_000 * 4, "Telegram, one bot")  # 7.5 of 30 a second

    people, first = plan(redis_ms=30).ends()
    assert (people, first.what) == (432_000 * 2, "Redis, CPU")  # 0.3 of 0.6

    people, first = plan(replace(TEN_A_SECOND, redis_gib=1), rest_bytes=2**30 / 108_000).ends()
    assert (people, first.what) == (pytest.approx(108_000, abs=1), "Redis, memory")


def test_what_a_table_says_of_disk_memory_and_cores() -> None:
    """Ten turns a second at the peak, and 216,000 of two messages each in a day; thirty at once in four workers."""
    it = plan(receiver_ms=20, worker_ms=50, redis_ms=10, worker_idle_ms=5, redis_idle_ms=2, trips=20, fsync_ms=2)

    assert it.fsync == pytest.approx(10 * 20 * 0.002)
    assert it.cores == pytest.approx(0.35 + (0.5 + 4 * 0.005) + (0.1 + 4 * 0.002))  # 17.5 requests, 10 turns, 4 workers
    assert plan(replace(TEN_A_SECOND, messages_per_turn=2), appended=1000).appended_a_day == pytest.approx(216e6)
    assert plan(worker_mib=50, turn_mib=0.5).worker_mib == pytest.approx(50 + 10 * 0.5)


def test_nobody_has_two_last_replies_to_put_right() -> None:
    """They are kept for an hour after the last turn: of everybody, where all have written within it."""
    busy = replace(TEN_A_SECOND, people=1000, messages_per_day=1000)

    assert busy.turns * 3600 > 1000
    assert plan(busy, spoken_bytes=1.0).redis_bytes == pytest.approx(1000)


def test_a_larger_load_is_foretold_with_what_runs_beside_it() -> None:
    """Of one worker's 100 messages in 10 s, less what is used anyway; then 200 messages in 20 s to two workers."""
    idle = Used(receiver=1, workers=2, redis=3, trips=4, appended=1024)
    small = Load(1, 100, 10, Used(510, 1020, 530, 2040, 112_640), idle, memory=70)
    of = measure.coefficients(small, dict.fromkeys(SIZES, 0.0))
    large = Load(2, 200, 20, Used(1020, 2080, 1120, 4160, 245_760), Used(1, 4, 6, 8, 2048), memory=140)

    assert (of.receiver_ms, of.worker_ms, of.redis_ms, of.trips, of.appended) == (5, 10, 5, 20, 1024)
    assert [one.error for one in measure.checks(of, small, large)] == pytest.approx([0] * 6)


def test_beyond_its_end_there_are_several_installations() -> None:
    assert plan().installations == 1
    assert plan(replace(TEN_A_SECOND, people=432_000 * 9)).installations == 3


def test_what_is_full_first_is_what_the_load_can_grow_the_least_of() -> None:
    """An idle worker's share of Redis does not grow with people, so that it leaves the margin as it is."""
    assert plan().binds().what == "slots of the workers"
    busy = need(plan(redis_ms=20, redis_idle_ms=50), "Redis, CPU")
    assert (busy.load, busy.margin) == pytest.approx((0.4, 2))
    assert plan(redis_ms=58).binds().what == "Redis, CPU"


def test_more_people_never_need_less_of_anything() -> None:
    of = load().coefficients
    plans = [Plan(replace(TEN_A_SECOND, people=people), of) for people in (10, 1000, 50_000, 10**6, 10**7)]
    needed = [(one.receivers, one.workers, one.engines, one.redis_bytes, one.installations) for one in plans]

    assert needed == sorted(needed)
    assert needed[0][:3] == (1, 1, 1)


def test_a_prediction_is_off_by_a_share_of_what_was_measured() -> None:
    assert Check("x", 110, 100).error == pytest.approx(0.1)
    assert "-25%" in table.checks([Check("x", 75, 100)])


def test_what_is_measured_is_kept_and_read_again(tmp_path: Path) -> None:
    measured = Measured(replace(NOTHING, redis_ms=1.23456), {"cpu": "a"}, [Check("x", 1, 2)])
    measured.save(tmp_path / "kept.json")
    again = load(tmp_path / "kept.json")

    assert again.coefficients == replace(NOTHING, redis_ms=1.235)
    assert (again.machine, again.checks) == (measured.machine, measured.checks)


def test_what_is_reckoned_with_was_measured_on_a_machine_that_is_named() -> None:
    measured = load()

    assert {"cpu", "cores", "python", "commit", "date"} <= set(measured.machine)
    assert {name for name, value in vars(measured.coefficients).items() if value <= 0} <= {"worker_idle_ms"}
    assert len(measured.checks) >= 5


def test_the_command_shows_a_column_for_each_number_of_people() -> None:
    done = CliRunner().invoke(app, ["capacity", "--people", "250", "--people", "70000", "--model-seconds", "2"])

    assert done.exit_code == 0
    head, _, *rows = done.output.splitlines()
    assert head.split("|")[2].strip() == "250"
    assert all(row.count("|") == head.count("|") for row in rows if row.startswith("|"))
    assert "2 s an answer" in done.output


@pytest.mark.parametrize("wrong", [["--people", "0"], ["--whatsapp", "1.5"], ["--peak-factor", "0.5"], ["--gpus", "1"]])
def test_a_number_that_makes_no_sense_is_wrong_usage(wrong: list[str]) -> None:
    assert CliRunner().invoke(app, ["capacity", *wrong]).exit_code == 2


@pytest.mark.parametrize("name", ["scaling.md", "scaling.es.md"])
def test_the_documentation_shows_what_the_command_prints_now(name: str) -> None:
    """After a new measurement, or a change of the model: python -m simulator capacity --pages"""
    page = (DOCS / name).read_text(encoding="utf-8")

    assert [block for block in command.blocks(load()).values() if block not in page] == []
    assert page == command.renewed(page, load())


def test_renewing_a_page_changes_only_the_blocks_that_are_marked() -> None:
    page = "a\n<!-- checks -->\n```text\nold\n```\nb\n```text\nkeep\n```\n"
    measured = replace(load(), checks=[Check("new", 1, 1)])

    assert command.renewed(page, measured) == page.replace("old", table.checks(measured.checks))


def test_the_kept_file_is_what_save_writes() -> None:
    """So that a new measurement changes figures, and nothing else."""
    record = json.loads(command.MEASURED.read_text(encoding="utf-8"))

    assert set(record) == {"machine", "coefficients", "checks"}
    assert set(record["coefficients"]) == set(Coefficients.__dataclass_fields__)
