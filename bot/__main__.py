"""The command line of the light side: python -m bot …"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot import access, care, handover, live
from bot.cli import DONE, FAILED, begin, clean, main
from bot.errors import RecadoError

if TYPE_CHECKING:
    from bot.stores.connection import Store
    from bot.stores.dead import DeadLetters, Letters

NEGATIVE = {"ignore_unknown_options": True}
"""A group's id in Telegram begins with a minus, and is no option."""

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
dead = typer.Typer(help="Dead letters: what failed again and again, and was apologised for.", no_args_is_help=True)
app.add_typer(dead, name="dead")
app.add_typer(access.app, name="access")
app.add_typer(handover.app, name="handover")
app.add_typer(live.webhook, name="webhook")
app.add_typer(live.whatsapp, name="whatsapp")
app.command()(live.poll)
app.command()(live.setup)
app.command(context_settings=NEGATIVE)(care.show)
app.command()(care.backup)
app.command()(care.restore)
out = Console()

Who = Annotated[str, typer.Argument(help="A chat (34600111222), telegram:555, or a whole conversation.")]


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
def status(
    *,
    once: Annotated[bool, typer.Option("--once", help="Once, on a terminal too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Once, as one line of JSON, for programs.")] = False,
) -> None:
    """Show queues, workers and what went wrong; on a terminal each second anew, until Ctrl-C."""
    from bot import status as state  # noqa: PLC0415
    from bot import wiring  # noqa: PLC0415
    from bot.board.live import watch  # noqa: PLC0415
    from bot.board.view import view  # noqa: PLC0415

    settings = begin(level="CRITICAL" if out.is_terminal else "ERROR")
    live = out.is_terminal and not once and not as_json
    store = wiring.open_store(settings, wiring.WORKER_TIMEOUT) if live else wiring.open_loaded(settings)
    looks = state.Looks(store, settings)
    if as_json:
        typer.echo(json.dumps(state.as_json(looks.look())))
    elif live:
        watch(looks.look, settings.default_language, out)
    else:
        out.print(view(looks.look(), settings.default_language))


@dead.command("list")
def list_dead() -> None:
    """Show who has dead letters, since when, how many and why."""
    letters = _dead_letters().all()
    if not letters:
        out.print("no dead letters")
        return
    rows = Table("conversation", "since", "messages", "why")
    for one in letters:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.died_at))
        rows.add_row(*(Text(cell) for cell in (one.conversation, since, str(one.messages), clean(one.reason))))
    out.print(rows)


@dead.command("show", context_settings=NEGATIVE)
def show_dead(who: Who) -> None:
    """Show the messages themselves."""
    letters = _dead_letters()
    for one in _dead_of(letters, who):
        _say(f"{one.conversation} ({one.reason})")
        for message in letters.read(one.conversation):
            sent = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(message.sent_at))
            files = "".join(f" [{attachment.kind}]" for attachment in message.attachments)
            text = message.text.replace("\n", "\n    ")  # a second line must not pass for a message of its own
            _say(f"  {sent}{files} {text}")


@dead.command("retry", context_settings=NEGATIVE)
def retry_dead(
    who: Annotated[str, typer.Argument(help="As in list; left out with --all.")] = "",
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's.")] = False,
) -> None:
    """Put dead letters back into their mailboxes: they are answered like new messages."""
    letters = _dead_letters()
    if bool(who) == everybody:
        raise RecadoError("Name a conversation, or --all.")
    found = letters.all() if everybody else _dead_of(letters, who)
    for one in found:
        _say(f"{one.conversation}: messages that wait for their answer now: {letters.retry(one.conversation)}")
    if not found:
        _say("no dead letters")


@app.command()
def replay() -> None:
    """Read again what could not be read, or was not served, when it came: after an upgrade, for example."""
    from bot import replay as again  # noqa: PLC0415

    for line in again.replay(begin(level="ERROR")):
        _say(line)


@app.command(context_settings=NEGATIVE)
def export(
    who: Who, to: Annotated[Path | None, typer.Option(help="A new file, readable by you alone; else here.")] = None
) -> None:
    """Write down, as JSON, everything that is stored of one person."""
    from bot.stores.person import Person, export  # noqa: PLC0415

    found = export(_store(), Person.parse(who))
    if not found:
        raise RecadoError(f"Nothing is stored of {who}.")
    text = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    if to is None:
        sys.stdout.write(text)
    else:
        _write_privately(to, text)


@app.command(context_settings=NEGATIVE)
def erase(who: Who, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Erase everything that is stored of one person, for good, in Redis' files too."""
    from bot.stores import erase, person  # noqa: PLC0415

    store, whom = _store(), person.Person.parse(who)
    found = person.find(store, whom)
    for conversation in sorted(found.conversations):
        _say(conversation)
    if found and not yes:
        typer.confirm(f"Erase these for good (bodies in quarantine: {len(found.quarantined)})?", abort=True)
    erased = erase.erase(store, whom)
    for words in erased.remains:
        print(words, file=sys.stderr)  # noqa: T201 - this is a command line
    if not found:
        raise RecadoError(f"Nothing is stored of {who}.")
    _say(f"erased: conversations: {erased.conversations}, bodies in quarantine: {erased.quarantined}")


def _store() -> Store:
    from bot import wiring  # noqa: PLC0415

    return wiring.open_loaded(begin(level="ERROR"))


def _dead_letters() -> DeadLetters:
    from bot.stores.dead import DeadLetters  # noqa: PLC0415

    return DeadLetters(_store())


def _dead_of(letters: DeadLetters, who: str) -> list[Letters]:
    """Raises RecadoError where there are none."""
    from bot.stores.person import Person  # noqa: PLC0415

    found = letters.of(Person.parse(who))
    if not found:
        raise RecadoError(f"{who} has no dead letters. `python -m bot dead list` shows who has.")
    return found


def _write_privately(path: Path, text: str) -> None:
    """Raises RecadoError where nobody can write, or something is already there."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise RecadoError(f"--to: {path} cannot be written ({error.strerror}). Name a new file.") from None


def _say(line: str) -> None:
    out.print(clean(line), markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main(app)
