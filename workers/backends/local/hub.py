"""Where the model lies: a folder of the operator's, or a repository of Hugging Face's Hub and its copy here."""

from __future__ import annotations

import errno
import importlib
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bot.errors import SettingsError
from workers.backends.local.devices import NEEDS

if TYPE_CHECKING:
    from bot.settings import Settings

DEFAULT_MODEL: Final = "Qwen/Qwen3-0.6B"
"""Small, Apache-2.0, full attention: https://huggingface.co/Qwen/Qwen3-0.6B"""

_WANTED: Final = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken"]
_UNWANTED: Final = ["*/*", "consolidated*"]
"""Folders hold other formats of the same weights; Mistral's ``consolidated`` file is its own format, a second copy."""
_REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)?")

log = logging.getLogger("recado.model")


@dataclass(frozen=True, slots=True)
class Source:
    """A model's name as the operator knows it, and the folder to load it from."""

    name: str
    folder: Path


def find_model(settings: Settings) -> Source:
    """LLM_MODEL, downloaded if it is not here yet. Raises SettingsError."""
    name = settings.llm_model or DEFAULT_MODEL
    folder = Path(name).expanduser()
    if folder.is_dir():
        if settings.llm_revision:
            raise SettingsError("LLM_REVISION is for models from the Hub, and LLM_MODEL is a folder: leave it empty.")
        return Source(name, folder)
    if not _REPOSITORY.fullmatch(name) or name.startswith("."):
        raise SettingsError(
            f"LLM_MODEL={name} is neither a folder nor a model's name on https://huggingface.co, such as "
            f"{DEFAULT_MODEL}. Names with a colon are Ollama's: LLM_PROVIDER=ollama."
        )
    copy = _download(name, settings)
    if copy.name != settings.llm_revision:
        log.info("%s is at commit %s; LLM_REVISION=%s keeps it there", name, copy.name, copy.name)
    return Source(f"{name} at {copy.name[:12]}", copy)


def _download(name: str, settings: Settings) -> Path:
    """The copy in the cache, brought up to the revision; while the Hub is away, the copy as it is."""
    try:
        hub, errors = importlib.import_module("huggingface_hub"), importlib.import_module("huggingface_hub.errors")
    except ImportError as error:
        raise SettingsError(f"{NEEDS} ({error})") from None
    try:
        copy = hub.snapshot_download(
            name,
            revision=settings.llm_revision or None,
            cache_dir=settings.llm_cache_dir,
            token=settings.huggingface_api_key.get_secret_value() or None,
            allow_patterns=_WANTED,
            ignore_patterns=_UNWANTED,
        )
    except (errors.HTTPError, OSError, ValueError) as error:
        raise SettingsError(_way_out(name, settings.llm_revision, error, errors)) from None
    return Path(copy)


def _way_out(name: str, revision: str, error: Exception, errors: Any) -> str:
    page = f"https://huggingface.co/{name}"
    away = (
        f"{name} is not on this machine, and the Hub does not answer. Connect it (and unset HF_HUB_OFFLINE), or "
        "download the model elsewhere (hf download) and set LLM_MODEL to its folder."
    )
    unwritable = "The folder for models cannot be written to. Set LLM_CACHE_DIR to one that can."
    ways = (
        (errors.GatedRepoError, f"{name} wants its licence accepted: at {page}, then set HUGGINGFACE_API_KEY."),
        (
            errors.RepositoryNotFoundError,
            f"There is no {name} on the Hub, or it is private. Check LLM_MODEL, or set HUGGINGFACE_API_KEY.",
        ),
        (
            errors.RevisionNotFoundError,
            f"{name} has no revision {revision}. Check LLM_REVISION; {page}/commits/main lists them.",
        ),
        (errors.LocalEntryNotFoundError, away),
        ((PermissionError, NotADirectoryError, FileExistsError), unwritable),
    )
    if getattr(error, "errno", None) == errno.ENOSPC:
        return f"The disk is full. Make room for {name}, or set LLM_CACHE_DIR to a folder on a larger one."
    first = str(error).strip().partition("\n")[0]
    other = f"{name} cannot be downloaded ({type(error).__name__}: {first}). Try again, or set LLM_MODEL to a folder."
    return next((way for kind, way in ways if isinstance(error, kind)), other)
