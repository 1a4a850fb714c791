"""Redis' wire protocol, as far as one must know it to tell commands and their answers apart.

Source: https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP2 and RESP3).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_END = b"\r\n"
_LINES = frozenset(b"+-:_#,(")
_BULKS = frozenset(b"$!=")
_VALUES = {ord("*"): 1, ord("~"): 1, ord(">"): 1, ord("%"): 2, ord("|"): 2}
"""How many values follow for each one that an aggregate announces."""
_ARRAY, _PUSH, _ATTRIBUTE = b"*>|"

SUBSCRIBING = frozenset(
    ("subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe")
)  # fmt: skip
_MESSAGES = frozenset((b"message", b"pmessage", b"smessage"))


class Unreadable(Exception):
    """Raised for bytes that are no RESP."""


class Frames:
    """Cuts a stream into whole frames, in whatever pieces it comes.

    Redis also reads commands as plain lines, which no answer is: ``inline`` allows them.
    """

    def __init__(self, *, inline: bool = False) -> None:
        self._inline = inline
        self._buffer = bytearray()
        self._at = 0
        self._missing = 1
        """How many values the frame that was begun still lacks."""

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are whole by now. Raises Unreadable."""
        self._buffer += data
        found, start = [], 0
        while self._complete(start):
            found.append(bytes(self._buffer[start : self._at]))
            start, self._missing = self._at, 1
        del self._buffer[:start]
        self._at -= start
        return found

    def _complete(self, start: int) -> bool:
        if self._inline and self._at == start < len(self._buffer) and self._buffer[start] != _ARRAY:
            line = self._buffer.find(b"\n", start)
            self._at = max(line + 1, start)
            return line >= 0
        while self._missing:
            line = self._buffer.find(_END, self._at)
            if line < 0 or not self._value(self._buffer[self._at], line):
                return False
        return True

    def _value(self, kind: int, line: int) -> bool:
        """Go past one value whose first line ends at ``line``; False while its bytes are not all here."""
        end, follow = line + 2, 0
        if kind not in _LINES:
            size = self._size(line)
            if kind in _BULKS:
                end += size + 2 if size >= 0 else 0
            elif kind in _VALUES:
                follow = max(size, 0) * _VALUES[kind] + (kind == _ATTRIBUTE)  # an attribute only precedes a value
            else:
                raise Unreadable(f"no RESP type: {chr(kind)!r}")
        if end > len(self._buffer):
            return False
        self._at = end
        self._missing += follow - 1
        return True

    def _size(self, line: int) -> int:
        try:
            return int(self._buffer[self._at + 1 : line])
        except ValueError:
            raise Unreadable("no RESP length") from None


def words(frame: bytes, most: int = 1 << 30) -> list[bytes]:
    """The strings with which a frame begins, a command's name and arguments for example; ``most`` at most."""
    if frame[0] not in _VALUES:
        return frame.split()[:most]
    found: list[bytes] = []
    at = frame.index(_END) + 2
    while len(found) < most and at < len(frame) and frame[at] in _BULKS:
        start = frame.index(_END, at) + 2
        end = start + max(int(frame[at + 1 : start - 2]), -2)
        found.append(frame[start:end])
        at = end + 2
    return found


@dataclass(slots=True)
class _Due(Generic[T]):
    command: T
    name: str
    channels: int
    left: int = 0


class Answers(Generic[T]):
    """Which command an answer belongs to: the oldest that has none, except for what Redis says unasked.

    Subscribing is answered once a channel. CLIENT REPLY OFF is not understood.
    """

    def __init__(self) -> None:
        self._due: deque[_Due[T]] = deque()
        self._subscribed: set[tuple[bytes, bytes]] = set()
        self._resp3 = False

    def expect(self, command: T, name: str, frame: bytes) -> None:
        """A command was sent to Redis."""
        channels = len(words(frame)) - 1 if name in SUBSCRIBING else 0
        self._due.append(_Due(command, name, channels))

    def first(self, frame: bytes) -> T | None:
        """The command to which this is the first answer; None for whatever else Redis sends."""
        self._resp3 = self._resp3 or frame[0] == _PUSH
        if not self._due or self._unasked(frame):
            return None
        due = self._due[0]
        first = not due.left
        if first:
            due.left = self._expected(due)
        due.left -= 1
        if due.name in SUBSCRIBING:
            self._confirm(due, frame)
        if not due.left:
            self._due.popleft()
        return due.command if first else None

    def _unasked(self, frame: bytes) -> bool:
        if frame[0] == _PUSH:
            return words(frame, 1)[0].decode(errors="replace") not in SUBSCRIBING
        if frame[0] != _ARRAY or self._resp3 or not self._subscribed:
            return False
        return not _MESSAGES.isdisjoint(words(frame, 1))

    def _expected(self, due: _Due[T]) -> int:
        if due.name not in SUBSCRIBING:
            return 1
        kind = due.name.replace("un", "", 1).encode()
        return due.channels or max(1, sum(one[0] == kind for one in self._subscribed))

    def _confirm(self, due: _Due[T], frame: bytes) -> None:
        if frame[0] not in (_PUSH, _ARRAY):
            due.left = 0  # an error, or QUEUED: there is one, whatever was asked
            return
        kind, channel = (*words(frame, 2), b"", b"")[:2]
        if b"un" in kind:
            self._subscribed.discard((kind.replace(b"un", b"", 1), channel))
        else:
            self._subscribed.add((kind, channel))
