"""The command: what is asked for, measured one after the other, shown and written down."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal

from bot.errors import RecadoError, SettingsError
from bot.settings import Settings
from workers.bench import plot, table
from workers.bench.configurations import Job, choose, known, provider_of
from workers.bench.processes import measured
from workers.bench.rows import Row

MOST_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """The options as they are typed; ``models`` and ``urls`` are ``provider=value``."""

    configurations: str = ""
    concurrency: str = "1,4,16"
    tokens: int = 64
    repeat: int = 3
    models: Sequence[str] = ()
    urls: Sequence[str] = ()
    json_file: Path | None = None
    plot_file: Path | None = None


def measure(asked: Asked, settings: Settings, terminal: Terminal) -> None:
    """Measure, print the table, write the files.

    Raises SettingsError before anything is measured when an option is wrong, RecadoError after the table when nothing
    could be measured.
    """
    plan = jobs(asked, settings)
    _check_files(asked)
    rows = _measured(plan)
    table.show(rows, terminal, repeat=asked.repeat, tokens=asked.tokens)
    if asked.json_file:
        asked.json_file.write_text(json.dumps(_record(rows, asked), indent=2, ensure_ascii=False), encoding="utf-8")
    if asked.plot_file:
        plot.draw(rows, asked.plot_file)
    if not any(row.measured for row in rows):
        raise RecadoError("No configuration could be measured; the table says why.")


def jobs(asked: Asked, settings: Settings) -> list[Job]:
    """One job for each configuration. Raises SettingsError."""
    models, urls = _pairs("--model", asked.models), _pairs("--url", asked.urls)
    levels = _levels(asked.concurrency)
    return [
        Job(name, levels, asked.tokens, asked.repeat, models.get(provider, ""), urls.get(provider, ""))
        for name in choose(asked.configurations, settings)
        for provider in (provider_of(name),)
    ]


def _measured(plan: Sequence[Job]) -> list[Row]:
    """The rows, while a line on the error output says what is being done."""
    rows: list[Row] = []
    with Terminal(stderr=True).status("") as status:
        for job in plan:
            rows += measured(job, lambda step, name=job.configuration: status.update(f"{name}: {step}"))  # type: ignore[misc]
    return rows


def _levels(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() and 1 <= int(part) <= MOST_AT_ONCE for part in parts):
        raise SettingsError(f"--concurrency: numbers from 1 to {MOST_AT_ONCE}, such as 1,4,16; not {text!r}.")
    return tuple(sorted({int(part) for part in parts}))


def _pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """``ollama=qwen3:4b`` by provider."""
    pairs = {}
    for text in texts:
        provider, _, value = text.partition("=")
        if provider not in {provider_of(name) for name in known()} or not value:
            raise SettingsError(f"{option}: a provider, = and a value, such as ollama=…; not {text!r}.")
        pairs[provider] = value
    return pairs


def _check_files(asked: Asked) -> None:
    """It would be a pity to learn it after an hour."""
    for option, file in (("--json", asked.json_file), ("--plot", asked.plot_file)):
        if file and (file.is_dir() or not file.absolute().parent.is_dir()):
            raise SettingsError(f"{option}: {file} cannot be written; name a file in a folder that exists.")
    if asked.plot_file:
        plot.check()


def _record(rows: Sequence[Row], asked: Asked) -> dict[str, Any]:
    return {
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "python": platform.python_version(),
        },
        "tokens": asked.tokens,
        "repeat": asked.repeat,
        "units": {"first": "s", "rate": "tokens/s", "reply": "s", "tokens": "tokens", "memory": "MiB"},
        "rows": [row.write() for row in rows],
    }
