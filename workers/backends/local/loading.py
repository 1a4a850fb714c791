"""A model and its tokenizer in this process's memory, as the settings want them and the machine can have them."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bot.errors import SettingsError
from workers.backends._weights import check_weights
from workers.backends.local import adapters
from workers.backends.local.checks import check_model, check_settings, check_size, family_of
from workers.backends.local.devices import (
    NEEDS,
    choose_attention,
    choose_device,
    choose_dtype,
    device_report,
    libraries,
)
from workers.backends.local.hub import find_model
from workers.backends.local.memory import free_bytes, gigabytes, is_shortage, need, shortage, weights_bytes

if TYPE_CHECKING:
    from bot.settings import Settings
    from workers.backends.local.hub import Source

__all__ = ["Loaded", "device_report", "load"]

BITSANDBYTES: Final = ("4bit", "8bit")
_SPARE: Final = 0.9
_SAFE: Final = {"local_files_only": True, "trust_remote_code": False}

log = logging.getLogger("recado.model")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to answer: transformers' model and tokenizer, ``cuda``, ``mps`` or ``cpu``, and what to tell."""

    model: Any
    tokenizer: Any
    device: str
    report: str


def load(settings: Settings, *, progress: bool = False) -> Loaded:
    """Load LLM_MODEL as the LLM_ settings say, with a bar in the terminal where ``progress`` is wanted.

    Raises SettingsError with the way out for whatever an operator can mend.
    """
    _, transformers = libraries()
    device = choose_device(settings.llm_device)
    dtype = choose_dtype(settings.llm_dtype, device)
    check_settings(settings, device, dtype)
    _show_bars(transformers, shown=progress and sys.stderr.isatty())
    source = find_model(settings)
    check_weights(source.folder)
    with _border(source, settings, device, dtype.itemsize):
        config = transformers.AutoConfig.from_pretrained(source.folder, **_SAFE)
        family = family_of(transformers, config)
        check_model(source.folder, config, settings)
        check_size(source.folder, config)
        attention = choose_attention(settings.llm_attention, device, dtype, family)
        flags = {"config": config, "dtype": dtype, "attn_implementation": attention}
        model = _weights(settings, source.folder, device, flags)
        tokenizer = _tokenizer(transformers, source.folder)
    report = _report(source.name, model, settings, device, attention)
    log.info("%s", report)
    return Loaded(model, tokenizer, device, report)


def _show_bars(transformers: Any, *, shown: bool) -> None:
    bars = transformers.utils.logging
    (bars.enable_progress_bar if shown else bars.disable_progress_bar)()


@contextmanager
def _border(source: Source, settings: Settings, device: str, itemsize: int) -> Iterator[None]:
    """Refuse what cannot fit before Linux kills the process for it; turn what goes wrong into words."""
    free = free_bytes(device)
    # Of the linear layers int8 is made only after all of them were read.
    least = need(source.folder, settings.llm_quantization, itemsize)

    too_large = shortage(source.name, source.folder, settings, device=device, itemsize=itemsize, free=free)
    if settings.llm_offload == "none" and free is not None and least > free:
        raise SettingsError(too_large)
    try:
        yield
    except SettingsError:
        raise
    except ImportError as error:
        raise SettingsError(f"{NEEDS} ({_first_line(error)})") from error
    except Exception as error:  # the border: a foreign library reads foreign files
        if is_shortage(error):
            raise SettingsError(too_large) from error
        raise SettingsError(
            f"{source.name} cannot be loaded ({type(error).__name__}: {_first_line(error)}). "
            "Download it again, or choose another model (docs/models.md)."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]


def _weights(settings: Settings, folder: Path, device: str, flags: dict[str, Any]) -> Any:
    """The model with its adapter, in its final form."""
    torch, transformers = libraries()
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        folder,
        use_safetensors=True,
        output_loading_info=True,
        **_SAFE,
        **flags,
        **_placement(settings, device, torch),
        **_quantization(settings, transformers, flags["dtype"]),
    )
    if missing := sorted(info["missing_keys"]):
        raise SettingsError(
            f"{folder} lacks weights ({missing[0]}; {len(missing)} in all). Download the model again, whole."
        )
    if settings.llm_offload == "cpu" and "disk" in (getattr(model, "hf_device_map", None) or {}).values():
        raise SettingsError("The model fits neither on the GPU nor into memory. Set LLM_OFFLOAD=disk, or 4bit.")
    if settings.llm_adapter:
        merge = settings.llm_quantization not in BITSANDBYTES
        model = adapters.attach(model, settings.llm_adapter, merge=merge)
    return _in_int8(torch, model) if settings.llm_quantization == "int8" else model


def _placement(settings: Settings, device: str, torch: Any) -> dict[str, Any]:
    """All on the device; or as much as it holds, and the rest in memory and in files."""
    if settings.llm_offload == "none":
        return {"device_map": {"": device}}
    gpus = range(torch.cuda.device_count()) if device == "cuda" else ()
    room: dict[int | str, int] = {number: int(torch.cuda.mem_get_info(number)[0] * _SPARE) for number in gpus}
    if (memory := free_bytes("cpu")) is not None:
        room["cpu"] = int(memory * _SPARE)
    files = settings.data_dir / "offload"
    return {"device_map": "auto", "max_memory": room, "offload_folder": str(files)}


def _quantization(settings: Settings, transformers: Any, dtype: Any) -> dict[str, Any]:
    """bitsandbytes' 4 bits (nf4, its scales quantized too: https://arxiv.org/abs/2305.14314) or 8 bits."""
    if settings.llm_quantization not in BITSANDBYTES:
        return {}
    split = {"llm_int8_enable_fp32_cpu_offload": settings.llm_offload != "none"}
    if settings.llm_quantization == "8bit":
        return {"quantization_config": transformers.BitsAndBytesConfig(load_in_8bit=True, **split)}
    return {
        "quantization_config": transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
            **split,
        )
    }


def _in_int8(torch: Any, model: Any) -> Any:
    """The linear layers in 8 bits, their inputs scaled as they come."""
    quantize = getattr(torch.ao.quantization, "quantize_dynamic", None)
    if quantize is None:
        raise SettingsError(f"torch {torch.__version__} has no dynamic quantization. Set LLM_QUANTIZATION=8bit.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is to move to another package one day, says each layer
        return quantize(model, {torch.nn.Linear}, dtype=torch.qint8, inplace=True)


def _tokenizer(transformers: Any, folder: Path) -> Any:
    found = transformers.AutoTokenizer.from_pretrained(folder, **_SAFE)
    if found.pad_token_id is None:
        found.pad_token = found.eos_token
    return found


def _report(name: str, model: Any, settings: Settings, device: str, attention: str) -> str:
    """One line for the log: what was loaded, where, and in which form."""
    said = [
        str(model.dtype).removeprefix("torch."),
        f"attention {attention}",
        f"quantized to {settings.llm_quantization}" if settings.llm_quantization != "none" else "",
        f"window {settings.llm_sliding_window}" if settings.llm_sliding_window else "",
        f"adapter {settings.llm_adapter}" if settings.llm_adapter else "",
        f"offload to {settings.llm_offload}" if settings.llm_offload != "none" else "",
        f"weights {gigabytes(weights_bytes(model))}",
    ]
    return f"{name} on {device_report(device)}: {', '.join(filter(None, said))}"
