"""The owner's commands for who may talk: python -m bot access …"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot import texts
from bot.addresses import parse_id
from bot.cli import begin, clean
from bot.errors import RecadoError
from bot.settings import Settings
from bot.texts import language_of

if TYPE_CHECKING:
    from bot.stores.access import Access

app = typer.Typer(help="Who may talk to the assistant, where ACCESS is list or pairing.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="A person or a group: 34600111222, telegram:555.")]


@app.command("list")
def show() -> None:
    """Show who may talk, and who waits with a code."""
    settings, access = _open()
    typer.echo(f"ACCESS={settings.access}" + ("" if settings.access != "open" else ": everybody may talk"))
    for name, listed in (("ADMINS", settings.admins), ("ALLOWED", settings.allowed)):
        for who in listed:
            typer.echo(f"{who}: in {name}")
    for who, since in access.admitted():
        typer.echo(f"{clean(who)}: admitted {since.astimezone():%Y-%m-%d %H:%M}")
    for stranger in access.strangers():
        name = " ".join(clean(stranger.person).split())
        typer.echo(f"{clean(stranger.who)}: waits with the code {stranger.code} {name}".rstrip())


@app.command()
def approve(code: Annotated[str, typer.Argument(help="The code that the stranger was told.")]) -> None:
    """Let a stranger in, by their code; they are told so."""
    from bot.stores.access import Admission  # noqa: PLC0415 - each command loads only what it needs

    settings, access = _open()
    found = access.stranger(code)
    language = language_of(found.language if found else "", settings.default_language)
    if found is None or not access.approve(Admission(found, texts.ADMITTED.to(language))):
        raise RecadoError("Nobody has this code, or its hour is over: `python -m bot access list` shows who waits.")
    typer.echo(f"{clean(found.who)} may write now, and is told so.")


@app.command()
def add(who: Who) -> None:
    """Let somebody in by their id, without a code."""
    _, access = _open()
    typer.echo(f"{_id(who)} may write now." if access.add(_id(who)) else f"{_id(who)} was admitted before.")


@app.command()
def remove(who: Who) -> None:
    """Let somebody in no longer."""
    settings, access = _open()
    one = _id(who)
    gone = access.remove(one)
    if named := sorted(other for other in {*settings.allowed, *settings.admins} if _same(one, other)):
        listed = ", ".join(named)
        raise RecadoError(
            f"{listed} stands in ALLOWED or ADMINS in .env: take it out there, and start the workers anew."
        )
    if also := [other for other, _ in access.admitted() if _same(one, other)]:
        raise RecadoError(f"They may still write, as {clean(', '.join(also))}: remove that too.")
    if not gone:
        raise RecadoError(f"{one} was not admitted. `python -m bot access list` shows who is, by the same ids.")
    if settings.access == "open":
        typer.echo("ACCESS=open: everybody may write, they too.")
    else:
        typer.echo(f"{one} may not write any more.")


def _same(one: str, other: str) -> bool:
    """Whether these name one person on some channel: an id without a channel is theirs on each."""
    (channel, _, who), (its, _, whose) = one.rpartition(":"), other.rpartition(":")
    return who == whose and (channel == its or not (channel and its))


def _id(who: str) -> str:
    try:
        return parse_id(who)
    except ValueError:
        raise RecadoError(f"{who!r} is nobody's id. Name a person or a group: 34600111222, telegram:555.") from None


def _open() -> tuple[Settings, Access]:
    from bot import wiring  # noqa: PLC0415
    from bot.stores.access import Access  # noqa: PLC0415

    settings = begin(level="ERROR")
    return settings, Access(wiring.open_loaded(settings), settings)
