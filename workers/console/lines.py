"""Lines that a person types: edited, completed and remembered by readline where there is a terminal."""

from __future__ import annotations

import io
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Final

try:
    import readline
except ImportError:  # a Python that was built without it: lines are read as they come
    readline = None  # type: ignore[assignment]

PROMPT: Final = "> "
KEPT: Final = 1000
"""So many lines are remembered over sessions."""


class Lines:
    """Reads lines. Those typed in a terminal are remembered in ``history``, a file that nobody else can read."""

    def __init__(self, commands: Sequence[str], history: Path) -> None:
        """``commands`` are the names that are completed behind a slash at the beginning of a line."""
        self._commands, self._history = sorted(commands), history
        self.interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self._readline: ModuleType | None = readline if self.interactive else None
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        if self._readline:
            self._set_up(self._readline)

    def read(self) -> str | None:
        """The next line that says something; None: there are no more. Raises KeyboardInterrupt."""
        while True:
            try:
                line = input(PROMPT if self.interactive else "")
            except EOFError:
                return None
            if text := line.encode(errors="replace").decode().strip():
                self._remember()
                return text

    def forget(self) -> None:
        """Nothing of what was typed is remembered."""
        self._history.unlink(missing_ok=True)
        if self._readline:
            self._readline.clear_history()

    def complete(self, text: str, state: int) -> str | None:
        """readline's question for the ``state``-th completion of ``text``, the word before the cursor."""
        begins = self._readline is None or self._readline.get_begidx() == 0
        found = [f"/{name} " for name in self._commands if begins and f"/{name}".startswith(text) and text[:1] == "/"]
        return found[state] if state < len(found) else None

    def _set_up(self, module: ModuleType) -> None:
        libedit = "libedit" in (module.__doc__ or "")  # https://docs.python.org/3/library/readline.html
        module.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
        module.set_completer_delims(" \t\n")
        module.set_completer(self.complete)
        module.clear_history()
        module.set_history_length(KEPT)
        with suppress(OSError):
            module.read_history_file(self._history)

    def _remember(self) -> None:
        """Write the lines down now: whatever ends this process, they are there the next time."""
        if self._readline is None:
            return
        with suppress(OSError):
            self._history.touch(mode=0o600)
            self._history.chmod(0o600)
            if hasattr(self._readline, "append_history_file"):
                self._readline.append_history_file(1, self._history)
            else:
                self._readline.write_history_file(self._history)


@contextmanager
def unechoed() -> Iterator[None]:
    """What is typed meanwhile does not stand in the middle of an answer, but in the next line that is read."""
    if not sys.stdin.isatty():
        yield
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(terminal, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
