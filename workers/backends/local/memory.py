"""Room: how much is free, how much a model takes, what to change when it does not fit."""

from __future__ import annotations

import importlib
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bot.errors import SettingsError

if TYPE_CHECKING:
    from bot.settings import Settings
    from workers.backends.local.loading import Loaded

MEMINFO: Final = Path("/proc/meminfo")
CGROUP: Final = Path("/sys/fs/cgroup")
CONTEXT: Final = 4096
"""Tokens of one conversation without CONTEXT_TOKENS, where the model has so many."""
KV_SHARE: Final = 4
"""One part in so many of what is free goes to the conversations' keys and values; the rest is for computing."""

_SPARE: Final = 0.9
_LINEAR_BYTES: Final = {"8bit": 1.01, "4bit": 0.52}
"""A parameter of a linear layer, its share of the scales included (bitsandbytes: one byte, and half of one)."""
_KEPT = re.compile(r"embed|wte|wpe|lm_head")
"""Tables of words: bitsandbytes leaves them as they are."""
_STORED: Final = {"F64": 0, "F32": 0, "F16": 0, "BF16": 0, "I64": 8, "I32": 4, "I16": 2}
_SHORTAGE = re.compile(r"can't allocate memory|not enough memory|out of memory", re.IGNORECASE)


def gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def free_bytes(device: str) -> int | None:
    """What a model may still take on ``device`` (cuda: the current GPU; cpu: within the container); None: not known."""
    if device == "cpu":
        known = [room for room in (_available(), _contained()) if room is not None]
        return max(0, min(known)) if known else None
    torch = importlib.import_module("torch")
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())


def _available() -> int | None:
    """What Linux can give without swapping (proc_meminfo(5))."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", MEMINFO.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _contained() -> int | None:
    """What a container may still take: https://docs.kernel.org/admin-guide/cgroup-v2.html, Memory."""
    try:
        limit, used = ((CGROUP / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current"))
        cached = re.search(r"^inactive_file (\d+)", (CGROUP / "memory.stat").read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return None if limit == "max" else int(limit) - int(used) + (int(cached[1]) if cached else 0)


def is_shortage(error: BaseException) -> bool:
    """Whether there was too little memory, in the words of Python, of CUDA, of MPS or of torch's CPU allocator."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(_SHORTAGE.search(str(error))))


def need(folder: Path, quantization: str, itemsize: int) -> float:
    """Bytes that the weights in ``folder`` take while they are loaded, with numbers of ``itemsize`` bytes."""
    total = 0.0
    for name, kind, shape in _tensors(folder):
        size: float = _STORED.get(kind, 1) or itemsize
        if len(shape) == 2 and not _KEPT.search(name):
            size = min(size, _LINEAR_BYTES.get(quantization, size))
        total += size * math.prod(shape)
    return total


def stored(folder: Path) -> int:
    """How many numbers the files of weights in ``folder`` hold."""
    return sum(math.prod(shape) for _, _, shape in _tensors(folder))


def _tensors(folder: Path) -> Iterator[tuple[str, str, list[int]]]:
    """Name, type and shape of each weight (https://huggingface.co/docs/safetensors/index#format)."""
    for file in _weight_files(folder):
        with file.open("rb") as opened:
            header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
        yield from ((name, one["dtype"], one["shape"]) for name, one in header.items() if name != "__metadata__")


def _weight_files(folder: Path) -> list[Path]:
    """Those that are loaded: a folder may hold the same weights in a second form."""
    index, single = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if single.is_file():
        return [single]
    if not index.is_file():
        return sorted(folder.glob("*.safetensors"))
    listed: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    return [folder / name for name in sorted(set(listed.values()))]


def shortage(name: str, folder: Path, settings: Settings, *, device: str, itemsize: int, free: int | None) -> str:
    """What to say when the model does not fit into the ``free`` bytes: how large it is, and what to set instead."""
    size = need(folder, settings.llm_quantization, itemsize)
    room = f", and {gigabytes(free)} are free" if free is not None else ""
    ways = [*_smaller(folder, settings, itemsize, free), *_elsewhere(settings, device)]
    advice = f"Set {' or '.join(ways)}, or choose" if ways else "Choose"
    return (
        f"There is not enough memory on {device} for {name}: its weights take {gigabytes(size)}{room}. "
        f"{advice} a smaller model (docs/models.md)."
    )


def _smaller(folder: Path, settings: Settings, itemsize: int, free: int | None) -> Iterator[str]:
    """The settings with which it would fit, the least costly first."""
    now = settings.llm_quantization
    ways = [("LLM_DTYPE=bfloat16", "none", 2)] if now == "none" and itemsize > 2 else []
    ways += [("LLM_QUANTIZATION=8bit", "8bit", itemsize)] if now in ("none", "int8") else []
    ways += [("LLM_QUANTIZATION=4bit", "4bit", itemsize)] if now != "4bit" else []
    ways += [("LLM_QUANTIZATION=4bit with LLM_DTYPE=bfloat16", "4bit", 2)] if itemsize > 2 else []
    for way, quantization, item in ways:
        size = need(folder, quantization, item)
        if free is None or size < free * _SPARE:
            yield f"{way} ({gigabytes(size)})"


def _elsewhere(settings: Settings, device: str) -> Iterator[str]:
    if device == "cuda" and settings.llm_offload == "none":
        yield "LLM_OFFLOAD=cpu (slower)"
    if device != "mps" and settings.llm_offload != "disk" and settings.llm_quantization != "int8":
        yield "LLM_OFFLOAD=disk (very slow)"


def weights_bytes(model: Any) -> int:
    """The memory of the weights, those of layers that torch has quantized included."""
    dynamic = importlib.import_module("torch.ao.nn.quantized.dynamic")
    packed = (module.weight() for module in model.modules() if isinstance(module, dynamic.Linear))
    extra: int = sum(one.nelement() * one.element_size() for one in packed)
    return int(model.get_memory_footprint()) + extra


def kv_bytes(model: Any) -> int:
    """Bytes of one token's keys and values in all layers."""
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    return int(2 * config.num_hidden_layers * kv_heads * width * model.dtype.itemsize)


def kv_tokens(loaded: Loaded, settings: Settings) -> int:
    """How many tokens of conversations to keep in memory, all together.

    LLM_KV_TOKENS; else what a quarter of the free memory holds, at least one whole conversation, at most twice
    WORKER_CONCURRENCY of them. Raises SettingsError where not even one fits into half of it: computing needs room too.
    """
    if settings.llm_kv_tokens is not None:
        return settings.llm_kv_tokens
    positions: int = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None) or CONTEXT
    context = min(settings.context_tokens or CONTEXT, positions)
    most = 2 * settings.worker_concurrency * context
    free, each = free_bytes(loaded.device), kv_bytes(loaded.model)
    if free is None:
        return context * KV_SHARE
    if 2 * context * each > free:
        raise SettingsError(
            f"There is not enough memory on {loaded.device} for a conversation of {context} tokens, which takes "
            f"{gigabytes(context * each)}; {gigabytes(free)} are free. Set CONTEXT_TOKENS lower, or "
            "LLM_QUANTIZATION=4bit, or choose a smaller model (docs/models.md)."
        )
    return max(context, min(free // KV_SHARE // each, most))
