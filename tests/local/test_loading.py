"""Loading: what the settings say is what is in memory, and the report says so."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.errors import SettingsError
from bot.settings import load_settings
from tests.local.loads import loaded, words
from tests.local.models import NEEDS
from workers.backends.local import memory
from workers.backends.local.loading import Loaded, load

torch: Any = pytest.importorskip("torch", reason=NEEDS)
transformers: Any = pytest.importorskip("transformers", reason=NEEDS)

pytestmark = [
    pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning"),  # bitsandbytes, when it is imported
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning"),  # peft
]


@pytest.fixture(scope="module")
def base(tiny: Path) -> Loaded:
    return loaded(tiny)


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """The tiny model, to be spoilt."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


def test_a_model_is_loaded_as_it_is_and_its_report_says_so(base: Loaded, tiny: Path) -> None:
    assert (base.device, base.model.dtype, base.model.training) == ("cpu", torch.float32, False)
    for part in (str(tiny), "CPU (", "threads", torch.__version__, "float32", "attention sdpa", "weights 0.4 MB"):
        assert part in base.report
    assert "quantized" not in base.report


@pytest.mark.parametrize("quantization", ["4bit", "8bit", "int8"])
def test_a_quantized_model_answers_and_takes_less_memory(base: Loaded, tiny: Path, quantization: str) -> None:
    small = loaded(tiny, llm_quantization=quantization)

    assert memory.weights_bytes(small.model) < 0.65 * memory.weights_bytes(base.model)
    assert f"quantized to {quantization}" in small.report
    assert len(words(small)) > 5


def test_4_bits_are_nf4_with_their_scales_quantized_too(tiny: Path) -> None:
    made = loaded(tiny, llm_quantization="4bit", llm_dtype="bfloat16").model.config.quantization_config

    assert (made.bnb_4bit_quant_type, made.bnb_4bit_use_double_quant) == ("nf4", True)
    assert made.bnb_4bit_compute_dtype == torch.bfloat16


def test_8_bits_do_not_fill_the_log(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    words(loaded(tiny, llm_quantization="8bit"))
    assert [record.name for record in caplog.records if record.name.startswith("bitsandbytes")] == []


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_takes_half_the_memory(base: Loaded, tiny: Path, dtype: str) -> None:
    half = loaded(tiny, llm_dtype=dtype)

    assert half.model.dtype == getattr(torch, dtype)
    assert memory.weights_bytes(half.model) <= 0.51 * memory.weights_bytes(base.model)
    assert dtype in half.report


def test_attention_falls_back_to_what_is_there(tiny: Path) -> None:
    assert loaded(tiny, llm_attention="eager").model.config._attn_implementation == "eager"
    assert loaded(tiny).model.config._attn_implementation == "sdpa"


def windowed(folder: Path, kind: str = "MistralConfig", **config: Any) -> Path:
    """A model of a family that has windows; its weights are those of its own configuration."""
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    known = getattr(transformers, kind)(vocab_size=476, num_key_value_heads=1, head_dim=16, **(shape | config))
    torch.manual_seed(0)
    transformers.AutoModelForCausalLM.from_config(known).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def mistral(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Mistral with a window of 64 tokens, and the tiny model's tokenizer."""
    folder = windowed(tmp_path_factory.mktemp("mistral") / "model", sliding_window=64)
    for file in tiny.glob("tokenizer*"):
        shutil.copy(file, folder)
    return folder


def kept(found: Loaded) -> int:
    """How many positions the first layer keeps of a long prompt."""
    ids = torch.arange(3, 203)[None]
    return int(found.model(ids, use_cache=True).past_key_values.layers[0].keys.shape[-2])


def test_a_window_is_set_where_the_model_was_made_for_one(mistral: Path) -> None:
    assert kept(loaded(mistral)) == 63
    narrow = loaded(mistral, llm_sliding_window=16)
    assert kept(narrow) == 15
    assert "window 16" in narrow.report


def test_a_wider_window_than_the_model_was_made_for_is_refused(mistral: Path) -> None:
    with pytest.raises(SettingsError, match="LLM_SLIDING_WINDOW=65: this model was made for 64"):
        loaded(mistral, llm_sliding_window=65)


@pytest.mark.parametrize(
    ("kind", "config"),
    [("MistralConfig", {"sliding_window": None}), ("Qwen3Config", {"use_sliding_window": False}), ("Qwen3Config", {})],
)
def test_a_window_is_refused_where_the_model_has_none(tmp_path: Path, kind: str, config: dict[str, Any]) -> None:
    """It would silently forget its instructions; the reason and the way out are said."""
    model = windowed(tmp_path / "model", kind, **config)
    with pytest.raises(SettingsError, match=r"LLM_SLIDING_WINDOW.*instructions.*CONTEXT_TOKENS"):
        loaded(model, llm_sliding_window=16)


def test_a_window_for_layers_that_all_see_everything_is_refused(tmp_path: Path) -> None:
    model = windowed(tmp_path / "model", "Qwen3Config", use_sliding_window=True, sliding_window=64, max_window_layers=2)
    with pytest.raises(SettingsError, match="LLM_SLIDING_WINDOW"):
        loaded(model, llm_sliding_window=16)


def adapter(model: Path, folder: Path) -> Path:
    """An adapter that changes every answer."""
    peft = pytest.importorskip("peft", reason=NEEDS)
    plain = transformers.AutoModelForCausalLM.from_pretrained(model)
    torch.manual_seed(1)
    lora = peft.LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    peft.get_peft_model(plain, lora).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("quantization", ["none", "8bit", "int8"])
def test_an_adapter_is_part_of_the_model(base: Loaded, tiny: Path, tmp_path: Path, quantization: str) -> None:
    """Merged into plain weights, also before those become int8; kept beside those that bitsandbytes quantizes."""
    made = loaded(tiny, llm_adapter=adapter(tiny, tmp_path / "lora"), llm_quantization=quantization)
    beside = any("lora_" in name for name, _ in made.model.named_modules())

    ids = torch.arange(3, 40)[None]
    assert (made.model(ids).logits - base.model(ids).logits).abs().max() > 0.1
    assert beside is (quantization == "8bit")
    assert "adapter" in made.report


def test_a_tokenizer_without_padding_pads_with_the_end(copy: Path) -> None:
    config = json.loads((copy / "tokenizer_config.json").read_text())
    del config["pad_token"]
    (copy / "tokenizer_config.json").write_text(json.dumps(config))

    assert loaded(copy).tokenizer.pad_token == "<|im_end|>"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stderr", "wanted", "shown"), [(Terminal, True, True), (Terminal, False, False), (io.StringIO, True, False)]
)
def test_a_bar_is_shown_in_a_terminal_if_wanted(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, stderr: type[io.StringIO], wanted: bool, shown: bool
) -> None:
    screen = stderr()
    monkeypatch.setattr(sys, "stderr", screen)
    load(load_settings(llm_model=str(tiny), llm_device="cpu"), progress=wanted)

    assert ("Loading weights" in screen.getvalue()) is shown
