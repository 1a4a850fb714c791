"""The settings file: its lines are changed in place, so that what explains them stays."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from dotenv import dotenv_values

from bot.errors import RecadoError

EXAMPLE = ".env.example"
_PLAIN = re.compile(r"[A-Za-z0-9_./:@,+=%~?&*-]*")
"""What is read alike without quotes, by python-dotenv and by docker compose, and by a shell that sources it."""

_LINE = r"^[ \t]*(?:export[ \t]+)?{name}[ \t]*=.*$"


def example() -> str:
    """The example with its explanations. Raises RecadoError where it is not there."""
    for folder in (Path.cwd(), Path(__file__).resolve().parents[2]):
        with suppress(OSError):
            return (folder / EXAMPLE).read_text(encoding="utf-8")
    raise RecadoError(f"There is no {EXAMPLE}. Run this in the folder that Recado came in.")


def read(path: Path) -> dict[str, str]:
    """The values in a file, none where there is no file. Raises RecadoError for one that cannot be read."""
    if not path.exists():
        return {}
    try:
        return {name: value or "" for name, value in dotenv_values(path, encoding="utf-8").items()}
    except (OSError, UnicodeDecodeError) as error:
        raise RecadoError(f"{path} cannot be read ({type(error).__name__}). Mend it, or move it away.") from None


def changed(text: str, values: Mapping[str, str]) -> str:
    """``text`` with these values on the lines of their names; a name that has no line gets one at the end.

    Raises RecadoError for a value that cannot be written so that everybody reads the same.
    """
    for name, value in values.items():
        line = f"{name}={quoted(name, value)}"
        pattern = re.compile(_LINE.format(name=re.escape(name)), re.MULTILINE)
        text, found = pattern.subn(line.replace("\\", r"\\"), text)
        if not found:
            text = f"{text.rstrip()}\n{line}\n"
    return text


def quoted(name: str, value: str) -> str:
    """A value as python-dotenv and docker compose both read it: as it stands. Raises RecadoError where they differ.

    python-dotenv fills ``${NAME}`` in inside any quotes, compose only outside single ones; both take single quotes
    literally but for a backslash, and differ in what they make of one
    (https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/).
    """
    if _PLAIN.fullmatch(value):
        return value
    if not value.isprintable() or "${" in value or "\\" in value:
        raise RecadoError(f"{name}: the value has a line break, a backslash or ${{, which not everybody reads alike.")
    if "'" not in value:
        return f"'{value}'"
    if any(letter in value for letter in '"$`'):
        raise RecadoError(f"{name}: the value has both ' and one of \" $ `, which not everybody reads alike.")
    return f'"{value}"'


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Put a file there at once and whole, readable by its owner alone unless ``mode`` says more. Raises RecadoError."""
    try:
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # with mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                os.fchmod(handle, mode)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RecadoError(f"{path} cannot be written ({error.strerror}).") from None


def back_up(path: Path) -> Path | None:
    """A copy of a file beside it, by a name that was free; None where there is no file. Raises RecadoError."""
    if not path.exists():
        return None
    names = (path.with_name(f"{path.name}.bak{number or ''}") for number in range(1000))
    copy = next(name for name in names if not name.exists())
    try:
        write(copy, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecadoError(f"{path} cannot be copied ({type(error).__name__}). Move it away first.") from None
    return copy
