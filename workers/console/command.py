"""``python -m workers chat``: whoever sits at this terminal talks with the configured backend, as the owner."""

from __future__ import annotations

import fcntl
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from rich.console import Console as Terminal
from rich.file_proxy import FileProxy
from rich.text import Text

from bot import wiring
from bot.channels.console import Console
from bot.errors import StoreUnavailable
from bot.settings import Settings
from bot.stores.access import who_is
from bot.stores.connection import Store, connect
from workers import jobs
from workers.background import Background
from workers.console import words
from workers.console.lines import Lines
from workers.console.talk import Talk


def chat(settings: Settings, terminal: Terminal) -> None:
    """Talk until the input ends. It is kept in DATA_DIR/console, apart from the customers'.

    Raises SettingsError, StoreUnavailable, BackendError.
    """
    _log_above(terminal)
    folder = settings.data_dir / "console"
    store = connect("", folder, wiring.WORKER_TIMEOUT)
    store.await_data()
    with _seat(folder) as seat, _talk(settings, terminal, store, Console(seat)) as talk:
        _converse(talk, Lines(list(wiring.open_commands()), folder / "typed"), terminal)


def _log_above(terminal: Terminal) -> None:
    """A line of the log does not stand in the middle of an answer that grows."""
    for handler in logging.getLogger().handlers if terminal.is_terminal else ():
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(FileProxy(terminal, sys.stderr))


@contextmanager
def _talk(settings: Settings, terminal: Terminal, store: Store, channel: Console) -> Iterator[Talk]:
    owner = settings.model_copy(update={"access": "open", "admins": (who_is(channel.conversation),)})
    mailbox = wiring.open_mailbox(owner, store, silent=True)
    answerer = jobs.open_answerer(owner, store, mailbox, {channel.name: channel}, silent=True)
    with terminal.status("…"):
        answerer.check()
    hello = words.HELLO.to(settings.default_language, backend=settings.llm_provider)
    terminal.print(hello, end="\n\n", highlight=False)
    talk = Talk(terminal, store, mailbox, answerer, channel, language=settings.default_language)
    background = Background(answerer)  # it renews the lease, and hears of a stop while the model thinks
    background.start()
    try:
        yield talk
    finally:
        background.close()
        with suppress(StoreUnavailable):
            answerer.abandon()


def _converse(talk: Talk, lines: Lines, terminal: Terminal) -> None:
    """Until the input ends, or Ctrl-C comes twice with nothing said between."""
    if talk.has_work():
        _say(terminal, words.LEFT.to(talk.language), "dim")
        talk.listen()
    presses = 0
    while presses < 2:
        try:
            if (text := lines.read()) is None:
                break
            presses = 0
            talk.say(text)
            presses = int(talk.stopped)
            if talk.erased:
                lines.forget()
        except KeyboardInterrupt:
            presses += 1
            if presses < 2:
                _say(terminal, f"\n{words.ONCE_MORE.to(talk.language)}", "dim")
        except StoreUnavailable as error:
            _say(terminal, words.NOT_KEPT.to(talk.language, why=error), "red")
    if lines.interactive:
        terminal.print()


def _say(terminal: Terminal, text: str, style: str) -> None:
    terminal.print(Text(text, style=style))


@contextmanager
def _seat(folder: Path) -> Iterator[int]:
    """The first number that no other open terminal has; kill -9 gives it back."""
    for seat in count(1):
        with (folder / f"seat{seat}").open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield seat
            return
