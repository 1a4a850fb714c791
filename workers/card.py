"""A worker's card: what it tells of itself every other second, for whoever runs the installation."""

from __future__ import annotations

import os
import resource
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bot import plugins
from bot.settings import Settings
from bot.stores.connection import Store
from bot.stores.roster import Card, Roster
from workers.answer import Answerer
from workers.backends import Backend
from workers.metrics import gpu_memory

_STATM = Path("/proc/self/statm")


def signing(settings: Settings, store: Store, answerer: Answerer, name: str) -> Callable[[], None]:
    """Signs the roster as it is at each call, by the ``name`` that RQ knows this worker by; it raises
    StoreUnavailable."""
    roster, since, host = Roster(store), time.time(), socket.gethostname()
    backend = plugins.load("workers.backends", settings.llm_provider, Backend)  # type: ignore[type-abstract]
    model, ours = settings.llm_model or backend.default_model, _version()

    def sign() -> None:
        doing, gpus = answerer.metrics.doing(), list(gpu_memory())
        card = Card(
            name, host, os.getpid(), since, ours, settings.llm_provider, model, settings.worker_concurrency,
            doing["thinking"], doing["speaking"], memory(),
            sum(used for used, _ in gpus), sum(total for _, total in gpus), answerer.metrics.address,
        )  # fmt: skip
        roster.sign(card)

    return sign


def memory() -> int:
    """How many bytes of this process are in memory now; where the system does not tell, how many were at most."""
    with suppress(OSError):
        return int(_STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _version() -> str:
    try:
        return version("recado")
    except PackageNotFoundError:  # run from a folder, and never installed
        return ""
