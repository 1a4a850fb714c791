"""``python -m simulator``: the outside world in miniature, from the command line."""

from __future__ import annotations

import functools
import signal
from types import FrameType
from typing import Annotated, Any

import typer

from simulator import demo as demo_
from simulator import screens as screens_
from simulator.capacity import command as capacity_
from simulator.chaos import command

app = typer.Typer(help="The outside world in miniature.", no_args_is_help=True, add_completion=False)


@app.callback()
def main() -> None:
    """The outside world in miniature."""


@app.command()
@functools.wraps(command.chaos)
def chaos(**options: Any) -> None:
    _end_when_told()
    command.chaos(**options)


@app.command()
@functools.wraps(capacity_.capacity)
def capacity(**options: Any) -> None:
    _end_when_told()
    capacity_.capacity(**options)


@app.command()
def demo(*, once: Annotated[bool, typer.Option(help="End after the conversation.")] = False) -> None:
    """Start everything on this machine, with no account, key or model, and play a short conversation."""
    _end_when_told()
    raise typer.Exit(demo_.run(once=once))


@app.command()
def screens() -> None:
    """Play a conversation in each language through the real processes, and draw it for the README."""
    _end_when_told()
    for path in screens_.save():
        typer.echo(path)


def _end_when_told() -> None:
    for name in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(name) is not signal.SIG_IGN:  # nohup keeps it up
            signal.signal(name, _interrupt)


def _interrupt(_: int, __: FrameType | None) -> None:
    """Being told to end is as good as Ctrl-C: the processes that we started must end too. Once is enough."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    app()
