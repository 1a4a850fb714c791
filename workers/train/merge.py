"""A whole model of a base and its adapter, for servers that take no adapter: Ollama, llama.cpp and others."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from rich.console import Console as Terminal

from bot.errors import SettingsError
from bot.settings import Settings
from workers.backends.local import adapters, loading
from workers.train.place import check_place, writing

CONVERTED: Final = frozenset({
    "LlamaForCausalLM", "MixtralForCausalLM", "GemmaForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM",
    "Phi3ForCausalLM", "Qwen2ForCausalLM", "Olmo3ForCausalLM", "CohereForCausalLM",
})  # fmt: skip
"""The text models that ``ollama create`` makes a GGUF of by itself; all others need llama.cpp's converter first
(convert/convert.go of https://github.com/ollama/ollama at v0.32.15)."""
MODELFILE: Final = "Modelfile"
GGUF: Final = "model.gguf"


def merge(settings: Settings, adapter: Path, folder: Path, terminal: Terminal) -> None:
    """Write the model of ``settings`` with ``adapter`` worked into its weights to ``folder``, and how to import it.

    The base is loaded once, on the CPU, in the numbers that it is stored in, and changed in place.
    Raises SettingsError.
    """
    check_place(folder)
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty. Choose another folder.")
    adapters.check_adapter(adapter)
    loaded = loading.load(_whole(settings, adapter), progress=True)
    loaded.model.config.use_cache = True
    architecture = type(loaded.model).__name__
    with writing(folder, "Then delete the folder, and merge again."):
        loaded.model.save_pretrained(folder)
        # Ollama reads the template from tokenizer_config.json, not from a file of its own
        loaded.tokenizer.save_pretrained(folder, save_jinja_files=False)
        (folder / MODELFILE).write_text(modelfile(architecture), encoding="utf-8")
    terminal.print(_next(folder, architecture, loaded.tokenizer), markup=False, highlight=False, soft_wrap=True)


def modelfile(architecture: str) -> str:
    """What ``ollama create`` reads (https://docs.ollama.com/modelfile); the template travels with the model."""
    return f"FROM {'.' if architecture in CONVERTED else './' + GGUF}\n"


def _whole(settings: Settings, adapter: Path) -> Settings:
    return settings.model_copy(
        update={
            "llm_adapter": adapter,
            "llm_device": "cpu",
            "llm_quantization": "none",
            "llm_offload": "none",
            "llm_sliding_window": None,
            "llm_dtype": settings.llm_dtype if settings.llm_dtype != "auto" else _stored(adapter),
        }
    )


def _stored(adapter: Path) -> str:
    """The number type that the adapter's base is stored in; float32 where that is not known."""
    stored = adapters.read_base(adapter).get("stored")
    return stored if stored in ("bfloat16", "float16") else "float32"


def _next(folder: Path, architecture: str, tokenizer: Any) -> str:
    lines = [f"Written to {folder}."]
    if not tokenizer.chat_template:
        lines.append(
            "It has no chat template, so Ollama cannot lay out a conversation: serve it with LLM_PROVIDER=local."
        )
        return "\n".join(lines)
    lines.append("Bring it into Ollama with")
    if architecture not in CONVERTED:
        lines.append(f"  python convert_hf_to_gguf.py {folder} --outfile {folder / GGUF}   (it is in llama.cpp)")
    lines.append(f"  ollama create my-shop -f {folder / MODELFILE}")
    lines.append("and serve it with LLM_PROVIDER=ollama and LLM_MODEL=my-shop. See docs/training.md.")
    return "\n".join(lines)
