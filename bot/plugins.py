"""One new file is a new channel, command or backend: found by its name, checked against its port."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TypeVar

from bot.errors import SettingsError

Port = TypeVar("Port")


def names(package: str) -> list[str]:
    """The names of all plug-ins of a package, such as ``bot.channels``, in alphabetical order."""
    path = importlib.import_module(package).__path__
    return sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_"))


def load(package: str, name: str, port: type[Port]) -> type[Port]:
    """The class in ``package.name`` that implements ``port``.

    Raises SettingsError when there is no such file, or when what it needs is not installed.
    """
    if name not in names(package):
        raise SettingsError(f"There is no {name!r} in {package}; there are: {', '.join(names(package))}.")
    try:
        module = importlib.import_module(f"{package}.{name}")
    except ImportError as error:
        raise SettingsError(
            f"{name!r} needs a package that is not installed ({error.name}): make install EXTRAS={name}"
        ) from error
    found = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, port) and item.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise SettingsError(f"{package}/{name}.py must define exactly one {port.__name__}, not {len(found)}.")
    return found[0]
