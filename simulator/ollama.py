"""What an Ollama server says of itself and of its models, beside answering (ollama/ollama, docs/api.md)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from simulator.wires import CONTEXT_TOKENS, Ollama

VERSION: Final = "0.32.15"
"""The one that install_ollama.sh installs."""
DEFAULT_CONTEXT: Final = 4096
"""Of a request without ``num_ctx``, where there is little video memory (docs/context-length.mdx)."""
KEEP_ALIVE: Final = "5m"
SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
SIZE: Final = 4_372_824_384
DIGEST: Final = "6577803aa9a036369e481d648a2baebb381ebc6e897f2bb9a766a2aa7bfbc1cf"
DETAILS: Final = {
    "parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "7.2B",
    "quantization_level": "Q4_K_M",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory: its context as allocated, and when it is to be unloaded."""

    context: int
    until: datetime


class Host:
    """An Ollama server's own state. What an operator may find there can be set:

    ``version``, the context its models are ``trained`` for, the longest that it gives them
    (``context_limit``, as behind a proxy that drops num_ctx), the share of them on the GPU, and whether they can see.
    """

    def __init__(self) -> None:
        self.version = VERSION
        self.trained = CONTEXT_TOKENS
        self.context_limit: int | None = None
        self.gpu_share = 1.0
        self.sees = False
        self._loaded: dict[str, Loaded] = {}

    def find(self, name: str, models: Sequence[str]) -> str:
        """The model's own name; empty: it is not there."""
        return next((one for one in (name, f"{name}:latest") if one in models), "")

    def answer(self, path: str, body: dict[str, Any], models: Sequence[str]) -> tuple[Any, int] | None:
        """The JSON and the status of a question about the server; None: Ollama knows no such path."""
        if path == "/api/version":
            return {"version": self.version}, 200
        if path == "/api/tags":
            return {"models": [self._card(name) | {"modified_at": _at(datetime.now(UTC))} for name in models]}, 200
        if path == "/api/ps":
            return {"models": [self._running(name, one) for name, one in self._alive(models)]}, 200
        if path == "/api/show":
            return self._show(str(body.get("model") or body.get("name") or ""), models)
        return None

    def load(self, body: dict[str, Any], models: Sequence[str]) -> None:
        """A chat has begun: its model is in memory, with the context it asks for, as far as there is so much."""
        options = body.get("options") or {}
        asked = self.context_limit or options.get("num_ctx") or DEFAULT_CONTEXT
        kept = timedelta(seconds=_seconds(body.get("keep_alive", KEEP_ALIVE)))
        name = self.find(str(body.get("model")), models)
        self._loaded[name] = Loaded(min(int(asked), self.trained), datetime.now(UTC) + kept)

    def _alive(self, models: Sequence[str]) -> list[tuple[str, Loaded]]:
        now = datetime.now(UTC)
        return [(name, one) for name, one in self._loaded.items() if one.until > now and name in models]

    def _show(self, name: str, models: Sequence[str]) -> tuple[Any, int]:
        if not self.find(name, models):
            return Ollama.unknown(name), 404
        info = {"general.architecture": "llama", "llama.context_length": self.trained}
        able = ["completion", *(["vision"] if self.sees else [])]
        kinds = {"capabilities": able, "modified_at": _at(datetime.now(UTC))}
        return {"details": DETAILS, "model_info": info, "parameters": 'stop    "[INST]"'} | kinds, 200

    def _card(self, name: str) -> dict[str, Any]:
        return {"name": name, "model": name, "size": SIZE, "digest": DIGEST, "details": DETAILS}

    def _running(self, name: str, one: Loaded) -> dict[str, Any]:
        memory = {"size_vram": int(SIZE * self.gpu_share), "context_length": one.context}
        return self._card(name) | memory | {"expires_at": _at(one.until)}


def _seconds(keep_alive: Any) -> float:
    """A Go duration or a number of seconds; a negative one: for ever (api/types.go, Duration)."""
    parts = re.findall(r"(\d+)([smh])", keep_alive) if isinstance(keep_alive, str) else ()
    seconds = sum(int(number) * SECONDS[unit] for number, unit in parts) if parts else float(keep_alive)
    return seconds if seconds >= 0 else 86_400.0 * 365


def _at(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
