"""The local model's room and flags, as far as they can be known without torch."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.errors import SettingsError
from bot.settings import load_settings
from workers.backends.local import memory
from workers.backends.local.checks import check_settings
from workers.backends.local.loading import device_report, load

GB = 10**9
SHAPES = {"model.embed_tokens.weight": [1000, 100], "model.layers.0.up.weight": [100, 9000], "model.norm.weight": [100]}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A million parameters: one tenth in a table of words, the rest in a linear layer. Only the file's head."""
    header = {name: {"dtype": "BF16", "shape": shape, "data_offsets": [0, 0]} for name, shape in SHAPES.items()}
    text = json.dumps(header | {"__metadata__": {"format": "pt"}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    return tmp_path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Linux of our own, in files."""
    folder = tmp_path / "machine"
    folder.mkdir()
    monkeypatch.setattr(memory, "MEMINFO", folder / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", folder)
    return folder


def test_the_free_memory_is_what_linux_can_give(machine: Path) -> None:
    (machine / "meminfo").write_text("MemTotal: 99 kB\nMemFree: 1 kB\nMemAvailable:    5000 kB\n")
    assert memory.free_bytes("cpu") == 5000 * 1024


def test_a_container_has_no_more_than_its_limit(machine: Path) -> None:
    """What it uses for files that can be dropped counts as free."""
    (machine / "meminfo").write_text("MemAvailable: 5000000 kB\n")
    for name, text in {
        "memory.max": "9000\n",
        "memory.current": "8000\n",
        "memory.stat": "anon 1\ninactive_file 500\n",
    }.items():
        (machine / name).write_text(text)
    assert memory.free_bytes("cpu") == 1500
    (machine / "memory.max").write_text("max\n")
    assert memory.free_bytes("cpu") == 5000000 * 1024


def test_where_it_is_not_known_nothing_is_made_up(machine: Path) -> None:
    assert memory.free_bytes("cpu") is None


def test_weights_take_what_their_numbers_take(model: Path) -> None:
    assert memory.need(model, "none", 4) == 4 * 1_000_100
    assert memory.need(model, "none", 2) == 2 * 1_000_100


def test_quantizing_shrinks_the_linear_layers_alone(model: Path) -> None:
    assert 4 * 100_100 + 900_000 <= memory.need(model, "8bit", 4) < 4 * 100_100 + 920_000
    assert 4 * 100_100 + 450_000 <= memory.need(model, "4bit", 4) < 4 * 100_100 + 500_000


def test_a_second_copy_of_the_weights_does_not_count(model: Path) -> None:
    alone = memory.need(model, "none", 4)
    (model / "consolidated.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    assert memory.need(model, "none", 4) == alone

    (model / "model.safetensors").rename(model / "part-1.safetensors")
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": "part-1.safetensors"}}))
    assert memory.need(model, "none", 4) == alone


def advice(model: Path, free: int | None, device: str = "cpu", itemsize: int = 4, **settings: Any) -> str:
    where = {"device": device, "itemsize": itemsize}
    return memory.shortage("tiny", model, load_settings(**settings), free=free, **where)  # type: ignore[arg-type]


def test_a_shortage_names_what_would_fit_and_its_size(model: Path) -> None:
    said = advice(model, 2_500_000)
    assert "its weights take 4.0 MB, and 2.5 MB are free" in said
    assert "Set LLM_DTYPE=bfloat16 (2.0 MB) or LLM_QUANTIZATION=8bit (1.3 MB) or LLM_QUANTIZATION=4bit" in said


def test_a_shortage_names_nothing_that_would_not_fit(model: Path) -> None:
    said = advice(model, 800_000)
    assert "bfloat16 (2.0" not in said
    assert "8bit" not in said
    assert "LLM_QUANTIZATION=4bit with LLM_DTYPE=bfloat16 (0.7 MB)" in said


def test_a_shortage_names_nothing_that_is_set_already(model: Path) -> None:
    said = advice(model, 1, itemsize=2, llm_quantization="4bit", llm_offload="disk")
    assert said.endswith("are free. Choose a smaller model (docs/models.md).")


def test_offload_is_advised_where_it_is_possible(model: Path) -> None:
    assert "LLM_OFFLOAD=cpu (slower) or LLM_OFFLOAD=disk" in advice(model, 1, device="cuda", itemsize=2)
    assert "LLM_OFFLOAD=cpu" not in advice(model, 1)
    assert "LLM_OFFLOAD" not in advice(model, 1, device="mps")


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
            True,
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("size mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_a_shortage_is_known_by_everybodys_words(error: Exception, is_one: bool) -> None:
    assert memory.is_shortage(error) is is_one


@pytest.mark.parametrize(
    ("device", "settings", "way_out"),
    [
        ("cuda", {"llm_quantization": "int8"}, "on cuda set 8bit or 4bit"),
        ("mps", {"llm_quantization": "int8"}, "on mps set 8bit or 4bit"),
        ("mps", {"llm_offload": "cpu"}, "LLM_OFFLOAD=none"),
        ("cpu", {"llm_offload": "cpu"}, "Set none, or disk"),
    ],
)
def test_flags_that_a_device_cannot_have_are_refused(device: str, settings: dict[str, str], way_out: str) -> None:
    with pytest.raises(SettingsError, match=way_out):
        check_settings(load_settings(**settings), device, "torch.float32")


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_without_its_packages_the_command_that_installs_them_is_said(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """Whoever imports this module without them is told so only when a model is wanted."""
    monkeypatch.setitem(sys.modules, missing, None)  # type: ignore[arg-type] - Python's mark for what must not load
    for ask in (lambda: load(load_settings()), device_report):
        with pytest.raises(SettingsError, match="LLM_PROVIDER=local needs packages: make install EXTRAS=local"):
            ask()
