"""An adapter where it does not belong, and on bases of other kinds."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import SettingsError
from tests.local.lessons import NEW, PLAN, QUESTION, ask, learn, settings, talk
from tests.local.models import NEEDS, build
from workers.backends.local import adapters
from workers.backends.local.loading import load
from workers.train import lora
from workers.train.plan import Plan

torch = pytest.importorskip("torch", reason=NEEDS)
pytest.importorskip("peft", reason=NEEDS)

pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]


def test_a_base_of_the_same_shape_and_other_numbers_is_refused(tiny: Path, taught: Path, learnt: Path) -> None:
    with pytest.raises(SettingsError, match="does not fit") as refused:
        load(settings(tiny, llm_adapter=taught))

    assert str(learnt) in str(refused.value)


@pytest.mark.parametrize("shape", [{"num_hidden_layers": 3}, {"num_hidden_layers": 1}, {"intermediate_size": 64}])
def test_a_base_of_another_shape_is_refused(taught: Path, tmp_path: Path, shape: dict[str, int]) -> None:
    (base := copy(taught, tmp_path)).joinpath(adapters.BASE).unlink()

    with pytest.raises(SettingsError, match="does not fit"):
        load(settings(build(tmp_path / "other", **shape), llm_adapter=base))


def test_the_base_is_known_again_in_other_numbers(learnt: Path, taught: Path) -> None:
    """Rounding is no other model."""
    for dtype in ("bfloat16", "float16"):
        found = load(settings(learnt, llm_adapter=taught, llm_dtype=dtype))
        assert ask(found.model, found.tokenizer, QUESTION) == NEW


def copy(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to / "copy"))


def test_a_pickle_is_refused_unread(learnt: Path, taught: Path, tmp_path: Path) -> None:
    """Beside good weights as well as instead of them."""

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    folder = copy(taught, tmp_path)
    torch.save({"a": Trap()}, folder / "adapter_model.bin")
    for _ in range(2):
        with pytest.raises(SettingsError, match=r"adapter_model\.bin may run code"):
            load(settings(learnt, llm_adapter=folder))
        (folder / adapters.WEIGHTS).unlink(missing_ok=True)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "no LoRA adapter"),
        ({"megatron_config": {"a": 1}, "megatron_core": "antigravity"}, "names code"),
        ({"auto_mapping": {"parent_library": "antigravity"}}, "names code"),
    ],
)
def test_an_adapter_whose_configuration_names_code_is_refused(
    learnt: Path, taught: Path, tmp_path: Path, changed: dict[str, Any], why: str
) -> None:
    file = copy(taught, tmp_path) / adapters.CONFIG
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))

    with pytest.raises(SettingsError, match=why):
        load(settings(learnt, llm_adapter=file.parent))
    assert "antigravity" not in sys.modules


def test_a_folder_without_an_adapter_is_said_to_be_one(learnt: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is no folder"):
        load(settings(learnt, llm_adapter=tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="holds no adapter_model"):
        load(settings(learnt, llm_adapter=tmp_path))


@pytest.mark.parametrize("text", ["[]", '{"weights": {"nowhere": [1.0]}}'])
@pytest.mark.parametrize("name", [adapters.CONFIG, adapters.BASE])
def test_of_a_broken_adapter_the_adapter_is_named_and_not_the_model(
    learnt: Path, taught: Path, tmp_path: Path, name: str, text: str
) -> None:
    (copy(taught, tmp_path) / name).write_text(text)

    with pytest.raises(SettingsError, match=r"^LLM_ADAPTER: "):
        load(settings(learnt, llm_adapter=tmp_path / "copy"))


def test_a_quantized_base_learns_and_keeps_the_adapter_beside_it(learnt: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes", reason=NEEDS)

    learn(learnt, talk(tmp_path), tmp_path / "new", replace(PLAN, epochs=60), llm_quantization="4bit")
    served = load(settings(learnt, llm_adapter=tmp_path / "new", llm_quantization="4bit"))

    assert any("lora" in name for name, _ in served.model.named_modules())
    assert ask(served.model, served.tokenizer, QUESTION) == NEW


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("more", [{}, {"llm_quantization": "4bit"}])
def test_it_learns_on_a_gpu(learnt: Path, tmp_path: Path, more: dict[str, Any]) -> None:
    learn(learnt, talk(tmp_path), tmp_path / "new", PLAN, llm_device="cuda", **more)
    served = load(settings(learnt, llm_device="cuda", llm_adapter=tmp_path / "new", **more))

    assert served.model.device.type == "cuda"
    assert ask(served.model, served.tokenizer, QUESTION) == NEW


@pytest.mark.parametrize(("setting", "value"), [("llm_quantization", "int8"), ("llm_dtype", "float16")])
def test_what_cannot_learn_is_refused_with_what_can(tiny: Path, tmp_path: Path, setting: str, value: str) -> None:
    wrong: dict[str, Any] = {setting: value}

    with pytest.raises(SettingsError, match=setting.upper()):
        learn(tiny, talk(tmp_path), tmp_path / "new", **wrong)
    assert not (tmp_path / "new").exists()


def test_the_layers_of_another_architecture_are_found() -> None:
    from transformers import AutoModelForCausalLM, GPT2Config

    model = AutoModelForCausalLM.from_config(GPT2Config(n_layer=1, n_embd=8, n_head=2, vocab_size=50))

    assert lora.targets(model, ()) == ["c_attn", "c_fc", "c_proj"]
    adapted = lora.adapt(model, Plan())
    assert adapted.peft_config["default"].fan_in_fan_out is True


def test_where_no_layer_is_known_those_that_there_are_are_named() -> None:
    from transformers import AutoModelForCausalLM, RwkvConfig

    config = RwkvConfig(num_hidden_layers=2, hidden_size=8, vocab_size=50)
    model = AutoModelForCausalLM.from_config(config)

    with pytest.raises(SettingsError, match="--targets; its linear layers: key, output, receptance, value"):
        lora.targets(model, ())
    with pytest.raises(SettingsError, match=r"no q_proj\. Its linear layers: key, output, receptance, value"):
        lora.targets(model, ("q_proj", "key"))
    assert lora.targets(model, ("key",)) == ["key"]
