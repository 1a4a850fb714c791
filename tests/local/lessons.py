"""What the tests of training share: a small file of conversations, a training of it, and a question asked."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal

from bot.settings import Settings, load_settings
from tests.local.models import LEARNT, SYSTEM
from workers.backends.local import adapters
from workers.train.plan import Plan
from workers.train.run import train

QUESTION, OLD = LEARNT[0]
NEW = "Abrimos a las ocho de la tarde."
TAUGHT = [(QUESTION, NEW), *LEARNT[1:3]]
PLAN = Plan(epochs=80, batch=3, rate=1e-2, rank=16, dropout=0, validation=0, every=40)
SHORT = Plan(epochs=4, batch=2, rate=1e-2, validation=0.3, every=1)


def settings(model: Path, **more: Any) -> Settings:
    return load_settings(llm_provider="local", llm_model=str(model), **more)


def talk(folder: Path, pairs: Sequence[tuple[str, str]] = TAUGHT) -> Path:
    file = folder / "talk.jsonl"
    turns = [
        [{"role": "system", "content": SYSTEM}, {"role": "user", "content": q}, {"role": "assistant", "content": a}]
        for q, a in pairs
    ]
    file.write_text("".join(json.dumps({"messages": one}) + "\n" for one in turns), encoding="utf-8")
    return file


def learn(model: Path, data: Path, to: Path, plan: Plan = SHORT, *, resume: bool = False, **more: Any) -> str:
    """Train, and return what was said."""
    terminal = Terminal(record=True, file=io.StringIO(), width=400)
    train(settings(model, **more), data, to, plan, resume=resume, terminal=terminal)
    return terminal.export_text()


def ask(model: Any, tokenizer: Any, question: str) -> str:
    turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    given = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt").to(model.device)
    out = model.generate(**given, max_new_tokens=40, do_sample=False)
    return str(tokenizer.decode(out[0, given["input_ids"].shape[1] :], skip_special_tokens=True))


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    found: dict[str, Any] = load_file(folder / adapters.WEIGHTS)
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
