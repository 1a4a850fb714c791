"""Programs in a real terminal, and what a person sees there, also of what has scrolled away."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyte

from simulator.processes import wait_until

CTRL_C: Final = "\x03"
CTRL_D: Final = "\x04"
UP: Final = "\x1b[A"
PATIENCE: Final = 30.0

_OWN_TERMINAL: Final = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    " os.execv(sys.argv[1], sys.argv[1:])"
)
"""A key ends who is in the terminal's own session, and nobody else."""


class Screen:
    """A terminal without a program: it shows what is fed to it."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self.columns = columns
        self._screen = pyte.HistoryScreen(columns, lines, history=10_000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, output: bytes) -> None:
        self._stream.feed(output)

    @property
    def lines(self) -> list[str]:
        """Everything that stands there, from the first line that scrolled away; empty lines at the end do not count."""
        gone = ["".join(line[x].data for x in range(self.columns)) for line in self._screen.history.top]
        found = [line.rstrip() for line in [*gone, *self._screen.display]]
        while found and not found[-1]:
            found.pop()
        return found

    @property
    def cursor_hidden(self) -> bool:
        return bool(self._screen.cursor.hidden)


class Terminal:
    """A command in a terminal; leaving the context ends it, if it still runs."""

    def __init__(
        self, *command: str, env: Mapping[str, str], columns: int = 80, lines: int = 24, term: str = "xterm-256color"
    ) -> None:
        self._screen, self._changed = Screen(columns, lines), threading.Condition()
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        launched = [sys.executable, "-ISc", _OWN_TERMINAL, *command]
        self.process = subprocess.Popen(
            launched, env={**env, "TERM": term}, stdin=theirs, stdout=theirs, stderr=theirs
        )  # fmt: skip
        self._theirs = theirs
        self._over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert wait_until(self._ends, PATIENCE), self.text
        self._over = True
        os.close(self._theirs)
        self._reader.join(PATIENCE)
        os.close(self._ours)

    @property
    def lines(self) -> list[str]:
        with self._changed:
            return self._screen.lines

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def cursor_hidden(self) -> bool:
        with self._changed:
            return self._screen.cursor_hidden

    @property
    def echoes(self) -> bool:
        """Whether the terminal itself shows what is typed."""
        return bool(termios.tcgetattr(self._ours)[3] & termios.ECHO)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def say(self, text: str) -> None:
        """Type a line, see it stand there, and end it; the program has taken it then."""
        self.type(text)
        self._await(lambda lines: lines[-1].endswith(text), f"{text!r} does not appear")
        typed = self.lines
        self.type("\r")
        self._await(lambda lines: lines != typed, "nothing comes of it")

    def press(self, key: str) -> None:
        """A key at the prompt, once the program waits for it there: a moment earlier a signal may wait for the next key
        (CPython looks for signals when its select is interrupted, Modules/readline.c)."""
        self._await(lambda lines: lines[-1][:1] == ">" and not self._screen.cursor_hidden, "no prompt")
        assert wait_until(self._sleeps, PATIENCE)
        self.type(key)

    def await_text(self, words: str, times: int = 1) -> None:
        """Wait until ``words`` stand there so often."""
        self._await(lambda lines: "\n".join(lines).count(words) >= times, f"{words!r} is not to be seen")

    def await_prompt(self) -> None:
        """Wait until it is the person's turn: nothing but a prompt in the last line."""
        self._await(lambda lines: lines[-1:] == [">"] and not self._screen.cursor_hidden, "no prompt")

    def wait(self) -> int:
        """Wait until the program ends; its exit code."""
        return self.process.wait(PATIENCE)

    def _await(self, check: Callable[[list[str]], bool], missing: str) -> None:
        with self._changed:
            there = self._changed.wait_for(lambda: check(self._screen.lines), PATIENCE)
            assert there, "\n".join([missing, *self._screen.lines])

    def _ends(self) -> bool:
        """Told again and again, for the same reason as in ``press``."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(0.5)
        return self.process.poll() is not None

    def _sleeps(self) -> bool:
        """Whether the program's first thread waits for something (proc_pid_stat(5))."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[0] == "S"

    def _read(self) -> None:
        while not self._over:
            try:
                output = os.read(self._ours, 65_536)
            except OSError:  # the other end is closed
                return
            with self._changed:
                self._screen.feed(output)
                self._changed.notify_all()
