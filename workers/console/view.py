"""An answer in the terminal while it comes: what of it stays scrolls up, and the rest grows below."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from rich.console import Console as Terminal
from rich.console import Group
from rich.live import Live
from rich.segment import Segment, SegmentLines
from rich.spinner import Spinner
from rich.text import Text

from bot.channels.console import Saying
from bot.texts import Language
from workers.console import words
from workers.console.markdown import plain, rendered, settled

ROOM: Final = 2
"""Lines of a screen that a growing answer leaves: its status, and where the cursor stands."""


class View:
    """Shows bubbles one after the other. Into a file, or a pipe, each is written once it is whole."""

    def __init__(self, terminal: Terminal, language: Language) -> None:
        self._terminal, self._language = terminal, language
        self.lively = terminal.is_terminal and not terminal.is_dumb_terminal
        self._live = Live(
            console=terminal, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False,
            vertical_overflow="crop",
        )  # fmt: skip
        self._spinner = Spinner("dots" if terminal.encoding.startswith("utf") else "line")
        self._bubble = self._text = self._printed = ""
        self._growing: list[list[Segment]] = []
        self._parted = False

    def __enter__(self) -> Self:
        if self.lively:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.lively:
            self._live.stop()
        self._finish()

    @property
    def begun(self) -> bool:
        """Whether there is something to read."""
        return bool(self._text)

    def say(self, saying: Saying) -> None:
        """A bubble reads so from now on; what stood there before mostly begins it."""
        if saying.bubble != self._bubble:
            self._finish()
            self._bubble = saying.bubble
        self._text = plain(saying.text)
        if not self._text.startswith(self._printed):
            self._terminal.print(Text(words.ANEW.to(self._language), style="dim"))
            self._printed = ""
        if self.lively:
            self._scroll()

    def refresh(self, status: str) -> None:
        """Let the growing part and ``status`` be seen as they are now."""
        if not self.lively:
            return
        self._spinner.update(text=Text(plain(status), style="dim"))
        line = self._spinner.render(self._terminal.get_time())
        if isinstance(line, Text):
            line.truncate(max(self._terminal.width - 1, 1), overflow="ellipsis")
        room = max(self._terminal.height - ROOM, 1)
        self._live.update(Group(SegmentLines(self._growing[-room:], new_lines=True), line), refresh=True)

    def _scroll(self) -> None:
        """What is settled is written for good; it is never written again."""
        rest = self._text[len(self._printed) :]
        if (stays := settled(rest)) > 0:
            self._print(rest[:stays])
            rest = rest[stays:]
        self._growing = rendered(self._terminal, rest)
        if self._parted and self._growing:
            self._growing.insert(0, [])

    def _print(self, text: str) -> None:
        if self._parted:
            self._terminal.print()
        self._printed += text
        self._parted = True
        self._growing = []
        self._terminal.print(SegmentLines(rendered(self._terminal, text), new_lines=True), end="")

    def _finish(self) -> None:
        """The bubble is whole: what was not yet written is."""
        if (rest := self._text[len(self._printed) :]).strip():
            self._print(rest)
        self._parted = self._parted and self.lively
        self._bubble = self._text = self._printed = ""
        self._growing = []
