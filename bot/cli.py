"""What the command lines of both sides share: settings and logs at the start, words and an exit code at the end."""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Callable

from bot.errors import RecadoError, SettingsError
from bot.logs import setup_logs
from bot.settings import Settings, load_settings

DONE, FAILED, WRONG = 0, 1, 2


def begin(level: str = "") -> Settings:
    """Read the settings and set up the logs, at ``level`` instead of LOG_LEVEL if given. Raises SettingsError.

    From here on, being told to end is an exit that cleans up, and SIGUSR1 writes to standard error what each thread
    does: places in the code, and nobody's words.
    """
    for name in endings():
        signal.signal(name, lambda *_: sys.exit(DONE))
    if sys.__stderr__:
        faulthandler.register(signal.SIGUSR1, file=sys.__stderr__, all_threads=True)
    settings = load_settings()
    setup_logs(level or settings.log_level, settings.log_format, settings.key())
    return settings


def endings() -> list[signal.Signals]:
    """The signals that tell a process to end; a closed terminal is none under nohup."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGTERM] if ignored else [signal.SIGTERM, signal.SIGHUP]


def clean(text: str) -> str:
    """What people wrote, without what would command the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def main(run: Callable[[], None]) -> None:
    """Run a command line; what goes wrong on purpose is said in words, never as a traceback."""
    try:
        run()
    except RecadoError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a command line
        sys.exit(WRONG if isinstance(error, SettingsError) else FAILED)
