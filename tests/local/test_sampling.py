"""Our quicker top-k and top-p leave what the library's leave."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.models import NEEDS

pytest.importorskip("torch", reason=NEEDS)

import torch

from workers.backends.local.sampling import TOP_K, quicken


def library() -> list[Any]:
    """Its processors, as continuous batching makes them; the same list is never quickened twice."""
    from transformers import TopKLogitsWarper, TopPLogitsWarper
    from transformers.generation.continuous_batching import cb_logits_processors as theirs

    return [
        theirs.ContinuousBatchingTopKLogitsWarper(TopKLogitsWarper(TOP_K)),
        theirs.ContinuousBatchingTopPLogitsWarper(TopPLogitsWarper(0.9)),
    ]


@pytest.mark.parametrize("vocabulary", [40, 3000])
def test_the_same_tokens_stay(vocabulary: int) -> None:
    """For each row its own numbers, greedy ones among them; also where the vocabulary is smaller than top-k."""
    torch.manual_seed(0)
    rows = 64
    scores = torch.randn(rows, vocabulary) * torch.linspace(0.1, 8, rows).unsqueeze(-1)
    counts = torch.tensor([min(one, vocabulary) for one in [1, 2, 7, TOP_K] * (rows // 4)], dtype=torch.int32)
    shares = torch.linspace(0.05, 1, rows).view(dtype=torch.int32)
    quick = library()
    quicken(quick)
    expected, made = scores, scores
    for theirs, ours, wanted in zip(library(), quick, (counts, shares), strict=True):
        expected, made = theirs(expected, wanted), ours(made, wanted)
        assert torch.equal(made, expected)
    assert (made.isfinite().sum(-1) == 1)[::4].all(), "top-k of one is greedy"
    assert made.isfinite().sum() < scores.isfinite().sum()
    assert [type(one) for one in quick] != [type(one) for one in library()]
