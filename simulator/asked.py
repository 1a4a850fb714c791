"""What model servers were asked, and what became of it."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

NEVER_BEGUN: Final = frozenset({"failed", "busy", "refused"})


@dataclass(slots=True, eq=False)
class Asked:
    """One request for an answer, with its JSON. Times are monotonic.

    ``first`` is when the first piece left, ``ended`` when the request was over, ``outcome`` how: done,
    failed (as told), busy (the queue was full), refused (cut before any answer), cut (in it, by us) or
    left (by the client, also while it was made to wait).
    """

    path: str
    json: dict[str, Any]
    headers: dict[str, str]
    time: float = field(default_factory=monotonic)
    first: float | None = None
    ended: float | None = None
    outcome: str = ""

    @property
    def said(self) -> tuple[tuple[str, str], ...]:
        """What was said, by whom, up to this question: without instructions and without the note, which changes."""
        turns = [(str(turn["role"]), text_of(turn)) for turn in self.json.get("messages", [])]
        last = [(role, words(text)) for role, text in turns[-1:]]
        return tuple(turn for turn in turns[:-1] + last if turn[0] != "system")

    @property
    def images(self) -> list[bytes]:
        """The pictures that were shown, in either server's form."""
        return [image for turn in self.json.get("messages", []) for image in _images(turn)]


def text_of(turn: dict[str, Any]) -> str:
    """What a turn says; one with pictures may come in parts."""
    parts = turn["content"]
    return "".join(str(part.get("text", "")) for part in parts) if isinstance(parts, list) else str(parts)


def _images(turn: dict[str, Any]) -> list[bytes]:
    parts = turn["content"] if isinstance(turn["content"], list) else []
    urls = [str(part["image_url"]["url"]) for part in parts if part.get("type") == "image_url"]
    packed = [*turn.get("images", []), *(url.partition(";base64,")[2] for url in urls)]
    return [base64.b64decode(one, validate=True) for one in packed]


def words(text: str) -> str:
    """A person's words, without the note that opens the newest turn."""
    note, blank, said = text.partition("\n\n")
    return said if blank else note


def twice(requests: Iterable[Asked], *, whole: bool) -> list[Asked]:
    """Those that repeat an earlier one on which the model began; with ``whole`` only one that it had ended."""
    earlier: dict[Any, list[Asked]] = {}
    found = []
    for asked in requests:
        same = earlier.setdefault(asked.said, [])
        if any(_had_ended(one, asked) if whole else one.outcome not in NEVER_BEGUN for one in same):
            found.append(asked)
        same.append(asked)
    return found


def _had_ended(earlier: Asked, later: Asked) -> bool:
    return earlier.outcome == "done" and earlier.ended is not None and earlier.ended <= later.time
