"""Loading on a GPU: these tests run where there is one, and say so where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.errors import SettingsError
from tests.local.loads import loaded, words
from tests.local.models import NEEDS, build
from workers.backends.local import memory
from workers.backends.local.devices import _obstacle, choose_dtype

torch: Any = pytest.importorskip("torch", reason=NEEDS)

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU: this machine has none"),
    pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning"),  # bitsandbytes, when it is imported
]


def test_a_gpu_is_found_and_reported(tiny: Path) -> None:
    found = loaded(tiny, llm_device="auto")

    assert (found.device, found.model.device.type) == ("cuda", "cuda")
    assert torch.cuda.get_device_name() in found.report
    assert found.model.dtype == choose_dtype("auto", "cuda") != torch.float32
    assert len(words(found)) > 5


@pytest.mark.parametrize("quantization", ["4bit", "8bit"])
def test_a_quantized_model_takes_less_memory_on_a_gpu(tmp_path: Path, quantization: str) -> None:
    model = build(tmp_path / "model", hidden_size=256, intermediate_size=1024)
    plain = memory.weights_bytes(loaded(model, llm_device="cuda").model)
    small = loaded(model, llm_device="cuda", llm_quantization=quantization)

    assert memory.weights_bytes(small.model) < 0.8 * plain
    assert len(words(small)) > 5


@pytest.mark.parametrize("name", ["auto", "flash_attention_2", "flash_attention_3"])
def test_flash_attention_is_taken_where_it_is_installed(tiny: Path, name: str) -> None:
    """And where it is not, an explicit choice names what is."""
    from transformers import LlamaForCausalLM

    if name != "auto" and _obstacle(name, "cuda", torch.bfloat16, LlamaForCausalLM):
        with pytest.raises(SettingsError, match="Set LLM_ATTENTION=auto, which takes"):
            loaded(tiny, llm_device="cuda", llm_attention=name)
        return
    found = loaded(tiny, llm_device="cuda", llm_attention=name, llm_dtype="bfloat16")

    taken = found.model.config._attn_implementation
    assert f"attention {taken}" in found.report
    assert name in ("auto", taken)


def test_what_does_not_fit_on_the_gpu_is_put_into_memory(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    total = torch.cuda.mem_get_info()[1]
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (250_000, total))
    found = loaded(tiny, llm_device="cuda", llm_offload="cpu")

    assert "cpu" in found.model.hf_device_map.values()
    assert len(words(found)) > 5


def test_int8_is_refused_on_a_gpu(tiny: Path) -> None:
    with pytest.raises(SettingsError, match=r"int8 is torch's own for CPUs.*set 8bit or 4bit"):
        loaded(tiny, llm_device="cuda", llm_quantization="int8")
