"""What is said and done on the page goes into the mailbox, and what stands there comes out of the page's store."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Final

from bot.errors import RecadoError
from bot.message import Message
from bot.plain_words import asking_for_person
from bot.stores.mailbox import Mailbox
from bot.stores.page import PERSON, Page, Shown, View
from bot.stores.roster import Roster
from workers.ui.tab import Tab

LETTERS: Final = 8000
"""The longest message that the page takes."""
SEEN_HOURS: Final = 24
SURELY_SEEN: Final = (SEEN_HOURS - 1) * 3600
"""So many seconds it is certain that a message which was accepted is known, and dropped when it is said again."""
ROSTER_SECONDS: Final = 2.0
"""So long it is believed who works."""


class Desk:
    """Every method raises StoreUnavailable, and SettingsError where Redis is not fit to be trusted."""

    def __init__(self, page: Page, mailbox: Mailbox, roster: Roster, check: Callable[[], None]) -> None:
        """``check`` raises what is raised here; it is asked before anything is done."""
        self._page, self._mailbox, self._roster, self._check = page, mailbox, roster, check
        self._counted_at, self._workers = -ROSTER_SECONDS, 0

    def say(self, tab: Tab, text: str) -> None:
        """What its person wrote; it is durable when this returns."""
        said, known = tab.unsure
        name = known if said == text else secrets.token_hex(16)
        try:
            self._check()
            tab.unsure = (text, name)
            self._page.put(tab.conversation, name, PERSON, text)
            self._accept(tab, Message(name, tab.conversation, text, bubble=name))
        except RecadoError:
            tab.failed = True
            raise
        tab.unsure, tab.failed = ("", ""), False

    def stop(self, tab: Tab) -> None:
        """What is on its way ends."""
        self._press(tab, "/stop")

    def retry(self, tab: Tab) -> None:
        """The last question is answered anew, in the place of what stands below it."""
        old = answers(self._page.read(tab.conversation).shown)
        self._press(tab, "/retry")
        self._page.remove(tab.conversation, [one.id for one in old])

    def clear(self, tab: Tab) -> None:
        """Everything begins anew, on an empty page."""
        self._press(tab, "/stop")
        self._page.clear(tab.conversation)
        self._press(tab, "/reset")
        tab.unsure, tab.failed = ("", ""), False

    def look(self, tab: Tab) -> tuple[View, bool]:
        """What stands there, and whether more is to come; asked in this order, so that nothing is overlooked."""
        self._check()
        if tab.view is None:
            self._say_again(tab)
        due = self._mailbox.has_work(tab.conversation)
        known = tab.view
        if known is None or known.typing or known.version != self._page.version(tab.conversation):
            tab.view = known = self._page.read(tab.conversation)
        return known, due

    def news(self, conversation: str) -> tuple[int, bool]:
        """The number of what stands there, and whether more is to come: all that a page at rest needs to know."""
        self._check()
        return self._page.version(conversation), self._mailbox.has_work(conversation)

    def is_staffed(self) -> bool:
        """Whether a worker runs."""
        if time.monotonic() - self._counted_at >= ROSTER_SECONDS:
            self._workers, self._counted_at = len(self._roster.all()), time.monotonic()
        return self._workers > 0

    def _say_again(self, tab: Tab) -> None:
        """A page that died may have shown what the mailbox never had; what it had is known there by its id.

        What this tab itself could not send, its person knows of.
        """
        shown, now = self._page.read(tab.conversation).shown, time.time()
        last = takewhile(lambda one: one.who == PERSON and now - one.at / 1000 < SURELY_SEEN, reversed(shown))
        for one in reversed(list(last)):
            if one.id != tab.unsure[1]:
                self._accept(tab, Message(one.id, tab.conversation, one.text, bubble=one.id))

    def _press(self, tab: Tab, command: str) -> None:
        self._check()
        self._accept(tab, Message(secrets.token_hex(16), tab.conversation, command, pressed=True))

    def _accept(self, tab: Tab, message: Message) -> None:
        order = asking_for_person(message.text)
        whole = replace(message, sent_at=time.time(), language=tab.language, order=order)
        self._mailbox.accept([whole], seen_hours=SEEN_HOURS)


def answers(shown: Sequence[Shown]) -> list[Shown]:
    """What stands below the last question, where that is one: a command is not asked again."""
    places = [place for place, one in enumerate(shown) if one.who == PERSON]
    if not places or _is_order(shown[places[-1]].text):
        return []
    return list(shown[places[-1] + 1 :])


def _is_order(text: str) -> bool:
    return text.startswith("/") or bool(asking_for_person(text))
