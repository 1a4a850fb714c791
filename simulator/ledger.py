"""What people wrote and what they were shown, compared: the promises, counted."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from typing import Final

from rich.console import Console
from rich.table import Table

from simulator.platforms import Platform

MARK: Final = re.compile(r"\bc\d+ n\d+ [0-9a-f]{8}\b")
PARTIAL: Final = re.compile(r"(^|\s)((re:|c\d*( n\d*( [0-9a-f]{0,7})?)?)(…|\.\.\.)?|…|\.\.\.)\s*$")
MEANING: Final = {
    "lost": "accepted, never answered",
    "duplicated": "answered more than once",
    "reordered": "answered after a later one",
    "leaked": "shown to somebody else, or never said",
    "unfinished": "begun or still waiting",
    "stray": "bubbles that never got the rest of their text",
}


@dataclass(slots=True)
class Report:
    """What became of every accepted message; the lists name the messages concerned."""

    accepted: int = 0
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the promises held; what is merely unfinished breaks none, nor does a stray bubble."""
        return not (self.lost or self.duplicated or self.reordered or self.leaked)

    def __rich__(self) -> Table:
        table = Table("what", "messages", "means", "such as", title="the promises")
        table.add_row("accepted", str(self.accepted), "the webhook said 200", "")
        table.add_row("answered", str(self.answered), "their person sees the whole answer", "")
        for part in fields(self)[2:]:
            found: list[str] = getattr(self, part.name)
            table.add_row(part.name, str(len(found)), MEANING[part.name], ", ".join(found[:3]))
        return table

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=110, no_color=True).print(self)
        return text.getvalue()


@dataclass(slots=True)
class _Chat:
    """``said`` and ``bubbles`` in their order; a bubble with its last text, a mark with whether it was accepted."""

    said: dict[str, bool] = field(default_factory=dict)
    bubbles: dict[str, str] = field(default_factory=dict)
    ever_shown: dict[str, None] = field(default_factory=dict)


class Ledger:
    """Records what was accepted and what was delivered, and compares them.

    A message is known by its mark, ``c12 n3 5f0c9a2e``, which its answer must repeat (as the echo
    of ModelServer does); what carries no mark, such as a notice or a command, is not judged.
    """

    def __init__(self) -> None:
        self._chats: dict[str, _Chat] = {}

    def said(self, chat: str, text: str, *, accepted: bool = True) -> None:
        """Somebody wrote this after what they wrote before; ``accepted``: the webhook answered 2xx."""
        self._chat(chat).said.update(dict.fromkeys(MARK.findall(text), accepted))

    def delivered(self, chat: str, bubble: str, text: str) -> None:
        """A bubble was shown in a chat, or an earlier one changed to this text."""
        entry = self._chat(chat)
        entry.bubbles[bubble] = text
        entry.ever_shown.update(dict.fromkeys(MARK.findall(text)))

    def read(self, platform: Platform) -> None:
        """Record everything from a platform's logs; once per platform. Chats are named ``telegram:555``."""
        with platform.changed:
            for said in platform.said:
                self.said(f"{platform.name}:{said.chat_id}", said.text, accepted=said.accepted is not None)
            for call in platform.calls:
                if call.taken and call.bubble:
                    self.delivered(f"{platform.name}:{call.chat_id}", call.bubble, _text(call.params))

    def check(self, waiting: Collection[str] = ()) -> Report:
        """Compare. In the chats that are still ``waiting`` by the product's own word, nothing counts as lost."""
        report = Report()
        for name, chat in self._chats.items():
            _compare(report, chat, waits=name in waiting)
        return report

    def _chat(self, name: str) -> _Chat:
        return self._chats.setdefault(name, _Chat())


def _compare(report: Report, chat: _Chat, *, waits: bool) -> None:
    shown = Counter(mark for text in chat.bubbles.values() for mark in MARK.findall(text))
    accepted = [mark for mark, taken in chat.said.items() if taken]
    missing = [mark for mark in accepted if mark not in shown]
    bubbles = list(chat.bubbles.values())
    goes_on = waits or (bool(bubbles) and _is_partial(bubbles[-1]))
    behind = max((number for number, mark in enumerate(accepted) if mark in shown), default=-1)
    unfinished = [mark for mark in accepted[behind + 1 :] if goes_on]
    report.accepted += len(accepted)
    report.answered += len(accepted) - len(missing)
    report.unfinished += unfinished
    report.lost += [mark for mark in missing if mark not in unfinished]
    report.stray += [text for text in (bubbles[:-1] if unfinished else bubbles) if _is_partial(text)]
    report.duplicated += [mark for mark, times in shown.items() if times > 1]
    report.leaked += [mark for mark in chat.ever_shown if mark not in chat.said]
    report.reordered += _reordered(list(chat.said), list(shown))


def _is_partial(text: str) -> bool:
    """Whether a bubble stops in the middle of an answer; ``#`` keeps whole marks from looking like half ones."""
    return bool(PARTIAL.search(MARK.sub("#", text)))


def _reordered(said: list[str], shown: list[str]) -> list[str]:
    """The marks that stand below one that was said later."""
    place = {mark: number for number, mark in enumerate(said)}
    late, highest = [], -1
    for mark in shown:
        number = place.get(mark, highest)
        if number < highest:
            late.append(mark)
        highest = max(highest, number)
    return late


def _text(params: dict[str, object]) -> str:
    text = params.get("text")
    return str(text.get("body", "")) if isinstance(text, dict) else str(text or "")
