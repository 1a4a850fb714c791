"""What became of everything that people wrote, as lists and as a table."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.table import Table

BROKEN: Final = {
    "lost": "accepted, neither answered nor explained",
    "duplicated": "answered more than once, or explained besides",
    "reordered": "answered after a later one",
    "leaked": "shown to somebody else, or never said",
    "early": "calls before the platform's pause was over",
    "over": "more calls than the platform allows",
    "forbidden": "sent from a number on hold, outside the window, or after an opt-out",
    "unequal": "chats whose history is not what was said",
    "delayed": "somebody else went first again and again",
    "left": "not empty though nothing is due",
    "logged": "lines of a log with a text or a secret",
}
OPEN: Final = {
    "unfinished": "begun or still waiting",
    "stray": "bubbles that never got the rest of their text",
}


@dataclass(slots=True)
class Report:
    """What became of every accepted message; the lists name the messages, calls, chats, keys or lines concerned.

    An accepted message is exactly one of answered, explained, lost and unfinished. ``explained`` has the messages
    by the reason for which they were rightly not answered.
    """

    accepted: int = 0
    answered: int = 0
    explained: dict[str, list[str]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)
    delayed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)

    @property
    def broken(self) -> tuple[str, ...]:
        """The headings under which a promise was broken. What a run cut short leaves behind breaks none."""
        found = [name for name in BROKEN if getattr(self, name)]
        return tuple(name for name in found if name != "left" or not self.unfinished)

    @property
    def ok(self) -> bool:
        """Whether the promises held; what is merely unfinished breaks none, nor does a stray bubble."""
        return not self.broken

    def __rich__(self) -> Table:
        table = Table("what", "number", "means", "such as", title="the promises")
        table.add_row("accepted", str(self.accepted), "the webhook said 200", "")
        table.add_row("answered", str(self.answered), "their person sees the whole answer", "")
        for reason, marks in self.explained.items():
            table.add_row("explained", str(len(marks)), f"rightly not answered: {reason}", ", ".join(marks[:3]))
        for name, meaning in (BROKEN | OPEN).items():
            found: list[str] = getattr(self, name)
            table.add_row(name, str(len(found)), meaning, ", ".join(found[:3]))
        return table

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=120, no_color=True).print(self)
        return text.getvalue()
