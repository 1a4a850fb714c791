"""The adapter on the model: which layers get one, and what is trained of them.

LoRA: https://arxiv.org/abs/2106.09685; on a 4-bit base, QLoRA: https://arxiv.org/abs/2305.14314.
"""

from __future__ import annotations

from typing import Any, Final

from bot.errors import SettingsError
from workers.train.plan import Plan

LAYERS: Final = frozenset({
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",  # Llama, Mistral, Qwen, Gemma
    "qkv_proj", "gate_up_proj",  # Phi-3
    "c_attn", "c_proj", "c_fc",  # GPT-2, DialoGPT
    "query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h",  # GPT-NeoX, Falcon
    "out_proj", "fc1", "fc2", "fc_in", "fc_out",  # OPT, GPT-Neo, GPT-J, Phi-2
})  # fmt: skip
"""What attention and feed-forward layers are called in the architectures that transformers has."""


def targets(model: Any, wanted: tuple[str, ...]) -> list[str]:
    """The names of the layers that get an adapter: those ``wanted``, else all that are known by name.

    Raises SettingsError, which names the model's linear layers, when there is none of them.
    """
    there = _linear(model)
    found = sorted(there & (set(wanted) or LAYERS))
    if missing := sorted(set(wanted) - there):
        raise SettingsError(f"--targets: the model has no {', '.join(missing)}. Its linear layers: {_list(there)}.")
    if not found:
        raise SettingsError(
            f"Which layers of {type(model).__name__} should learn is not known. "
            f"Name some with --targets; its linear layers: {_list(there)}."
        )
    return found


def adapt(model: Any, plan: Plan) -> Any:
    """The model with a fresh adapter, its own weights frozen; the same one for the same seed."""
    import torch  # noqa: PLC0415 - heavy, and only with the local extra
    from peft import LoraConfig, TaskType, get_peft_model, prepare_model_for_kbit_training  # noqa: PLC0415

    found = targets(model, plan.targets)
    model.config.use_cache = False
    checkpointing = {"use_reentrant": False}
    if getattr(model, "is_quantized", False):
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=plan.save_memory, gradient_checkpointing_kwargs=checkpointing
        )
    elif plan.save_memory:
        model.activation_checkpointing_enable(checkpointing)
    torch.manual_seed(plan.seed)
    config = LoraConfig(
        r=plan.rank,
        lora_alpha=plan.alpha,
        lora_dropout=plan.dropout,
        target_modules=found,
        task_type=TaskType.CAUSAL_LM,
        fan_in_fan_out=any(type(module).__name__ == "Conv1D" for module in model.modules()),
    )
    return get_peft_model(model, config)


def _linear(model: Any) -> set[str]:
    """The last parts of their names; the output head is none, since a change there is a change of vocabulary."""
    import torch  # noqa: PLC0415 - heavy, and only with the local extra

    head = model.get_output_embeddings()
    return {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if module is not head and (isinstance(module, torch.nn.Linear) or type(module).__name__ == "Conv1D")
    }


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
