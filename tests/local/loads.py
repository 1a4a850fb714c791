"""Models loaded as settings say, and what a test asks of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.settings import load_settings
from workers.backends.local import memory
from workers.backends.local.loading import Loaded, load


def loaded(model: Path, **settings: Any) -> Loaded:
    return load(load_settings(llm_model=str(model), **({"llm_device": "cpu"} | settings)))


def words(found: Loaded, count: int = 8) -> list[int]:
    """What it says after a few tokens, greedily."""
    import torch

    start = torch.tensor([[1, 5, 9, 40, 17]], device=found.device)
    ids = found.model.generate(start, attention_mask=torch.ones_like(start), max_new_tokens=count, do_sample=False)
    return [int(one) for one in ids[0]]


def small_machine(monkeypatch: pytest.MonkeyPatch, folder: Path, free: int) -> None:
    """A machine that has only so many bytes left."""
    meminfo = folder / "meminfo"
    meminfo.write_text(f"MemTotal: 999999999 kB\nMemAvailable: {free // 1024} kB\n")
    monkeypatch.setattr(memory, "MEMINFO", meminfo)
