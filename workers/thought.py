"""What came of thinking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.message import Turn
from bot.stores.access import Admission
from bot.stores.handovers import Aside
from bot.stores.mailbox import Mode
from bot.stores.quota import NOTHING, Spent
from bot.stores.taken import Think


@dataclass(frozen=True, slots=True)
class Thought:
    """What came of thinking: the text to say, what becomes of history, and what the turn was, for the log."""

    text: str
    turns: tuple[Turn, ...] = ()
    mode: Mode = "append"
    window: int | None = None
    outcome: str = "answered"
    reason: str = ""
    paused: str | None = None
    pause_seconds: float = 0
    """How long nothing is answered; 0: until it is ordered."""
    spent: Spent = NOTHING
    grows: bool = True
    """Whether its text was thought and not looked up: then it may appear bit by bit."""
    again: bool = False
    """The last question is to be thought anew; ``forgets`` is the turn whose place its new answer takes."""
    forgets: int | None = None
    stopped: bool = False
    """Its person ended it."""
    erases: str = ""
    """The person of whom all must go."""
    file: str = ""
    """The text of a file that goes with it, called ``file_name``; ``instead`` is said where none can be sent."""
    file_name: str = ""
    instead: str = ""
    notice: str = ""
    """What stands below the text and is not part of what was said; ``introduces``: the text says who is speaking."""
    introduces: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    admission: Admission | None = None
    hands_over: bool = False
    """A person of the business is wanted to go on; ``aside`` is what is done in other conversations."""
    aside: Aside | None = None
    verbatim: bool = False
    """Its text is shown as it is: somebody's own words, and no model's."""
    after: Callable[[], None] | None = None
    """What is noted of it once it is committed, and may be missed; it raises nothing."""


def whole(pieces: Sequence[str]) -> str:
    """What the pieces say together. Two may hold the halves of one character; half a one can be stored nowhere."""
    return "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()


def begun(task: Think) -> bool:
    """Whether the person sees a bubble of this turn, or may see one: an earlier attempt has opened it."""
    return f"piece:{task.batch.turn}:0" in task.state


def spoken(task: Think) -> str:
    """The language code that came with the newest message that had one."""
    return next((message.language for message in reversed(task.batch.messages) if message.language), "")
