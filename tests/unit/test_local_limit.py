"""A model in the worker's own process says whether an answer of its had as many tokens as it may."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from workers.backends.local.job import Job, Knobs
from workers.backends.local.speech import Wait, words

END = 9


@pytest.mark.parametrize(
    ("made", "limited"),
    [([1, 2, 3], True), ([1, 2, END], False), ([1, END], False)],
    ids=["cut", "ended with the last token", "ended"],
)
def test_an_answer_that_was_given_no_more_tokens_is_known(made: list[int], *, limited: bool) -> None:
    wait = Wait(5, 5)
    job = Job([1], 3, Knobs(0, 1), box=wait.box)

    def submit(job: Job) -> None:
        job.give(made)
        job.end()

    engine: Any = SimpleNamespace(submit=submit, cancel=lambda _: None, ends={END})
    prompts: Any = SimpleNamespace(decode=lambda ids: "a" * len(ids), remember=lambda *_: None)

    assert set("".join(words(engine, prompts, job, wait, ()))) == {"a"}
    assert wait.limited == limited
