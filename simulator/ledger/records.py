"""What the ledger knows of one chat: what was said in it, what was shown, what history has kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

MARK: Final = re.compile(r"\bc\d+ n\d+ [0-9a-f]{8}\b")
_HALF_MARK: Final = re.compile(r"(^|\s)(re:|c\d*( n\d*( [0-9a-f]{0,7})?)?)$")
_GOES_ON: Final = ("…", "...")

STOP: Final = "stop"
RETURN: Final = "return"
ORDERS: Final = {"/baja": STOP, "/alta": RETURN}
PLAIN: Final = {"stop": "/baja", "baja": "/baja", "alta": "/alta"}
"""Words that are a command on WhatsApp, where they are the whole message."""

Sender = Literal["user", "assistant"]


@dataclass(slots=True)
class Said:
    """A message by its mark. Times are monotonic: when it was written, when it was first on its way to the webhook,
    and when that answered 2xx (None: never)."""

    mark: str
    place: int
    time: float
    tried: float
    accepted: float | None

    def precedes(self, other: Said) -> bool:
        """Whether it must be answered first: written before the other, and accepted before that was on its way.

        Messages that set out together stand in one body, in the order in which they were written. Of two that were
        on their way at once, whichever came first is first.
        """
        if self.place >= other.place or self.accepted is None:
            return False
        return self.accepted <= other.tried or self.tried == other.tried


class Shown(NamedTuple):
    """A call that showed a bubble, changed it, or (not ``taken``) was refused."""

    time: float
    method: str
    bubble: str
    text: str
    taken: bool = True

    @property
    def marks(self) -> list[str]:
        """The messages that it repeats in whole."""
        return marks_of(self.text)


@dataclass(slots=True)
class Chat:
    """``bubbles`` in their order, each with its last text, ``removed`` those that the person has deleted.

    ``first`` is when a mark was first to be seen in whole; ``turns`` is the history, None where it is not known.
    ``ours`` are the business's own words and ``revoked`` what its sender took back, by their marks; ``orders`` are
    the person's words that end all answers, or allow them again.
    """

    name: str
    said: dict[str, Said] = field(default_factory=dict)
    bubbles: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    first: dict[str, float] = field(default_factory=dict)
    calls: list[Shown] = field(default_factory=list)
    explained: dict[str, str] = field(default_factory=dict)
    ours: dict[str, Said] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    orders: list[Said] = field(default_factory=list)
    turns: list[tuple[Sender, str]] | None = None

    def show(self, call: Shown) -> None:
        """A call that was made in this chat."""
        self.calls.append(call)
        if call.taken and call.bubble:
            self.bubbles[call.bubble] = call.text
            for mark in call.marks:
                self.first.setdefault(mark, call.time)

    def answers(self) -> Counter[str]:
        """How often each mark stands in a bubble that got its whole text, in the order in which they stand.

        In a bubble that is deleted an answer counts only if it has not been given again.
        """
        whole = [(bubble, marks_of(text)) for bubble, text in self.bubbles.items() if not is_partial(text)]
        there = {mark for bubble, marks in whole if bubble not in self.removed for mark in marks}
        return Counter(
            mark for bubble, marks in whole for mark in marks if bubble not in self.removed or mark not in there
        )

    def visible(self) -> list[str]:
        """The texts of the bubbles that stand in the chat."""
        return [text for name, text in self.bubbles.items() if name not in self.removed]

    def order_in(self, text: str) -> str:
        """The order that somebody's whole message is, empty for any other. On Telegram only a command is one."""
        word = text.strip().lower()
        return ORDERS.get(PLAIN.get(word, word) if self.name.startswith("whatsapp:") else word, "")

    def opted_out(self) -> list[str]:
        """The marks of what was said between somebody's STOP and their return, as far as the order is beyond doubt."""
        return [said.mark for said in self.accepted() if self._order_before(said) == STOP]

    def _order_before(self, said: Said) -> str:
        """The last order before a message; empty where another one may have come between."""
        before = [order for order in self.orders if order.precedes(said)]
        later = self.orders[self.orders.index(before[-1]) + 1 :] if before else []
        return before[-1].mark if before and all(said.precedes(order) for order in later) else ""

    def kept(self, sender: Sender) -> list[str]:
        """The marks in history as it keeps what people said, or what they were answered."""
        return [mark for who, text in self.turns or () if who == sender for mark in marks_of(text)]

    def accepted(self) -> list[Said]:
        """The accepted messages in the order in which they were said."""
        return [said for said in self.said.values() if said.accepted is not None]

    def reordered(self, marks: list[str]) -> list[str]:
        """Those of ``marks`` that stand below one that they must precede."""
        late: list[str] = []
        before: list[Said] = []
        highest = -1
        for mark in marks:
            if (said := self.said.get(mark)) is None:
                continue
            if said.place < highest and any(said.precedes(other) for other in before):
                late.append(mark)
            highest = max(highest, said.place)
            before.append(said)
        return late

    def trace(self, mark: str) -> Iterator[tuple[float | None, str]]:
        """What is known of a message in this chat: when (monotonic; None: at no known time) and what."""
        if said := self.said.get(mark):
            yield said.time, f"{self.name} said {mark}"
            if said.tried != said.time:
                yield said.tried, "on its way to the webhook"
            yield said.accepted, "accepted" if said.accepted is not None else "never accepted"
        bubbles = {call.bubble for call in self.calls if mark in call.marks and call.bubble}
        for call in self.calls:
            if call.bubble in bubbles or mark in call.marks:
                outcome = "taken" if call.taken else "refused"
                yield call.time, f"{self.name} {call.method} {call.bubble or '-'} {outcome}: {call.text!r}"
        if mark in self.explained:
            yield None, f"{self.name} explained: {self.explained[mark]}"
        for number, (sender, text) in enumerate(self.turns or ()):
            if mark in marks_of(text):
                yield None, f"{self.name} history {number} {sender}: {text!r}"


def marks_of(text: str) -> list[str]:
    """The marks of messages in a text, in their order."""
    return MARK.findall(text)


def is_partial(text: str) -> bool:
    """Whether a bubble stops in the middle of an answer: at an ellipsis, or within a mark."""
    rest = MARK.sub("#", text).rstrip()  # a whole mark must not look like half of one
    return rest.endswith(_GOES_ON) or bool(_HALF_MARK.search(rest))
