"""What is refused before it is loaded: code, half a model, another kind of model, a choice that does not work here."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.errors import SettingsError
from tests.local.loads import loaded
from tests.local.models import NEEDS
from workers.backends.local.devices import choose_attention, libraries

torch: Any = pytest.importorskip("torch", reason=NEEDS)
transformers: Any = pytest.importorskip("transformers", reason=NEEDS)

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="says what a machine without a GPU says")


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """The tiny model, to be spoilt."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("settings", "way_out"),
    [
        ({"llm_dtype": "bfloat16"}, "LLM_DTYPE=auto"),
        ({"llm_offload": "disk"}, "LLM_OFFLOAD=none"),
    ],
)
def test_int8_says_what_it_needs(tiny: Path, settings: dict[str, str], way_out: str) -> None:
    with pytest.raises(SettingsError, match=way_out):
        loaded(tiny, llm_quantization="int8", **settings)


def test_offload_to_memory_is_refused_where_all_is_in_memory(tiny: Path) -> None:
    with pytest.raises(SettingsError, match=r"LLM_OFFLOAD=cpu.*Set none, or disk"):
        loaded(tiny, llm_offload="cpu")


@pytest.mark.parametrize("name", ["flash_attention_2", "flash_attention_3"])
def test_flash_attention_on_a_cpu_is_refused_and_the_fallback_named(tiny: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: flash attention is for CUDA.*takes sdpa here"):
        loaded(tiny, llm_attention=name)


def test_a_model_without_an_implementation_gets_the_next(tiny: Path) -> None:
    class Plain:
        _supports_sdpa = False

    assert choose_attention("auto", "cpu", torch.float32, Plain) == "eager"
    with pytest.raises(SettingsError, match=r"Plain has no such implementation.*takes eager"):
        choose_attention("sdpa", "cpu", torch.float32, Plain)


def test_a_pickle_in_the_folder_is_never_opened(copy: Path) -> None:
    (copy / "pytorch_model.bin").write_bytes(pickle.dumps({"weights": 1}))
    with pytest.raises(SettingsError, match="may run code"):
        loaded(copy)


def test_code_that_comes_with_a_model_is_never_run(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModelForCausalLM": "other--x.Y"}}))
    with pytest.raises(SettingsError, match="names code to be run"):
        loaded(copy)


def test_compiled_code_from_the_hub_is_never_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """transformers and bitsandbytes do, where the package ``kernels`` is installed."""
    (tmp_path / "kernels.py").write_text("raise AssertionError('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    libraries()
    with pytest.raises(ImportError):
        __import__("kernels")


def test_a_model_without_some_of_its_weights_is_refused(copy: Path) -> None:
    """Random numbers in their place would answer nonsense."""
    safetensors = pytest.importorskip("safetensors.torch")
    weights = safetensors.load_file(copy / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    safetensors.save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SettingsError, match=r"lacks weights \(model.layers.1.mlp.up_proj.weight; 1 in all"):
        loaded(copy)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "vit"}, "A vit writes no text"),
        ({"model_type": "of-tomorrow"}, "cannot be loaded.*of-tomorrow"),
        ({"model_type": "llama", "hidden_size": "many"}, "cannot be loaded"),
        ({"model_type": "llama", "vocab_size": 7}, "asks for 64.*do not belong together"),
        ({"model_type": "llama", "quantization_config": {"quant_method": "fp8"}}, "quantized already"),
    ],
)
def test_what_is_no_chat_model_is_refused_in_words(copy: Path, config: dict[str, Any], reason: str) -> None:
    (copy / "config.json").write_text(json.dumps(config))
    quantization = "4bit" if "quantization_config" in config else "none"
    with pytest.raises(SettingsError, match=reason):
        loaded(copy, llm_quantization=quantization)


def test_an_adapter_is_no_model(copy: Path) -> None:
    (copy / "adapter_config.json").write_text("{}")
    with pytest.raises(SettingsError, match="set LLM_ADAPTER to it"):
        loaded(copy)


@NO_GPU
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(tiny: Path, device: str) -> None:
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("this Mac has one")
    with pytest.raises(SettingsError, match=f"LLM_DEVICE={device}: .*et .*auto"):
        loaded(tiny, llm_device=device)
