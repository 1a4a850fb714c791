"""What is compared: each configuration is settings on top of the installation's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bot import plugins
from bot.errors import SettingsError
from bot.settings import Settings

WINDOW: Final = 512
"""Tokens of the sliding window where LLM_SLIDING_WINDOW names none."""

_PLAIN: Final[dict[str, Any]] = {"llm_quantization": "none", "llm_sliding_window": None}
_QUANTIZED: Final = {"4bit": "4bit", "8bit": "8bit", "int8": "int8"}
LOCAL: Final = ("base", "4bit", "8bit", "sliding-window", "int8", "all")
"""The configurations of the model in our own process."""


@dataclass(frozen=True, slots=True)
class Job:
    """One configuration and how it is measured.

    ``concurrency`` are the numbers of conversations at once, in ascending order; ``tokens`` is the longest
    reply; ``repeat`` the rounds that count; ``model`` and ``url`` stand for LLM_MODEL and LLM_BASE_URL where given.
    """

    configuration: str
    concurrency: tuple[int, ...]
    tokens: int = 64
    repeat: int = 3
    model: str = ""
    url: str = ""

    @property
    def provider(self) -> str:
        """Its LLM_PROVIDER."""
        return provider_of(self.configuration)


def provider_of(configuration: str) -> str:
    """The LLM_PROVIDER of a configuration: the model in our own process, or the backend that it is named after."""
    return "local" if configuration in LOCAL else configuration


def known() -> tuple[str, ...]:
    """Every configuration there is."""
    return (*LOCAL, *plugins.names("workers.backends"))


def choose(names: str, settings: Settings) -> tuple[str, ...]:
    """The configurations of ``base,4bit``; of an empty text, those of the installation's own provider.

    Raises SettingsError for a name that is none.
    """
    chosen = tuple(dict.fromkeys(name.strip().lower() for name in names.split(",") if name.strip()))
    for name in chosen:
        if name not in known():
            raise SettingsError(f"--config: there is no {name!r}; there are: {', '.join(known())}.")
    return chosen or (LOCAL if settings.llm_provider == "local" else (settings.llm_provider,))


def overrides(job: Job, settings: Settings) -> tuple[dict[str, Any], ...]:
    """What ``job`` changes in ``settings``: the first of these that the model can do. Raises SettingsError."""
    common = _where(job, settings) | {"llm_provider": job.provider, "reply_tokens": job.tokens}
    common["worker_concurrency"] = max(settings.worker_concurrency, *job.concurrency)
    if job.configuration in LOCAL:
        common |= _PLAIN | {"llm_quantization": _QUANTIZED.get(job.configuration, "none")}
    window = {"llm_sliding_window": settings.llm_sliding_window or WINDOW}
    if job.configuration == "sliding-window":
        return (common | window,)
    if job.configuration == "all":
        common |= {"llm_quantization": "4bit", "llm_attention": "auto"}
        return (common | window, common)
    return (common,)


def _where(job: Job, settings: Settings) -> dict[str, Any]:
    """Model, address and key. What the installation says of another provider's is not meant for this one."""
    changed: dict[str, Any] = {}
    if job.provider != settings.llm_provider:
        changed = {"llm_model": "", "llm_base_url": "", "llm_revision": "", "llm_adapter": None}
        if job.provider != "openai":
            changed["llm_api_key"] = ""
    if job.model:
        changed |= {"llm_model": job.model, "llm_revision": "", "llm_adapter": None}
    if job.url:
        changed |= {"llm_base_url": job.url}
    if job.provider == "openai" and not changed.get("llm_base_url", settings.llm_base_url):
        raise SettingsError("it needs a server's address: --url openai=http://localhost:8000")
    return changed
