"""The command line of the light side: python -m bot …"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from bot.cli import DONE, FAILED, begin, main

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
out = Console()


@app.command()
def serve() -> None:
    """Receive messages from the platforms on HOST:PORT."""
    from bot import web, wiring  # noqa: PLC0415 - each command loads only what it needs

    settings = begin()
    if not wiring.open_channels(settings):
        print(wiring.NO_CHANNEL, file=sys.stderr)  # noqa: T201 - this is a command line
    web.serve(settings)


@app.command()
def redis(port: Annotated[int, typer.Option(help="The TCP port on 127.0.0.1.", min=1, max=65535)] = 6379) -> None:
    """Run the embedded Redis-compatible server in the foreground, its data in DATA_DIR."""
    from bot.stores import embedded  # noqa: PLC0415

    embedded.become(begin().data_dir, port)


@app.command()
def doctor() -> None:
    """Try everything that must work, and say what to do about what does not."""
    from bot.doctor import examine  # noqa: PLC0415

    marks = {True: "[green]ok[/]  ", None: "[yellow]look[/]", False: "[red]bad[/] "}
    failed = False
    for finding in examine(begin(level="ERROR")):
        failed |= finding.ok is False
        out.print(f"{marks[finding.ok]} {finding.what}: ", end="")
        out.print(finding.words, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(FAILED if failed else DONE)


@app.command()
def status() -> None:
    """Show queues, workers and what went wrong."""
    from bot import status as state  # noqa: PLC0415
    from bot import wiring  # noqa: PLC0415

    settings = begin(level="ERROR")
    out.print(state.table(state.read(wiring.open_store(settings, wiring.WORKER_TIMEOUT))))


if __name__ == "__main__":
    main(app)
