"""The loop of continuous batching dies: everybody is answered all the same, and poison is found out."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.local.models import NEEDS

pytest.importorskip("torch", reason=NEEDS)

from bot.errors import Rejected, Unavailable
from tests.local.engines import LIMIT, SECONDS, Open, Steps, batching, gathered, jobs
from workers.backends.local.engine import DEATHS_MOST, Refused, is_hopeless
from workers.backends.local.job import Job, Knobs


def test_a_fault_in_mid_flight(
    model: Any, open_engine: Open, asked: list[list[int]], expected: list[list[int]]
) -> None:
    """The loop dies while sixteen answers are half made: all of them come, token for token."""
    engine, sixteen = open_engine(), jobs(asked[:16], LIMIT)
    steps = Steps(model, lambda step, _: RuntimeError("injected") if step == 12 else None)
    for job in sixteen:
        engine.submit(job)

    assert [gathered(job) for job in sixteen] == expected[:16]
    assert steps.number > 12
    assert any(job.deaths for job in sixteen), "nobody was in the loop when it died"


def test_being_beside_two_deaths_is_no_guilt(
    model: Any, open_engine: Open, asked: list[list[int]], expected: list[list[int]]
) -> None:
    """Who was there both times is only suspect; alone, they end well."""
    engine, four = open_engine(), jobs(asked[:4], LIMIT)
    Steps(model, lambda step, _: RuntimeError("injected") if step in (3, 9) else None)
    for job in four:
        engine.submit(job)

    assert [gathered(job) for job in four] == expected[:4]
    assert max(job.deaths for job in four) == 2


def test_poison_is_found_out(model: Any, open_engine: Open, asked: list[list[int]], expected: list[list[int]]) -> None:
    """One request kills the loop whenever it is computed: it alone is refused, in the end."""
    from torch import Tensor

    def fails(step: int, ids: Tensor) -> Exception | None:
        return RuntimeError("poisoned") if int((ids == 1).sum()) >= 8 else None

    engine, good = open_engine(), jobs(asked[:15], LIMIT)
    Steps(model, fails)
    poison = Job([1] * 8 + asked[15], LIMIT, Knobs())
    for job in [*good[:7], poison, *good[7:]]:
        engine.submit(job)

    assert [gathered(job) for job in good] == expected[:15]
    with pytest.raises(Rejected, match="died of this request"):
        gathered(poison)


def test_a_lost_device_ends_the_process(model: Any, open_engine: Open, asked: list[list[int]]) -> None:
    """After an error of the CUDA device nothing in this process can be mended: it leaves, with words in the log."""
    left = threading.Event()
    engine = open_engine(device="cuda", leave=left.set)
    Steps(model, lambda step, _: RuntimeError("CUDA error: device-side assert triggered") if step == 3 else None)
    engine.submit(Job(asked[0], LIMIT, Knobs()))

    assert left.wait(SECONDS)


def test_a_failing_watchdog_ends_the_process(model: Any, open_engine: Open, asked: list[list[int]]) -> None:
    """Nobody would be answered any more, and nobody told."""
    left = threading.Event()
    engine = open_engine(leave=left.set)

    def fails(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    engine._manager.start = fails
    Steps(model, lambda step, _: RuntimeError("injected") if step == 3 else None)
    engine.submit(Job(asked[0], LIMIT, Knobs()))

    assert left.wait(SECONDS)


def test_what_is_hopeless() -> None:
    assert is_hopeless("cuda", RuntimeError("CUDA error: an illegal memory access was encountered"), [], 0)
    assert not is_hopeless("cpu", RuntimeError("CUDA error: an illegal memory access was encountered"), [], 0)
    assert not is_hopeless("cuda", ValueError("list index out of range"), [1.0], 2)
    assert not is_hopeless("cuda", type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory"), [], 0)
    assert is_hopeless("cpu", ValueError("again"), [float(n) for n in range(DEATHS_MOST)], 20)
    assert not is_hopeless("cpu", ValueError("again"), [float(n) for n in range(DEATHS_MOST)], 100_000)


def test_the_proof_finds_other_tokens(model: Any) -> None:
    """An engine whose tokens are not the model's is refused before anybody is answered."""
    engine = batching(model)
    with pytest.raises(Refused, match="other tokens"):
        engine.prove([5, 6, 7], [3, 3, 3, 3])
    with pytest.raises(Unavailable):
        engine.submit(Job([5], LIMIT, Knobs()))


def test_the_proof_finds_a_dying_loop(model: Any) -> None:
    """It is not started again before it has ever worked."""
    steps = Steps(model, lambda *_: RuntimeError("not for this model"))
    engine = batching(model)
    with pytest.raises(Refused, match="not for this model"):
        engine.prove([5, 6, 7], [3, 3, 3, 3])
    assert steps.number == 1
    engine._pump.join(SECONDS)
    assert not engine._pump.is_alive()
