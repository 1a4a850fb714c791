"""What an operator should know of an Ollama server and the model that it has loaded (its docs/api.md, /api/ps)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from workers.backends import Finding

SAFE: Final = (0, 17, 1)
"""Older ones leak memory to strangers: CVE-2026-7482 (nvd.nist.gov/vuln/detail/CVE-2026-7482)."""


def short(name: str) -> str:
    """A model's name as Ollama lists it: without what is understood, and with the tag (types/model/name.go)."""
    name = name.strip().casefold().removeprefix("registry.ollama.ai/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def entry(listed: Any, model: str) -> dict[str, Any] | None:
    """The model's own entry in the answer of /api/tags or /api/ps; None: it is not in it."""
    models = listed.get("models") if isinstance(listed, dict) else None
    for one in models if isinstance(models, list) else []:
        if isinstance(one, dict) and short(str(one.get("name"))) == short(model):
            return one
    return None


def trained_and_chosen(shown: dict[str, Any]) -> tuple[int, int]:
    """The context that the model of /api/show was trained for, and the one its Modelfile chooses; 0: not said."""
    info = shown.get("model_info")
    sizes = [n for key, n in info.items() if key.endswith(".context_length")] if isinstance(info, dict) else []
    chosen = re.search(r"^num_ctx\s+(\d+)", str(shown.get("parameters", "")), re.MULTILINE)
    trained = sizes[0] if sizes and isinstance(sizes[0], int) else 0
    return max(trained, 0), int(chosen[1]) if chosen else 0


def sees(shown: dict[str, Any]) -> bool:
    """Whether the model of /api/show takes images; servers before 0.6.4 name its projector only."""
    kinds = shown.get("capabilities")
    return "vision" in kinds if isinstance(kinds, list) else bool(shown.get("projector_info"))


def too_old(url: str, version: str) -> Iterator[Finding]:
    """Whether a server of this version should be replaced."""
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if numbers and tuple(map(int, numbers.groups())) < SAFE:
        least = ".".join(map(str, SAFE))
        yield Finding(
            f"{url} is Ollama {version}, which can leak memory to strangers (CVE-2026-7482): "
            f"install {least} or newer (on Linux: ./install_ollama.sh)",
            ok=None,
        )


def context(loaded: dict[str, Any], where: str, asked: int, wanted: int, trained: int) -> Iterator[Finding]:
    """Whether the context has as many tokens as we have ``asked`` for, and the operator has ``wanted``.

    ``trained`` is how many the model was made for, 0 where that is not known.
    """
    has = _size(loaded, "context_length")
    if trained and trained < wanted:
        yield Finding(
            f"context cut to {trained}: {where} was trained for no more, and {wanted} tokens are wanted. "
            f"Set CONTEXT_TOKENS={trained}, or take a model with a longer context",
            ok=None,
        )
    elif has and has < asked:
        yield Finding(
            f"context cut to {has}: {where} has no more, though {asked} tokens are asked for, so the start of long "
            f"conversations is lost without a word. Set CONTEXT_TOKENS={has}; or OLLAMA_CONTEXT_LENGTH={asked} where "
            "`ollama serve` runs, and let no proxy drop num_ctx",
            ok=None,
        )


def placement(loaded: dict[str, Any], where: str) -> Iterator[Finding]:
    """Whether all of the model is on the GPU, by the sizes that ``ollama ps`` shows."""
    size, on_gpu = _size(loaded, "size"), loaded.get("size_vram")
    if not size or not isinstance(on_gpu, int) or on_gpu >= size:
        return
    if on_gpu <= 0:
        yield Finding(
            f"loaded on CPU: {where} is not on a GPU at all, so answers are slow. If there is one, Ollama's log "
            "says why it is not used (journalctl -u ollama); if not, take a small model",
            ok=None,
        )
    else:
        share = max(1, min(99, round(100 * on_gpu / size)))
        yield Finding(
            f"loaded on CPU in part: {share} % of {where} is on the GPU, so answers are slow. Take a "
            "smaller or more strongly quantised model, or lower CONTEXT_TOKENS or OLLAMA_NUM_PARALLEL",
            ok=None,
        )


def _size(loaded: dict[str, Any], name: str) -> int:
    value = loaded.get(name)
    return value if isinstance(value, int) and value > 0 else 0
