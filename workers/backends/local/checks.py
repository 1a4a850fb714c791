"""What is refused before a model is read: settings that this device or this model cannot have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bot.errors import SettingsError
from workers.backends.local.devices import libraries
from workers.backends.local.memory import stored

if TYPE_CHECKING:
    from bot.settings import Settings

_MORE: Final = 1.2
"""Parameters that a configuration may ask for, to each that the files hold: some files leave out what is the same."""


def check_settings(settings: Settings, device: str, dtype: Any) -> None:
    """Refuse what contradicts itself or the device. Raises SettingsError."""
    offload = settings.llm_offload
    if offload == "cpu" and device == "cpu":
        raise SettingsError("LLM_OFFLOAD=cpu: the model is on the CPU already. Set none, or disk.")
    if offload != "none" and device == "mps":
        raise SettingsError(f"LLM_OFFLOAD={offload} is not for MPS. Set LLM_OFFLOAD=none and LLM_QUANTIZATION=4bit.")
    if settings.llm_quantization != "int8":
        return
    if device != "cpu":
        raise SettingsError(f"LLM_QUANTIZATION=int8 is torch's own for CPUs; on {device} set 8bit or 4bit.")
    if str(dtype) != "torch.float32":
        raise SettingsError("LLM_QUANTIZATION=int8 is made of float32. Set LLM_DTYPE=auto.")
    if offload != "none":
        raise SettingsError("LLM_QUANTIZATION=int8 is made of a whole model in memory. Set LLM_OFFLOAD=none.")


def family_of(transformers: Any, config: Any) -> Any:
    """The model's class in transformers. Raises SettingsError for one that writes no text."""
    known = transformers.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING
    if type(config) not in known:
        raise SettingsError(f"A {config.model_type} writes no text. Choose a chat model (docs/models.md).")
    return known[type(config)]


def check_model(folder: Path, config: Any, settings: Settings) -> None:
    """Refuse what this model cannot do; narrow its window to LLM_SLIDING_WINDOW. Raises SettingsError."""
    if (folder / "adapter_config.json").exists():
        raise SettingsError(f"{folder} is an adapter: set LLM_ADAPTER to it, and LLM_MODEL to the model it is for.")
    if settings.llm_quantization != "none" and getattr(config, "quantization_config", None):
        raise SettingsError(
            f"LLM_QUANTIZATION={settings.llm_quantization}: this model is quantized already. Set none, or take its "
            "original."
        )
    if settings.llm_sliding_window is None:
        return
    text, window = config.get_text_config(), settings.llm_sliding_window
    if not (own := _window(text)):
        raise SettingsError(
            f"LLM_SLIDING_WINDOW: this {text.model_type} was made to look at everything; with a window it would forget "
            "the oldest first, its instructions. Leave it empty; CONTEXT_TOKENS makes conversations shorter."
        )
    if window > own:
        raise SettingsError(f"LLM_SLIDING_WINDOW={window}: this model was made for {own} at most.")
    text.sliding_window = window


def check_size(folder: Path, config: Any) -> None:
    """Refuse a configuration that asks for more than the files hold: the rest would be made up, at any size.

    Raises SettingsError.
    """
    if getattr(config, "quantization_config", None):
        return  # packed, several numbers in one
    torch, transformers = libraries()
    with torch.device("meta"):
        asked = transformers.AutoModelForCausalLM.from_config(config, trust_remote_code=False).num_parameters()
    if asked > _MORE * (held := stored(folder)):
        raise SettingsError(
            f"{folder} holds {held} parameters, and its config.json asks for {asked}: they do not belong together, or "
            "files are missing. Download the model again, whole."
        )


def _window(config: Any) -> int:
    """How many tokens back the model's narrower layers look; 0: all layers see everything."""
    kinds = getattr(config, "layer_types", None)
    if kinds and "sliding_attention" not in kinds:
        return 0
    return int(getattr(config, "sliding_window", None) or 0)
