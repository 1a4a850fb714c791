"""A conversation in the terminal: the same mailbox, context and backend, with nobody else in line."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import suppress

from rich.console import Console as Terminal
from rich.markdown import Markdown

from bot import wiring
from bot.channels.console import Console
from bot.message import Message
from bot.settings import Settings
from bot.stores.access import who_is
from bot.stores.connection import connect
from workers import jobs

_HELLO = "{backend} answers. /help shows the commands, Ctrl-D ends.\n"


def chat(settings: Settings, terminal: Terminal) -> None:
    """Talk, as the owner, until the input ends. It is kept in DATA_DIR/console, apart from the customers'."""
    store = connect("", settings.data_dir / "console", wiring.WORKER_TIMEOUT)
    mailbox = wiring.open_mailbox(settings, store, silent=True)
    channel = Console()
    owner = settings.model_copy(update={"access": "open", "admins": (who_is(channel.conversation),)})
    answerer = jobs.open_answerer(owner, store, mailbox, {channel.name: channel}, silent=True)
    with terminal.status("…"):
        answerer.check()
    terminal.print(_HELLO.format(backend=settings.llm_provider))
    for text in _lines(terminal):
        mailbox.accept([Message(secrets.token_hex(8), channel.conversation, text, time.time())])
        with terminal.status("…"):
            while mailbox.has_work(channel.conversation):
                answerer.answer(channel.conversation)
                _show(channel, terminal)
                if mailbox.has_work(channel.conversation):
                    time.sleep(0.2)  # the model is away; the turn waits in the mailbox
            answerer.erase()


def _show(channel: Console, terminal: Terminal) -> None:
    for bubble in channel.spoken:
        terminal.print(Markdown(bubble))
    channel.spoken.clear()


def _lines(terminal: Terminal) -> Iterator[str]:
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            if text := terminal.input("> ").encode(errors="replace").decode().strip():
                yield text
