"""The guard before a model's folder is loaded: weights are data, and data runs no code here.

For backends that load a model into this process. Only safetensors files hold weights and nothing else
(https://huggingface.co/docs/safetensors); pickles, which all older formats are or may hold, run what they name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bot.errors import SettingsError

HEADER_MOST: Final = 100_000_000
"""Bytes; the format's own limit on a header."""
JSON_MOST: Final = 256 << 20

_RUNS_CODE = frozenset({
    ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".dill", ".npy", ".npz", ".msgpack", ".h5", ".hdf5",
    ".keras", ".pb", ".zip", ".tar", ".gz", ".7z",
})  # fmt: skip
_CODE = frozenset({".py", ".pyc", ".pyd", ".so", ".dylib", ".dll", ".sh"})
_MAGIC: Final[dict[str, re.Pattern[bytes]]] = {
    "a zip archive, as torch.save writes them": re.compile(rb"PK[\x03\x05]"),
    "a pickle": re.compile(rb"\x80[\x01-\x05]|\(?c(os|posix|nt|sys|subprocess|runpy|importlib|builtins|__builtin__)\n"),
    "a compressed file": re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ"),
    "HDF5": re.compile(rb"\x89HDF"),
    "numpy's": re.compile(rb"\x93NUMPY"),
    "a program": re.compile(rb"\x7fELF|MZ\x90|\xcf\xfa\xed\xfe"),
}
_NAMES_CODE = frozenset({"auto_map", "custom_pipelines", "custom_generate", "auto_mapping"})
_IMPLEMENTATION = re.compile(r"_?(attn|experts)_implementation(_internal)?")

_CONVERT = "Take the model's safetensors version (most have one), or convert it on a machine without anything to lose."
_NO_CODE = "Recado runs no code that comes with a model: choose a model whose architecture transformers knows."


def check_weights(folder: Path) -> None:
    """Look at every file of a model's folder, and load none.

    Raises SettingsError, which names the file and the way out: no safetensors file at all, another format of
    weights whatever its name, code, a configuration that names code, a link that leads out of the folder.
    """
    if not folder.is_dir():
        raise SettingsError(f"{folder} is no folder with a model. Check the name in LLM_MODEL.")
    found = sorted(_files(folder))
    for file in found:
        _check_place(file, folder)
        _check_kind(file)
    weights = [file for file in found if file.suffix == ".safetensors"]
    if not weights:
        raise SettingsError(f"{folder} holds no .safetensors file. {_CONVERT}")
    for file in weights:
        _check_header(file)
    for file in found:
        if file.suffix == ".json":
            _check_json(file)


def _files(folder: Path) -> Iterator[Path]:
    """Everything that is no folder; a link to a folder counts as one thing, and is not followed."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry)
        else:
            yield entry


def _check_place(file: Path, folder: Path) -> None:
    """The Hub's own cache is made of links: from ``snapshots/<revision>`` to ``blobs`` beside it."""
    root = folder.resolve()
    home = root.parent.parent if root.parent.name == "snapshots" else root
    if not file.resolve().is_relative_to(home):
        raise SettingsError(
            f"{file} leads out of its folder. Copy what it leads to, if you know it, or delete the link."
        )
    if not file.is_file():
        raise SettingsError(
            f"{file} is no plain file (a broken link, or a link to a folder). Download the model again."
        )


def _check_kind(file: Path) -> None:
    """Refuse by name, and by the first bytes whatever the name."""
    suffix = file.suffix.lower()
    if suffix in _RUNS_CODE:
        raise SettingsError(f"{file} may run code when it is loaded. {_CONVERT} If it is not needed, delete it.")
    if suffix in _CODE:
        raise SettingsError(f"{file} is code. {_NO_CODE}")
    if suffix == ".safetensors":
        return  # it begins with a number, which may look like anything; its header is read instead
    with file.open("rb") as opened:
        start = opened.read(256)
    if kind := next((kind for kind, magic in _MAGIC.items() if magic.match(start)), ""):
        raise SettingsError(f"{file} is not what its name says, but {kind}. Download the model again, or delete it.")


def _check_header(file: Path) -> None:
    """Format: https://huggingface.co/docs/safetensors/index#format"""
    broken = SettingsError(f"{file} is no safetensors file, or is cut short. Download it again.")
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if not 2 <= length <= min(HEADER_MOST, size - 8):
            raise broken
        text = opened.read(length)
    try:
        header = json.loads(text.decode())
    except (ValueError, RecursionError):
        raise broken from None
    if not text.startswith(b"{") or not isinstance(header, dict):
        raise broken
    if not all(_is_entry(name, entry, size - 8 - length) for name, entry in header.items()):
        raise broken


def _is_entry(name: str, entry: Any, room: int) -> bool:
    """Whether this is a tensor that lies within the file, or the header's notes: texts by name."""
    if not isinstance(entry, dict):
        return False
    if name == "__metadata__":
        return all(isinstance(value, str) for value in entry.values())
    place = entry.get("data_offsets")
    if not (isinstance(place, list) and len(place) == 2 and all(type(edge) is int for edge in place)):
        return False
    return (
        isinstance(entry.get("dtype"), str)
        and isinstance(entry.get("shape"), list)
        and 0 <= place[0] <= place[1] <= room
    )


def _check_json(file: Path) -> None:
    """Every configuration, at any depth: a name of code, wherever it stands, may be obeyed."""
    if file.stat().st_size > JSON_MOST:
        raise SettingsError(f"{file} is too large for a configuration. Download the model again.")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise SettingsError(f"{file} is no JSON. Download the model again.") from None
    for name, value in _named(found):
        if _is_code(name, value):
            raise SettingsError(f"{file} names code to be run ({name}). {_NO_CODE}")
        if name == "weight_map" and not _are_beside(value):
            raise SettingsError(f"{file} names weights that are no safetensors files beside it. {_CONVERT}")


def _named(found: Any) -> Iterator[tuple[str, Any]]:
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from one.items()
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _is_code(name: str, value: Any) -> bool:
    """A slash in an implementation names a repository of kernels, which are code (CVE-2026-4372)."""
    if name in _NAMES_CODE or name == "trust_remote_code":
        return bool(value)
    return bool(_IMPLEMENTATION.fullmatch(name)) and "/" in json.dumps(value)


def _are_beside(weight_map: Any) -> bool:
    files = weight_map.values() if isinstance(weight_map, dict) else [None]
    return all(isinstance(file, str) and re.fullmatch(r"[\w.-]+\.safetensors", file) for file in files)
