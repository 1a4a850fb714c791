"""The engine for models that cannot be batched: in order, with what was read of a conversation kept."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.models import NEEDS

pytest.importorskip("torch", reason=NEEDS)

from bot.errors import Rejected, Unavailable
from tests.local.engines import SECONDS, Steps, gathered, generate, jobs, load, prompts, serial
from workers.backends.local.job import Job, Knobs
from workers.backends.local.serial import Serial

LIMIT = 16
Open = Callable[..., Serial]


@pytest.fixture
def model(wild: Path) -> Any:
    return load(wild).model


@pytest.fixture
def open_engine() -> Iterator[Open]:
    opened: list[Serial] = []

    def open_one(model: Any, **changes: Any) -> Serial:
        opened.append(serial(model, **changes))
        return opened[-1]

    yield open_one
    for engine in opened:
        engine.close()


def answer(engine: Serial, ids: list[int], session: str = "", limit: int = LIMIT) -> list[int]:
    engine.submit(job := Job(ids, limit, Knobs(), session))
    return gathered(job)


def test_greedy_is_the_models_own(model: Any, open_engine: Open) -> None:
    """Sixteen at once stand in line, and each gets what ``generate`` makes."""
    asked = prompts(model.config.vocab_size, 16)
    expected = [generate(model, ids, LIMIT) for ids in asked]
    engine, all_jobs = open_engine(model), jobs(asked, LIMIT)
    for job in all_jobs:
        engine.submit(job)

    assert [gathered(job) for job in all_jobs] == expected


def test_the_repetition_penalty_counts_here(model: Any, open_engine: Open) -> None:
    ids = prompts(model.config.vocab_size, 3)[2]
    plain, avoiding = generate(model, ids, 48), generate(model, ids, 48, repetition_penalty=1.9)

    assert plain != avoiding
    assert answer(open_engine(model, repetition_penalty=1.9), ids, limit=48) == avoiding


def test_a_conversation_is_read_once(model: Any, open_engine: Open) -> None:
    """The second turn computes only what is new, and answers as if all had been read again."""
    first = prompts(model.config.vocab_size, 20)[19]
    engine = open_engine(model)
    said = answer(engine, first, "ana")
    second = [*first, *said, *range(10, 40)]
    expected = generate(model, second, LIMIT)
    steps = Steps(model)

    assert answer(engine, second, "ana") == expected
    assert steps.tokens <= 31 + LIMIT
    steps.tokens = 0
    assert answer(engine, second, "berta") == expected
    assert steps.tokens >= len(second), "another conversation has read nothing"


def test_a_conversation_that_changed_is_read_from_there(model: Any, open_engine: Open) -> None:
    """What no longer fits is cropped: the answer is that of a fresh model."""
    first = prompts(model.config.vocab_size, 20)[19]
    engine = open_engine(model)
    answer(engine, first, "ana")
    changed = [*first[:100], *range(50, 90)]
    expected = generate(model, changed, LIMIT)
    steps = Steps(model)

    assert answer(engine, changed, "ana") == expected
    assert steps.tokens <= 40 + LIMIT
    assert answer(engine, changed, "ana") == expected, "the same again leaves one token to compute"


def test_what_is_kept_is_bounded(model: Any, open_engine: Open) -> None:
    """By bytes; who spoke last is kept, who has been silent longest is not."""
    ids = prompts(model.config.vocab_size, 20)[19]
    once = open_engine(model)
    answer(once, ids, "ana")
    size = once.caches._kept["ana"].size
    engine = open_engine(model, keep_bytes=int(size * 2.5))
    for name in ("ana", "berta", "ana", "carla"):
        answer(engine, ids, name)

    assert size > len(ids) * 2 * 2 * 2 * 16 * 4 - 1, "two layers, two heads, keys and values of sixteen floats"
    assert ["ana" in engine.caches, "berta" in engine.caches, "carla" in engine.caches] == [True, False, True]


def test_a_hybrid_model_goes_back_by_reading_again(hybrid: Path, open_engine: Open) -> None:
    """A state cannot be cropped; one that is only continued can be kept."""
    model = load(hybrid).model
    first = prompts(model.config.vocab_size, 20)[19]
    engine = open_engine(model)
    said = answer(engine, first, "ana")
    assert said == generate(model, first, LIMIT)
    longer = [*first, *said, *range(10, 40)]
    steps = Steps(model)
    assert answer(engine, longer, "ana") == generate(load(hybrid).model, longer, LIMIT)
    assert steps.tokens <= 31 + LIMIT
    changed = [*first[:100], *range(50, 90)]
    assert answer(engine, changed, "ana") == generate(load(hybrid).model, changed, LIMIT)


def test_a_cancelled_answer_makes_way(model: Any, open_engine: Open) -> None:
    asked = prompts(model.config.vocab_size, 3)
    engine = open_engine(model)
    first, second, third = Job(asked[0], 900, Knobs()), *jobs(asked[1:], LIMIT)
    for job in (first, second, third):
        engine.submit(job)
    first.box.get(timeout=SECONDS)
    engine.cancel(second)
    engine.cancel(first)

    assert gathered(third) == generate(load_again(model), asked[2], LIMIT)
    assert len(first.made) < 900
    with pytest.raises(queue.Empty):
        second.box.get_nowait()


def load_again(model: Any) -> Any:
    return load(Path(model.name_or_path)).model


def test_a_fault_in_the_middle_is_survived(model: Any, open_engine: Open) -> None:
    """The answer goes on after its last token, without what was kept."""
    ids = prompts(model.config.vocab_size, 5)[4]
    expected = generate(model, ids, LIMIT)
    engine = open_engine(model)
    Steps(model, lambda step, _: RuntimeError("injected") if step == 5 else None)

    assert answer(engine, ids, "ana") == expected


def test_out_of_memory_makes_room(model: Any, open_engine: Open) -> None:
    """What is kept of others gives way to the answer that did not fit beside it."""
    ids = prompts(model.config.vocab_size, 5)[4]
    expected = generate(model, ids, LIMIT)
    engine = open_engine(model)
    answer(engine, ids, "ana")
    Steps(model, lambda _, __: RuntimeError("not enough memory") if "ana" in engine.caches else None)

    assert answer(engine, ids, "berta") == expected


def test_poison_is_refused_and_the_next_is_answered(model: Any, open_engine: Open) -> None:
    ids = prompts(model.config.vocab_size, 2)
    expected = generate(model, ids[1], LIMIT)
    engine = open_engine(model)
    Steps(model, lambda _, ids: RuntimeError("poisoned") if int((ids == 1).sum()) >= 8 else None)
    engine.submit(poison := Job([1] * 8, LIMIT, Knobs()))
    engine.submit(good := Job(ids[1], LIMIT, Knobs()))

    with pytest.raises(Rejected, match="failed at this request 2 times"):
        gathered(poison)
    assert gathered(good) == expected


def test_a_bad_request_is_refused_before_the_model_sees_it(model: Any, open_engine: Open) -> None:
    steps, engine = Steps(model), open_engine(model)
    for bad in (
        Job([], 1, Knobs()),
        Job([-1], 1, Knobs()),
        Job([5] * 1024, 1, Knobs()),
        Job([5], 1, Knobs(float("nan"))),
    ):
        with pytest.raises(Rejected):
            engine.submit(bad)
    assert steps.number == 0


def test_close_ends_whoever_waits(model: Any, open_engine: Open) -> None:
    engine = open_engine(model)
    engine.submit(first := Job([5, 6, 7], 1000, Knobs()))
    engine.submit(second := Job([5, 6, 7], 1000, Knobs()))
    first.box.get(timeout=SECONDS)
    engine.close()

    assert not engine._thread.is_alive()
    with pytest.raises(Unavailable):
        gathered(second)
    with pytest.raises(Unavailable):
        engine.submit(Job([5], 1, Knobs()))
