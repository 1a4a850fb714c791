"""What must become of an answer that WhatsApp refuses with a code, and whether it did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from simulator.calls import Call

Fate = Literal["ends", "waits", "again", "parks"]
"""ends: it is not sent again. waits: that person waits. again: it is tried again, a few times. parks: it is sent when
the person has written."""
MOST_TRIES: Final = 6
"""In so many tries whatever passes has passed."""


class Injected(NamedTuple):
    """A code with which an answer to one person is refused, or (``later``) of which a status tells."""

    code: int
    fate: Fate
    later: bool = False
    pause: float = 0.0

    def __str__(self) -> str:
        return f"{self.code}{' by status' if self.later else ''}"


TABLE: Final = (
    Injected(131026, "ends"),
    Injected(131026, "ends", later=True),
    Injected(131048, "ends"),
    Injected(131049, "ends"),
    Injected(131049, "ends", later=True),
    Injected(131050, "ends"),
    Injected(130472, "ends"),
    Injected(130497, "ends"),
    Injected(100, "ends"),
    Injected(131056, "waits", pause=1.0),
    Injected(131056, "waits", later=True),
    Injected(131000, "again"),
    Injected(131000, "again", later=True),
    Injected(131016, "again"),
    Injected(131057, "again"),
    Injected(135000, "again"),
    Injected(131047, "parks"),
    Injected(131047, "parks", later=True),
)


def fault_of(injected: Injected, tries: Sequence[Call], wrote_again: float) -> str:
    """What was done otherwise than it must be; empty when it was right.

    ``tries`` are the calls with the answer, in their order, of which the first had the code; ``wrote_again`` is when
    (monotonic) the person wrote once more.
    """
    if not tries or tries[0].taken:
        return "the code was not met"
    came, early = [call for call in tries if call.taken], [call for call in tries[1:] if call.time < wrote_again]
    if injected.fate == "ends":
        return f"sent {len(tries)} times" if len(tries) > 1 else ""
    if len(came) != 1:
        return f"taken {len(came)} times in {len(tries)} tries"
    if injected.fate == "parks":
        return "sent before the person wrote again" if early else ""
    if injected.fate == "waits" and tries[1].time < tries[0].time + injected.pause:
        return "sent before the pause was over"
    return f"tried {len(tries)} times" if len(tries) > MOST_TRIES else ""
