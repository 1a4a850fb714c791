"""Continuous batching: the model's own tokens for everybody, whatever one request or one fault does."""

from __future__ import annotations

import math
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.local.models import NEEDS

pytest.importorskip("torch", reason=NEEDS)

from bot.errors import Rejected, Unavailable
from tests.local.engines import LIMIT, SECONDS, Open, Steps, gathered, jobs
from workers.backends.local.engine import WAITING_MOST
from workers.backends.local.job import Job, Knobs


@pytest.mark.parametrize("together", [1, 16])
def test_greedy_is_the_models_own(
    together: int, open_engine: Open, asked: list[list[int]], expected: list[list[int]]
) -> None:
    """Twenty prompts, one at a time and sixteen at once: token for token what ``generate`` makes."""
    engine = open_engine()

    def answer(ids: list[int]) -> list[int]:
        engine.submit(job := Job(ids, LIMIT, Knobs()))
        return gathered(job)

    with ThreadPoolExecutor(together) as threads:
        made = list(threads.map(answer, asked))

    assert made == expected
    assert len({tuple(one) for one in made}) > 15, "the prompts must not all have one answer"


BAD = {
    "too long": lambda: Job([5] * 1001, LIMIT, Knobs()),
    "no number as temperature": lambda: Job([5], LIMIT, Knobs(temperature=math.nan)),
    "too hot": lambda: Job([5], LIMIT, Knobs(temperature=2.5)),
    "below zero": lambda: Job([5], LIMIT, Knobs(temperature=-1.0)),
    "top-p of nought": lambda: Job([5], LIMIT, Knobs(temperature=0.7, top_p=0.0)),
    "outside the vocabulary": lambda: Job([5, 100_000], LIMIT, Knobs()),
    "a negative token": lambda: Job([5, -1], LIMIT, Knobs()),
    "no token": lambda: Job([], LIMIT, Knobs()),
    "a token that is no number": lambda: Job([5, True], LIMIT, Knobs()),
    "no answer": lambda: Job([5], 0, Knobs()),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_request_is_refused_alone(
    bad: Callable[[], Job], open_engine: Open, asked: list[list[int]], expected: list[list[int]], model: Any
) -> None:
    """Among fifteen good ones, which end unchanged; the engine never sees it."""
    engine, good = open_engine(), jobs(asked[:15], LIMIT)
    for job in good[:8]:
        engine.submit(job)
    with pytest.raises(Rejected):
        engine.submit(bad())
    for job in good[8:]:
        engine.submit(job)

    assert [gathered(job) for job in good] == expected[:15]
    assert not engine._deaths


def test_a_cancelled_request_leaves_the_others_alone(
    open_engine: Open, asked: list[list[int]], expected: list[list[int]]
) -> None:
    engine, good = open_engine(), jobs(asked[:15], LIMIT)
    unwanted = Job(asked[15], 500, Knobs())
    for job in [*good[:8], unwanted, *good[8:]]:
        engine.submit(job)
    unwanted.box.get(timeout=SECONDS)
    engine.cancel(unwanted)

    assert [gathered(job) for job in good] == expected[:15]
    assert len(unwanted.made) < 500


def test_a_cancelled_request_frees_its_place(
    open_engine: Open, asked: list[list[int]], expected: list[list[int]]
) -> None:
    """With one place, the next is answered at once, and the first gets nothing more."""
    engine = open_engine(parallel=1)
    first, second, third = Job(asked[0], 900, Knobs()), *jobs(asked[1:3], LIMIT)
    for job in (first, second, third):
        engine.submit(job)
    first.box.get(timeout=SECONDS)
    engine.cancel(second)
    engine.cancel(first)

    assert gathered(third) == expected[2]
    made = len(first.made)
    assert made < 900
    with pytest.raises(queue.Empty):
        second.box.get_nowait()


def test_greedy_and_sampled_side_by_side(open_engine: Open, asked: list[list[int]], expected: list[list[int]]) -> None:
    """Each request has its own temperature: the sampled ones differ, the greedy ones do not."""
    engine = open_engine()
    greedy, hot = jobs(asked[:8], LIMIT), jobs([asked[8]] * 8, LIMIT, Knobs(temperature=1.9, top_p=1.0))
    cold = jobs(asked[9:11], LIMIT, Knobs(temperature=0.005))
    for pair in zip(greedy, hot, strict=True):
        for job in pair:
            engine.submit(job)
    for job in cold:
        engine.submit(job)

    assert [gathered(job) for job in greedy] == expected[:8]
    assert [gathered(job) for job in cold] == expected[9:11]
    assert len({tuple(gathered(job)) for job in hot}) > 4


def test_a_cache_too_small_for_all_at_once(
    open_engine: Open, asked: list[list[int]], expected: list[list[int]]
) -> None:
    """Who is put off and taken up again gets the same answer, also one that fills the cache to its last token."""
    engine = open_engine(capacity=192, most=192)
    good = jobs([ids for ids in asked if len(ids) + LIMIT <= 192], LIMIT)
    full = Job(asked[0], 192 - len(asked[0]), Knobs())
    for job in [*good, full]:
        engine.submit(job)

    assert [gathered(job) for job in good] == expected[: len(good)]
    assert gathered(full)[:LIMIT] == expected[0]
    assert not engine._deaths


def test_admission_is_bounded(model: Any, open_engine: Open) -> None:
    """Who comes when too many wait is told so at once, and asked to come again."""
    gate = threading.Event()

    def waits(step: int, ids: Any) -> None:
        gate.wait(SECONDS)

    Steps(model, waits)
    engine = open_engine(parallel=1)
    try:
        for _ in range(1 + WAITING_MOST):
            engine.submit(Job([5], 1, Knobs()))
        with pytest.raises(Unavailable) as refused:
            engine.submit(Job([5], 1, Knobs()))
    finally:
        gate.set()
    assert refused.value.retry_after


def test_close_ends_whoever_waits(open_engine: Open, asked: list[list[int]]) -> None:
    engine = open_engine(parallel=1)
    first, second = Job(asked[0], 900, Knobs()), Job(asked[1], 900, Knobs())
    engine.submit(first)
    engine.submit(second)
    engine.close()

    for job in (first, second):
        with pytest.raises(Unavailable):
            gathered(job)
    with pytest.raises(Unavailable):
        engine.submit(Job(asked[2], LIMIT, Knobs()))
    engine._pump.join(SECONDS)
    assert not engine._manager.alive


def test_a_process_that_forgets_to_close_ends(wild: Path) -> None:
    """The library's thread is no daemon: without us, ``python -m workers check`` would never end."""
    code = (
        "from tests.local.engines import *\n"
        f"from pathlib import Path\nlocal = open_local(Path({str(wild)!r}))\nprint(local.check())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, "the batching engine answers" in done.stdout) == (0, True), done.stderr
