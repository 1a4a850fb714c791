"""The folder that is written: looked at before anything is computed, and in words when it cannot be filled."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import SettingsError


def check_place(folder: Path) -> None:
    """Whether ``folder`` is one that can be written to, or can be made. Raises SettingsError."""
    whole = folder.absolute()
    there = next(place for place in (whole, *whole.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise SettingsError(f"--to: {folder} cannot be written. Give a new folder, in one that is yours.")


@contextmanager
def writing(folder: Path, way_out: str) -> Iterator[None]:
    """Say in words what the disk refuses. Raises SettingsError."""
    from safetensors import SafetensorError  # noqa: PLC0415 - only with the local extra

    try:
        yield
    except (OSError, SafetensorError) as error:
        raise SettingsError(f"{folder} cannot be written ({error}). Make room on its disk. {way_out}") from None
