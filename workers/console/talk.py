"""One conversation in the terminal: what is said goes into its mailbox, and what comes of it is shown as it comes."""

from __future__ import annotations

import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty
from types import FrameType
from typing import Final

from rich.console import Console as Terminal
from rich.text import Text

from bot import texts
from bot.channels.console import Console
from bot.cli import DONE
from bot.errors import StoreUnavailable
from bot.message import Message
from bot.plain_words import asking_for_person
from bot.stores.connection import Store, key
from bot.stores.erase import ERASING
from bot.stores.history import STOPPED
from bot.stores.mailbox import Mailbox
from bot.stores.owner import language_in
from bot.texts import Language
from workers.answer import Answerer
from workers.console import words
from workers.console.lines import unechoed
from workers.console.view import View
from workers.figures import Figures

TICK_SECONDS: Final = 0.08
AGAIN_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 2.0
"""Whoever presses Ctrl-C again, so long after an answer should have stopped, wants to leave."""


class Presses:
    """Ctrl-C while an answer comes: counted, where it would end the program. ``at`` is when the first one came."""

    def __init__(self) -> None:
        self.count, self.at = 0, 0.0

    def press(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        self.at = self.at or now
        self.count += 1
        if now - self.at > PATIENCE_SECONDS:
            sys.exit(DONE)

    @contextmanager
    def counted(self) -> Iterator[None]:
        before = signal.signal(signal.SIGINT, self.press)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


class Talk:
    """Says what was typed, and listens. ``stopped``: Ctrl-C was pressed meanwhile; ``erased``: all was to go."""

    def __init__(
        self, terminal: Terminal, store: Store, mailbox: Mailbox, answerer: Answerer, channel: Console, *,
        language: Language,
    ) -> None:  # fmt: skip
        self._terminal, self._store, self._mailbox, self._channel = terminal, store, mailbox, channel
        self._usual = self.language = language
        self._answerer = answerer
        self._let_go, answerer.erase = answerer.erase, lambda: None  # before the program ends, and by nobody beside
        answerer.trace = self._note
        self._trouble = ""
        self._cut = self._silent = self.stopped = self.erased = False
        self._left = threading.Event()

    def say(self, text: str) -> None:
        """Say it and show the answer. Raises StoreUnavailable when it was not kept."""
        self._accept(text)
        self.listen()

    def has_work(self) -> bool:
        """Whether something is to be answered. Raises StoreUnavailable."""
        return self._mailbox.has_work(self._channel.conversation)

    def listen(self) -> None:
        """Show what is answered until nothing is left to answer. Ctrl-C ends the answer, and not the program."""
        presses, self._trouble, self._cut, self._silent = Presses(), "", False, False
        thread = threading.Thread(target=self._answer, name="answer", daemon=True)
        with presses.counted(), unechoed():
            with View(self._terminal, self.language) as view:
                self._left.clear()
                thread.start()
                self._show(view, thread, presses)
                said = view.begun
            self._part(said=said)
        self.stopped = presses.count > 0

    def _show(self, view: View, thread: threading.Thread, presses: Presses) -> None:
        stopping, told = False, ""
        while thread.is_alive() or not self._channel.said.empty():
            with suppress(Empty):
                view.say(self._channel.said.get(timeout=TICK_SECONDS))
            if presses.count and not stopping:
                stopping = True
                self._stop()
            if self._trouble != told and not view.lively:
                told = self._trouble
                print(told, file=sys.stderr)  # noqa: T201 - this is a command line, and the answer goes elsewhere
            view.refresh(self._status(view, stopping=stopping))

    def _status(self, view: View, *, stopping: bool) -> str:
        if self._trouble and not stopping:
            return words.WAITING.to(self.language, why=self._trouble)
        found = words.STOPPING if stopping else words.GROWING if view.begun else words.THINKING
        return found.to(self.language)

    def _part(self, *, said: bool) -> None:
        """What follows an answer: why there is none, or no more, and a line that parts it from the next question."""
        note = texts.STOPPED if self._cut else words.UNANSWERED if self._silent and not said else None
        if note:
            self._terminal.print(Text(note.to(self.language), style="dim"))
        if self._terminal.is_terminal and (said or note):
            self._terminal.print()

    def _answer(self) -> None:
        """Until nothing is left; a model or a Redis that is away is waited for."""
        while not self._left.is_set():
            try:
                if not self.has_work():
                    self._end()
                    return
                self._answerer.answer(self._channel.conversation)
                if not self.has_work():
                    continue
                self._trouble = self._why()
            except StoreUnavailable as error:
                self._trouble = str(error)
            self._left.wait(AGAIN_SECONDS)

    def _end(self) -> None:
        conversation = self._channel.conversation
        self.erased = bool(self._store.call("HEXISTS", ERASING, conversation))
        self._let_go()
        self.language = language_in(self._store, conversation, self._usual)

    def _why(self) -> str:
        """Why the turn waits for its model, where it does."""
        found = self._store.call("HGET", key(self._channel.conversation, "state"), "why")
        return found.decode(errors="replace") if found else ""

    def _stop(self) -> None:
        """The product's own stop, as a button presses it; while Redis is away, nobody waits for it any more."""
        try:
            self._accept("/stop", pressed=True)
        except StoreUnavailable:
            self._left.set()

    def _accept(self, text: str, *, pressed: bool = False) -> None:
        order = asking_for_person(text)
        said = Message(
            secrets.token_hex(8), self._channel.conversation, text, time.time(), pressed=pressed, order=order
        )
        self._mailbox.accept([said])

    def _note(self, figures: Figures) -> None:
        stopped = figures.outcome == f"heard: {STOPPED}"
        self._cut = self._cut or figures.cut or stopped
        self._silent = figures.outcome.startswith("heard: ") and not stopped
