"""`make run`: says how this installation is reached, then starts everything in the Procfile."""  # noqa: INP001 - a script

# mypy: disable-error-code="no-untyped-call"
# honcho has no types

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from math import ceil
from pathlib import Path

import typer
from honcho import environ, manager, printer

from bot import reach
from bot.errors import SettingsError
from bot.settings import ENV_FILE, Settings, load_settings

GRACE_SECONDS = 5
"""How much longer than it drains itself (DRAIN_SECONDS) a stopping worker has before it is killed."""

POLLER = "python -m bot poll"


def whatsapp_mode(settings: Settings) -> str:
    """One line: how WhatsApp's messages reach us."""
    if not settings.whatsapp_token.get_secret_value():
        return "WhatsApp: off (WHATSAPP_TOKEN is empty)."
    where = settings.public_url or "<your https address>"
    return f"WhatsApp: webhook, {where}/webhook/whatsapp (`python -m bot whatsapp setup` tells Meta)."


class Output:
    """Standard output for honcho, which prints in its signal handlers too: it may be entered twice, and may be gone."""

    def __init__(self) -> None:
        self.isatty = sys.stdout.isatty

    def write(self, text: str) -> None:
        with suppress(OSError):  # a closed terminal
            os.write(sys.stdout.fileno(), text.encode())

    def flush(self) -> None:
        """Nothing is held back."""


class Everything(manager.Manager):
    """honcho's manager, which may also be told to end before it knows the pids of what it has started."""

    def terminate(self) -> None:
        if self._all_started():
            super().terminate()
            return
        signal.signal(signal.SIGALRM, lambda *_: self.terminate())
        signal.setitimer(signal.ITIMER_REAL, 0.1)


def start(settings: Settings) -> None:
    """Start the Procfile's processes, and a poller where Telegram cannot reach us; stay until they end.

    Each process reads the env file itself: honcho's own reading of it differs in its quoting.
    """
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup keeps it up
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))  # the terminal was closed
    manager.KILL_WAIT = ceil(settings.drain_seconds) + GRACE_SECONDS
    everything = Everything(printer.Printer(Output()))
    procfile = environ.parse_procfile(Path("Procfile").read_text(encoding="utf-8"))
    processes = dict(procfile.processes)
    if reach.way_of(settings) == "polling":
        processes.setdefault("poller", POLLER)
    for process in environ.expand_processes(processes, port=settings.port):
        everything.add_process(process.name, process.cmd, quiet=process.quiet, env=os.environ | process.env)
    everything.loop()
    sys.exit(everything.returncode)


def main() -> None:
    """Exit code 2 when a setting is wrong."""
    file = os.environ.get(ENV_FILE, ".env")
    if file and not Path(file).exists():
        typer.echo(f"There is no {file}, so the defaults hold. To make one: python -m bot setup")
    try:
        settings = load_settings()
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(2) from None
    typer.echo(reach.say(settings))
    typer.echo(whatsapp_mode(settings))
    typer.echo(f"Who thinks: {settings.llm_provider}. The receiver listens on {settings.host}:{settings.port}.")
    start(settings)


if __name__ == "__main__":
    main()
