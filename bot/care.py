"""The commands by which an installation is looked after: show, backup and restore."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import begin, clean
from bot.errors import RecadoError

if TYPE_CHECKING:
    from bot.settings import Settings
    from bot.stores.connection import Store


def show(
    who: Annotated[str, typer.Argument(help="A chat (34600111222), telegram:555, or a whole conversation.")],
    *,
    text: Annotated[bool, typer.Option("--text", help="What was said, too, and not only how long it was.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: one line.")] = False,
) -> None:
    """Why did this person get no answer? Their messages with states, times and reasons."""
    from rich.console import Console  # noqa: PLC0415 - each command loads only what it needs

    from bot.safety import vet_whole  # noqa: PLC0415
    from bot.show import open_channels, show  # noqa: PLC0415

    settings, store = _open()
    vet_whole(store)
    found = show(store, settings, open_channels(settings), who)
    if as_json:
        typer.echo(json.dumps([one.told(text=text) for one in found], ensure_ascii=False))
        return
    out = Console()
    for one in found:
        for sentence in one.sentences(settings.default_language):
            out.print(sentence, markup=False, highlight=False, soft_wrap=True)
        if table := one.table(settings.default_language, text=text):
            out.print(table)


def backup(*, to: Annotated[Path, typer.Option(help="A new file, readable by you alone.")]) -> None:
    """Write everything that is kept here into a file, while the installation runs."""
    from bot.backup import flow, words  # noqa: PLC0415

    settings, store = _open()
    try:
        saved = flow.save(settings, store, to)
    except words.Unfit as error:
        raise RecadoError(error.to(settings.default_language)) from None
    size = -(-saved.size // 1024)
    told = words.SAVED.to(
        settings.default_language, path=to, keys=saved.keys, conversations=saved.conversations, size=size
    )
    typer.echo(told)


def restore(
    path: Annotated[Path, typer.Argument(help="What backup wrote.")],
    *,
    replace: Annotated[bool, typer.Option("--replace", help="In place of what is there, after a question.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a backup into the Redis of these settings, while neither receivers nor workers run."""
    from bot.backup import file, flow, words  # noqa: PLC0415
    from bot.setup.asking import Asker  # noqa: PLC0415

    settings, store = _open()
    language = settings.default_language

    def sure() -> bool:
        if replace and not (yes or Asker(language, interactive=True).confirm(words.SURE, default=False)):
            raise words.Unfit(words.DECLINED)
        return replace

    try:
        header = file.verify(path)
        about = header._asdict() | {"made": flow.time_of(header)}
        typer.echo(clean(words.FOUND.to(language, **about)))
        restored = flow.restore(store, path, replace=sure)
    except words.Unfit as error:
        raise RecadoError(error.to(language)) from None
    typer.echo(words.RESTORED.to(language, keys=restored.keys, due=restored.due))


def _open() -> tuple[Settings, Store]:
    from bot import wiring  # noqa: PLC0415

    settings = begin(level="ERROR")
    return settings, wiring.open_loaded(settings)
