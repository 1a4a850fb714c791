"""What the tests of the engines share: models in memory, answers gathered, faults in the middle of a step."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.errors import BackendError
from bot.settings import Settings, load_settings
from workers.backends.local import Local
from workers.backends.local.batching import Manager
from workers.backends.local.engine import Batching
from workers.backends.local.job import Job, Knobs, Signal
from workers.backends.local.loading import Loaded
from workers.backends.local.serial import Serial

SECONDS = 300.0
"""A test that waits so long has found that nothing comes; a busy machine is only slow."""
END, PAD = 2, 0
CAPACITY = 8192
LIMIT = 24
"""Tokens of an answer."""

Open = Callable[..., Batching]


def build_hybrid(folder: Path, like: Path) -> Path:
    """A Qwen3.5 of 200,000 random parameters, with the tokenizer of the model in ``like``."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen3_5TextConfig

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(like)
    config = Qwen3_5TextConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, linear_key_head_dim=16, linear_value_head_dim=16, linear_num_key_heads=2,
        linear_num_value_heads=4, max_position_embeddings=1024, eos_token_id=END, pad_token_id=PAD,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)
    for file in like.glob("tokenizer*"):
        shutil.copy(file, folder)
    shutil.copy(like / "chat_template.jinja", folder)
    return folder


def load(folder: Path) -> Loaded:
    """The model in ``folder``, without what the settings may want of it."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    return Loaded(model, AutoTokenizer.from_pretrained(folder), "cpu", f"{folder.name} on a CPU")


def settings(**changes: Any) -> Settings:
    known: dict[str, Any] = {
        "llm_provider": "local",
        "llm_kv_tokens": CAPACITY,
        "llm_temperature": 0,
        "reply_tokens": 24,
    }
    return load_settings(**(known | changes))


def open_local(folder: Path, **changes: Any) -> Local:
    return Local.of(settings(**changes), load(folder))


def batching(model: Any, *, capacity: int = CAPACITY, **changes: Any) -> Batching:
    manager = Manager(model, capacity=capacity, ends=[END], pad=PAD)
    known: dict[str, Any] = {
        "vocabulary": model.config.vocab_size, "most": 1024, "parallel": 64, "ends": [END], "device": "cpu",
    }  # fmt: skip
    return Batching(manager, **(known | changes))


def serial(model: Any, **changes: Any) -> Serial:
    return Serial(model, **({"ends": [END], "pad": PAD, "most": 1024, "keep_bytes": 1 << 30} | changes))


def generate(model: Any, ids: list[int], limit: int, **config: Any) -> list[int]:
    """What the model itself answers, greedily."""
    import torch
    from transformers import GenerationConfig

    known = GenerationConfig(max_new_tokens=limit, do_sample=False, eos_token_id=[END], pad_token_id=PAD, **config)
    made = model.generate(
        input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), generation_config=known
    )
    return [int(token) for token in made[0, len(ids) :]]


def gathered(job: Job) -> list[int]:
    """All tokens of an answer, when it is complete. Raises what ended it."""
    made: list[int] = []
    while not isinstance(item := job.box.get(timeout=SECONDS), Signal):
        if isinstance(item, BackendError):
            raise item
        made += item
    return made


def prompts(vocabulary: int, number: int = 20) -> list[list[int]]:
    """Different prompts of different lengths, made of plain tokens."""
    plain = vocabulary - 3
    return [[3 + (17 * place + 31 * n) % plain for place in range(20 + 7 * n)] for n in range(number)]


def jobs(asked: list[list[int]], limit: int = 24, knobs: Knobs | None = None) -> list[Job]:
    return [Job(ids, limit, knobs or Knobs()) for ids in asked]


class Steps:
    """Stands before a model's ``forward``: counts the tokens it computes, and fails where it is told to."""

    def __init__(self, model: Any, fails: Callable[[int, Any], Exception | None] = lambda *_: None) -> None:
        self.number = self.tokens = 0
        self._forward, self._fails, self._model = model.forward, fails, model
        model.forward = self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        ids = kwargs["input_ids"] if "input_ids" in kwargs else args[0]
        self.number += 1
        self.tokens += ids.numel()
        if error := self._fails(self.number, ids):
            raise error
        return self._forward(*args, **kwargs)
