"""A tab of a browser: its conversation, and what it shows."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from bot.channels.web import ACCOUNT, Web
from bot.message import Conversation
from bot.stores.page import Shown, View
from bot.texts import Language

TAB_HEADER: Final = "x-recado-tab"
"""In which a tab's token comes (static/page.js)."""
TABS: Final = 10_000
"""So many are known at once; who comes back after that is shown everything anew."""
FORGET_SECONDS: Final = 900.0
"""So long a tab is known that does not look; one that somebody sees looks once a minute at least."""

_TOKEN: Final = re.compile(r"[0-9a-f]{32}")


def conversation_of(token: str) -> str:
    """The conversation to which a tab's ``token`` is the only right: 128 random bits, in hexadecimal.

    Raises ValueError for anything else.
    """
    if not _TOKEN.fullmatch(token):
        raise ValueError("that is no tab's token")
    return str(Conversation(Web.name, ACCOUNT, hashlib.sha256(bytes.fromhex(token)).hexdigest()[:32]))


@dataclass(frozen=True, slots=True)
class Sight:
    """What a tab shows: who said what (in Markdown), a note below, and whether the last question may be asked again.

    ``said`` is None where nobody knows: then what stands there stays. ``busy``: an answer is on its way.
    """

    said: tuple[tuple[str, str], ...] | None = ()
    note: str = ""
    busy: bool = False
    again: bool = False


@dataclass(slots=True)
class Tab:
    """A page that stands in a browser, from its load to the next.

    ``view`` is what was read last, ``markdown`` how it is shown, ``shown`` what the browser was given last. ``unsure``
    is a message of which nobody knows whether it was taken, and its id: said again, it is the same one; ``failed``:
    what was said last was not kept, as its person was told. ``looks`` counts who looked, ``found_at`` (monotonic) is
    when something was asked last.
    """

    conversation: str
    language: Language
    view: View | None = None
    markdown: dict[Shown, str] = field(default_factory=dict)
    shown: Sight | None = None
    unsure: tuple[str, str] = ("", "")
    failed: bool = False
    looks: int = 0
    found_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Tabs:
    """The tabs that are open, by the name that their load has; the one used least recently is forgotten first."""

    def __init__(self, most: int = TABS) -> None:
        self._tabs: OrderedDict[tuple[str, str], Tab] = OrderedDict()
        self._most = most

    def find(self, load: str, token: str, language: Language) -> Tab:
        """Raises ValueError for a ``token`` that is none."""
        name = (load, conversation_of(token))
        tab = self._tabs.setdefault(name, Tab(name[1], language))
        self._tabs.move_to_end(name)
        tab.found_at = time.monotonic()
        while len(self._tabs) > self._most or self._is_over(next(iter(self._tabs.values()))):
            self._tabs.popitem(last=False)
        return tab

    @staticmethod
    def _is_over(tab: Tab) -> bool:
        """Whether it was closed, or loaded anew; one with a message of which nobody knows is waited for."""
        return time.monotonic() - tab.found_at > FORGET_SECONDS and not tab.unsure[1]
