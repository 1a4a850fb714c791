"""An adapter: what it does, what is said of it, what is learnt, and a whole model made of it."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console as Terminal

from bot.errors import SettingsError
from bot.message import Turn
from tests.local.lessons import NEW, OLD, QUESTION, SHORT, TAUGHT, ask, learn, settings, talk, weights
from tests.local.models import END, LEARNT, NEEDS, SYSTEM
from workers.backends._weights import check_weights
from workers.backends.local import adapters
from workers.backends.local.loading import load
from workers.backends.local.prompts import Prompts
from workers.train import checkpoint, lora
from workers.train.encode import Example
from workers.train.loop import Loop
from workers.train.merge import merge
from workers.train.plan import Plan
from workers.train.template import Template

torch = pytest.importorskip("torch", reason=NEEDS)
pytest.importorskip("peft", reason=NEEDS)

pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]


def test_an_adapter_changes_an_answer_and_survives_save_load_and_merge(
    learnt: Path, taught: Path, tmp_path: Path
) -> None:
    base = load(settings(learnt))
    assert ask(base.model, base.tokenizer, QUESTION) == OLD

    served = load(settings(learnt, llm_adapter=taught))
    beside = adapters.attach(base.model, taught, merge=False)
    merge(settings(learnt), taught, tmp_path / "whole", Terminal(quiet=True))
    whole = load(settings(tmp_path / "whole"))

    for question, answer in TAUGHT:
        found = [ask(one, base.tokenizer, question) for one in (served.model, beside, whole.model)]
        assert found == [answer] * 3
    assert not any("lora" in name for name, _ in served.model.named_modules())
    assert any("lora" in name for name, _ in beside.named_modules())


def test_what_will_be_done_is_said_before_and_what_came_of_it_after(tiny: Path, tmp_path: Path) -> None:
    said = learn(tiny, talk(tmp_path, LEARNT), tmp_path / "new")

    assert "6 conversations to learn from, 2 held out: 4 epochs of 3 steps, 12 in all." in said
    assert "16,384 parameters learn, 104,512 stay as they are; layers: down_proj, gate_proj, k_proj, o_proj" in said
    assert "12/12" in said
    assert "Loss on what was held out: " in said
    assert f"Serve it with LLM_ADAPTER={tmp_path / 'new'}" in said


def test_the_card_says_how_it_was_made_and_nothing_that_people_said(tiny: Path, tmp_path: Path) -> None:
    data = talk(tmp_path, LEARNT)
    learn(tiny, data, tmp_path / "new")

    card = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
    assert f"base_model: {json.dumps(str(tiny))}" in card
    assert hashlib.sha256(data.read_bytes()).hexdigest() in card
    assert "| conversations | 6 to learn from, 2 held out |" in card
    assert "| rank | 8 |" in card
    assert [line.count(".") for line in card.splitlines() if line.startswith(("| before", "| 1 ", "| 4 "))] == [1, 2, 2]
    kept = "".join(
        f.read_text(encoding="utf-8", errors="ignore") for f in (tmp_path / "new").iterdir() if "token" not in f.name
    )
    assert [text for pair in (*LEARNT, (SYSTEM, "")) for text in pair if len(text) > 10 and text in kept] == []


def test_the_folder_holds_its_tokenizer_no_checkpoint_and_no_code(taught: Path) -> None:
    check_weights(taught)

    names = {file.name for file in taught.iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "README.md", "base.json"} <= names
    assert {file.suffix for file in taught.iterdir()} <= {".safetensors", ".json", ".md", ".jinja"}
    assert checkpoint.NAME not in names


def test_only_answers_are_learnt(tiny: Path) -> None:
    loaded = load(settings(tiny))
    turns = [{"role": "user", "content": "uno"}, {"role": "assistant", "content": "dos"}]

    (example,) = Template(loaded.tokenizer, loaded.model).teach([*turns, *turns])

    assert loaded.tokenizer.decode([one for one in example.labels if one >= 0]) == "dos<|im_end|>" * 2
    assert loaded.tokenizer.decode(example.ids).count("uno") == 2


def test_what_looks_like_the_templates_own_marks_is_learnt_as_text(tiny: Path) -> None:
    loaded = load(settings(tiny))
    turns = [{"role": "user", "content": "<|im_end|>"}, {"role": "assistant", "content": "<|im_end|>"}]

    (example,) = Template(loaded.tokenizer, loaded.model).teach(turns)

    assert example.ids.count(END) == 2
    assert [one for one in example.labels if one >= 0].count(END) == 1


STRICT = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.mark.parametrize("template", ["its own", STRICT, None])
def test_what_is_learnt_follows_the_very_tokens_that_it_will_be_asked_with(tiny: Path, template: str | None) -> None:
    """Also where a template knows no system turn, and where a model has no template."""
    loaded = load(settings(tiny))
    if template != "its own":
        loaded.tokenizer.chat_template = template
    turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
    asked = Prompts(loaded.tokenizer).ids([Turn("system", SYSTEM), Turn("user", QUESTION)])

    (example,) = Template(loaded.tokenizer, loaded.model).teach([*turns, {"role": "assistant", "content": NEW}])

    assert example.ids[: len(asked)] == asked
    assert example.labels[: len(asked)] == [-100] * len(asked)
    assert loaded.tokenizer.decode([one for one in example.labels if one >= 0]) == f"{NEW}<|im_end|>"


def test_conversations_that_are_too_long_are_left_out_and_counted(tiny: Path, tmp_path: Path) -> None:
    data = talk(tmp_path, [*TAUGHT, ("largo " * 400, "Sí.")])

    said = learn(tiny, data, tmp_path / "new", replace(SHORT, tokens=200, epochs=1))
    assert "1 are longer than 200 tokens and are left out" in said
    with pytest.raises(SettingsError, match="No conversation fits into 16 tokens"):
        learn(tiny, data, tmp_path / "other", replace(SHORT, tokens=16))


def test_a_step_in_parts_is_the_step_as_a_whole(tiny: Path, tmp_path: Path) -> None:
    plan = Plan(epochs=1, batch=4, dropout=0, validation=0)
    data = talk(tmp_path, LEARNT[:4])
    for name, each in (("whole", plan), ("parts", replace(plan, batch=1, accumulate=4))):
        learn(tiny, data, tmp_path / name, each)

    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.allclose(whole[name], parts[name], atol=1e-6) for name in whole)


def test_a_quantized_base_passes_on_what_is_learnt_after_it_was_measured(tiny: Path) -> None:
    """On CPUs with bfloat16 of their own, bitsandbytes packs 4-bit weights for good as soon as nobody learns."""
    base = load(settings(tiny, llm_quantization="4bit")).model
    ids = list(range(3, 40))
    loop = Loop(
        lora.adapt(base, Plan(dropout=0)), 0, Plan(epochs=1, dropout=0), [Example(ids, ids)], [Example(ids, ids)]
    )

    loop.run(lambda: None)

    learnt = {name: bool(one.any()) for name, one in base.named_parameters() if "lora_B" in name}
    assert len(learnt) == 14
    assert all(learnt.values())
    assert len(loop.state.held) == 2


def test_a_training_that_comes_apart_is_no_adapter(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="lower"):
        learn(tiny, talk(tmp_path), tmp_path / "new", replace(SHORT, rate=1e30))

    assert not (tmp_path / "new" / adapters.WEIGHTS).exists()


def test_a_disk_that_is_full_is_said_in_words(tiny: Path, tmp_path: Path) -> None:
    """A folder where the checkpoint should be fails as a full disk does: when it is written."""
    (tmp_path / "new" / f"{checkpoint.NAME}.new").mkdir(parents=True)
    (tmp_path / "new" / adapters.BASE).write_text("{}")

    with pytest.raises(SettingsError, match="Make room"):
        learn(tiny, talk(tmp_path), tmp_path / "new", resume=True)


def test_saving_memory_changes_nothing_else(tiny: Path, tmp_path: Path) -> None:
    plan, data = Plan(epochs=2, validation=0), talk(tmp_path, LEARNT[:4])
    for name, saves in (("less", True), ("more", False)):
        learn(tiny, data, tmp_path / name, replace(plan, save_memory=saves))

    less, more = weights(tmp_path / "less"), weights(tmp_path / "more")
    assert all(torch.allclose(less[name], more[name], atol=1e-6) for name in less)


def test_a_merged_model_is_a_plain_one_with_its_template_where_ollama_looks(
    learnt: Path, taught: Path, tmp_path: Path
) -> None:
    terminal = Terminal(record=True, file=io.StringIO(), width=400)
    merge(settings(learnt), taught, tmp_path / "whole", terminal)

    check_weights(tmp_path / "whole")
    config = json.loads((tmp_path / "whole" / "config.json").read_text())
    assert (config["architectures"], config["dtype"]) == (["LlamaForCausalLM"], "float32")
    assert "im_start" in json.loads((tmp_path / "whole" / "tokenizer_config.json").read_text())["chat_template"]
    assert (tmp_path / "whole" / "Modelfile").read_text() == "FROM .\n"
    assert f"ollama create my-shop -f {tmp_path / 'whole' / 'Modelfile'}" in terminal.export_text()
    with pytest.raises(SettingsError, match="is not empty"):
        merge(settings(learnt), taught, tmp_path / "whole", terminal)
