"""A LoRA adapter on a loaded model: looked at before it is loaded, and only on the model that it was made for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from bot.errors import SettingsError
from workers.backends._weights import check_weights

WEIGHTS: Final = "adapter_model.safetensors"
CONFIG: Final = "adapter_config.json"
BASE: Final = "base.json"
"""Beside the adapter: which model it was made for, and a few of that model's weights, to know it again."""

_SAMPLE: Final = 64
_ALIKE: Final = 0.8
"""So many of them must be the same in bfloat16; who came there by way of float16 has rounded some twice."""
_PREFIX: Final = "base_model.model."


def attach(model: Any, folder: Path, *, merge: bool) -> Any:
    """``model`` with the adapter in ``folder``; merged, it is a model as if there were no adapter, as quick as before.

    A quantized model keeps it beside its weights (``merge`` False). Raises SettingsError, which says what to do, for a
    folder without an adapter, one that may run code, and one that was made for another model.
    """
    try:
        from peft import PeftModel  # noqa: PLC0415 - heavy, and only with the local extra
    except ImportError:
        raise SettingsError("LLM_ADAPTER needs packages: make install EXTRAS=local") from None
    config = check_adapter(folder)
    _check_layers(model, folder, config)
    _check_sample(model, folder, config)
    try:
        adapted = PeftModel.from_pretrained(model, str(folder), torch_device=str(model.device))
    except (ValueError, RuntimeError, KeyError, TypeError) as error:
        first = str(error).strip().partition("\n")[0]
        raise SettingsError(f"{_not_for(model, folder, config)} (peft: {first})") from None
    return adapted.merge_and_unload() if merge else adapted.get_base_model()


def check_adapter(folder: Path) -> dict[str, Any]:
    """The configuration of the adapter in ``folder``, after the same look at every file as at a model's.

    Raises SettingsError.
    """
    if not folder.is_dir():
        raise SettingsError(f"LLM_ADAPTER: {folder} is no folder. Give the one that python -m workers train wrote.")
    if any(folder.iterdir()):
        check_weights(folder)
    for name in (WEIGHTS, CONFIG):
        if not (folder / name).is_file():
            raise SettingsError(
                f"LLM_ADAPTER: {folder} holds no {name}. If its training was interrupted, finish it with --resume; "
                "else give the folder that python -m workers train wrote."
            )
    config = _object(folder / CONFIG)
    if config.get("peft_type") != "LORA":
        raise SettingsError(f"LLM_ADAPTER: {folder} holds no LoRA adapter, but {config.get('peft_type')}.")
    if config.get("megatron_config"):  # peft would import the module that megatron_core names
        raise SettingsError(
            f"LLM_ADAPTER: {folder / CONFIG} names code to be run (megatron_core). Use another adapter."
        )
    return config


def write_base(model: Any, folder: Path, *, name: str, revision: str, layers: list[str]) -> None:
    """Note in ``folder`` which model this is, to be called before it gets an adapter."""
    modules = [module for module, _ in model.named_modules() if module.rpartition(".")[2] in layers]
    noted = {"model": name, "revision": revision, "stored": _stored(model), "weights": _sample(model, modules)}
    (folder / BASE).write_text(json.dumps(noted, indent=1) + "\n", encoding="utf-8")


def read_base(folder: Path) -> dict[str, Any]:
    """What ``write_base`` noted; nothing in an adapter from elsewhere. Raises SettingsError."""
    return _object(folder / BASE) if (folder / BASE).is_file() else {}


def _object(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SettingsError(f"LLM_ADAPTER: {file} is broken. Copy the adapter again, or train it anew.")
    return found


def _stored(model: Any) -> str:
    """The number type in which the model lies in its folder, which need not be the one it was loaded in."""
    file = Path(str(model.name_or_path)) / "config.json"
    found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return str(found.get("dtype") or found.get("torch_dtype") or "")


def _check_layers(model: Any, folder: Path, config: dict[str, Any]) -> None:
    """The adapter has numbers for each layer that it is for, and for no other."""
    from safetensors import safe_open  # noqa: PLC0415 - only with the local extra

    with safe_open(folder / WEIGHTS, framework="pt") as opened:
        held = {name.removeprefix(_PREFIX).partition(".lora_")[0] for name in opened.keys() if ".lora_" in name}  # noqa: SIM118 - no dict
    there = {name for name, _ in model.named_modules()}
    wanted: set[str] = set()
    if isinstance(names := config.get("target_modules"), list) and not config.get("layers_to_transform"):
        wanted = {name for name in there if name.rpartition(".")[2] in names}
    if not held or held - there or (wanted and not config.get("exclude_modules") and wanted - held):
        raise SettingsError(_not_for(model, folder, config))


def _check_sample(model: Any, folder: Path, config: dict[str, Any]) -> None:
    """Models of one shape differ in their numbers. Weights that were or are quantized say nothing here."""
    import torch  # noqa: PLC0415 - heavy, and only with the local extra

    noted = read_base(folder).get("weights") or {}
    if not isinstance(noted, dict) or set(noted) - {name for name, _ in model.named_modules()}:
        raise SettingsError(_not_for(model, folder, config))
    for name, found in _sample(model, list(noted)).items():
        before, now = (torch.tensor(values).bfloat16() for values in (noted[name], found))
        if before.shape != now.shape or (before == now).float().mean() < _ALIKE:
            raise SettingsError(_not_for(model, folder, config))


def _sample(model: Any, modules: list[str]) -> dict[str, list[float]]:
    """Some weights, evenly spread, of the first and the last of ``modules``, where they are plain numbers in memory."""
    import torch  # noqa: PLC0415

    found = {}
    for name in dict.fromkeys(modules[:1] + modules[-1:]):
        weight = model.get_submodule(name).weight
        if weight.is_floating_point() and weight.device.type != "meta":
            places = torch.linspace(0, weight.numel() - 1, _SAMPLE, dtype=torch.float64).long()
            found[name] = weight.detach().flatten()[places.to(weight.device)].float().tolist()
    return found


def _not_for(model: Any, folder: Path, config: dict[str, Any]) -> str:
    made_for = config.get("base_model_name_or_path") or "another model"
    return (
        f"LLM_ADAPTER: {folder} was made for {made_for}, and does not fit {model.name_or_path or 'this one'}. "
        "Set LLM_MODEL (and LLM_REVISION) to what it was made for, or train one for this model."
    )
