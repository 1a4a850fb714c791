"""The owner's commands for hand-overs: python -m bot handover …"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import begin, clean
from bot.errors import RecadoError

if TYPE_CHECKING:
    from bot.stores.connection import Store
    from bot.stores.handovers import Handovers

app = typer.Typer(help="Conversations in which a person goes on, not the assistant.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="A chat (34600111222), telegram:555, a whole conversation, or a reference.")]


@app.command("list")
def show() -> None:
    """Show where the assistant is silent because a person goes on, since when and until when."""
    _, handovers = _open()
    rows = handovers.paused()
    for row in rows:
        one = row.handover
        since = f"since {_clock(one.at)}" if one.at else ""
        until = f"until {_clock(row.until)}" if row.until else "until it is resumed"
        parts = (one.ref, clean(one.conversation), " ".join(clean(one.person).split()), row.reason, since, until)
        typer.echo("  ".join(part for part in parts if part))
    if not rows:
        typer.echo("the assistant answers everywhere")


@app.command()
def resume(who: Who) -> None:
    """Let the assistant answer again; the person is told nothing."""
    store, handovers = _open()
    ended = [one for one in _conversations(store, handovers, who) if handovers.resume(one)]
    for conversation in ended:
        typer.echo(f"{clean(conversation)}: the assistant answers again")
    if not ended:
        raise RecadoError(f"Nobody has taken over from {who}. `python -m bot handover list` shows where somebody has.")


def _conversations(store: Store, handovers: Handovers, who: str) -> list[str]:
    """All conversations of a person; that of a reference."""
    from bot.stores import person  # noqa: PLC0415 - each command loads only what it needs

    if found := handovers.called(who.strip().upper()):
        return [found.conversation]
    return sorted(person.find(store, person.Person.parse(who)).conversations)


def _clock(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(ms / 1000))


def _open() -> tuple[Store, Handovers]:
    from bot import wiring  # noqa: PLC0415
    from bot.stores.handovers import Handovers  # noqa: PLC0415

    settings = begin(level="ERROR")
    store = wiring.open_loaded(settings)
    return store, Handovers(store, settings)
