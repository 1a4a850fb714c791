"""What this machine computes with: the device, the numbers' type, the attention's implementation."""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from typing import Any, Final

from bot.errors import SettingsError
from workers.backends.local.memory import free_bytes, gigabytes

NEEDS: Final = "LLM_PROVIDER=local needs packages: make install EXTRAS=local"
FASTEST: Final = ("flash_attention_3", "flash_attention_2", "sdpa", "eager")

_FLASH: Final = {"flash_attention_2": (8, 99, "Ampere or newer"), "flash_attention_3": (9, 9, "Hopper")}
"""The GPUs' generations that each is made for (https://github.com/Dao-AILab/flash-attention, Requirements)."""


def libraries() -> tuple[Any, Any]:
    """torch and transformers. Raises SettingsError where they are not installed.

    Both transformers and bitsandbytes fetch compiled code from the Hub where the package ``kernels`` is installed,
    whatever trust_remote_code says; so it counts as not installed in this process.
    """
    nothing: Any = None  # Python's own mark for what must not be imported
    sys.modules.setdefault("kernels", nothing)
    try:
        found = importlib.import_module("torch"), importlib.import_module("transformers")
    except ImportError as error:
        raise SettingsError(f"{NEEDS} ({error})") from None
    # peft asks transformers for what it now calls otherwise.
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
    # They warn at every matrix, and recommend ``kernels``.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    return found


def choose_device(wanted: str) -> str:
    """``cuda``, ``mps`` or ``cpu``: what LLM_DEVICE says, or the best there is. Raises SettingsError."""
    torch, _ = libraries()
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wanted == "auto":
        return "cuda" if cuda else "mps" if mps else "cpu"
    if wanted == "cuda" and not cuda:
        raise SettingsError(f"LLM_DEVICE=cuda: {_why_no_cuda(torch)}, or set LLM_DEVICE=auto.")
    if wanted == "mps" and not mps:
        raise SettingsError("LLM_DEVICE=mps: this is no Mac with Apple silicon, or its macOS is too old. Set auto.")
    return wanted


def _why_no_cuda(torch: Any) -> str:
    if torch.version.cuda or torch.version.hip:
        return "torch sees no GPU. See whether nvidia-smi shows one and the driver is not older than torch's CUDA"
    return (
        f"the installed torch {torch.__version__} was built without CUDA. "
        "Install one with it (https://pytorch.org/get-started/locally)"
    )


def device_report(device: str = "auto") -> str:
    """The device in words: its name, its memory, the versions. Raises SettingsError."""
    torch, _ = libraries()
    device = choose_device(device)
    version = f"torch {torch.__version__}"
    if device == "cuda":
        return f"CUDA ({'; '.join(_gpus(torch))}; {_platform(torch)}; {version})"
    free = free_bytes(device)
    memory = f"{gigabytes(free)} free; " if free is not None else ""
    if device == "mps":
        return f"Apple MPS ({memory}{version})"
    return f"CPU ({torch.get_num_threads()} threads; {memory}{version})"


def _gpus(torch: Any) -> list[str]:
    """The GPUs that this process may use (CUDA_VISIBLE_DEVICES), the first one first."""
    found = []
    for number in range(torch.cuda.device_count()):
        gpu, (free, total) = torch.cuda.get_device_properties(number), torch.cuda.mem_get_info(number)
        found.append(f"{gpu.name}, {gigabytes(free)} of {gigabytes(total)} free, capability {gpu.major}.{gpu.minor}")
    return found


def _platform(torch: Any) -> str:
    return f"ROCm {torch.version.hip}" if torch.version.hip else f"CUDA {torch.version.cuda}"


def choose_dtype(wanted: str, device: str) -> Any:
    """torch's type of the numbers: LLM_DTYPE, or bfloat16 on what computes in it, float16 on older GPUs, float32
    on a CPU."""
    torch, _ = libraries()
    if wanted != "auto":
        return getattr(torch, wanted)
    if device == "cpu":
        return torch.float32
    if device == "cuda":
        half = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        half = torch.backends.mps.is_macos_or_newer(14, 0)
    return torch.bfloat16 if half else torch.float16


def choose_attention(wanted: str, device: str, dtype: Any, family: Any) -> str:
    """The name of the implementation: LLM_ATTENTION, or the fastest that works here.

    ``family`` is the model's class in transformers. Raises SettingsError for a choice that does not work here, and
    names the one that does.
    """
    works = next(name for name in FASTEST if not _obstacle(name, device, dtype, family))
    if wanted == "auto":
        return works
    if obstacle := _obstacle(wanted, device, dtype, family):
        raise SettingsError(f"LLM_ATTENTION={wanted}: {obstacle}. Set LLM_ATTENTION=auto, which takes {works} here.")
    return wanted


def _obstacle(name: str, device: str, dtype: Any, family: Any) -> str:
    """Why this implementation does not work here; empty when it does."""
    if name == "eager":
        return ""
    if name == "sdpa":
        return "" if getattr(family, "_supports_sdpa", False) else f"{family.__name__} has no such implementation"
    if device != "cuda":
        return f"flash attention is for CUDA, and the model runs on {device}"
    if not getattr(family, "_supports_flash_attn", False):
        return f"{family.__name__} has no such implementation"
    return _flash_obstacle(name, dtype)


def _flash_obstacle(name: str, dtype: Any) -> str:
    """What a GPU, or its software, lacks for flash attention."""
    torch, transformers = libraries()
    if not getattr(transformers.utils, f"is_flash_attn_{name[-1]}_available")():
        return "its package is not installed (https://github.com/Dao-AILab/flash-attention)"
    first, last, generation = _FLASH[name]
    if not torch.version.hip and not first <= torch.cuda.get_device_capability()[0] <= last:
        return f"it needs a GPU of the generation {generation}"
    return "" if dtype in (torch.bfloat16, torch.float16) else "it computes in bfloat16 or float16 only"
