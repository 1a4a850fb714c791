"""Watching a conversation: whatever is new in it, until nothing more is to come."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from bot.errors import RecadoError
from bot.stores.page import PERSON, Shown, View
from bot.texts import Text
from workers.ui import words
from workers.ui.desk import Desk, answers
from workers.ui.markdown import literal, without_html
from workers.ui.tab import Sight, Tab

AGAIN_SECONDS: Final = 0.05
"""So often is looked while an answer is on its way."""
LOOK_SECONDS: Final = 60.0
"""So long one look lasts at most; the page asks for the next one."""
SOON_SECONDS: Final = 4.0
_LOOKERS: Final = ThreadPoolExecutor(16, "look")
"""Apart from whoever says something, so that nobody's words wait behind them while Redis does not answer."""

log = logging.getLogger("recado.ui")


async def watch(desk: Desk, tab: Tab) -> AsyncIterator[Sight]:
    """What the tab is to show, whenever that is something else. A later watch of the same tab ends this one."""
    tab.looks += 1
    mine, until = tab.looks, time.monotonic() + LOOK_SECONDS
    async with tab.lock:  # what the earlier one said must not come after what this one says
        while mine == tab.looks and time.monotonic() < until:
            sight = await asyncio.get_running_loop().run_in_executor(_LOOKERS, see, desk, tab)
            if sight != tab.shown:
                tab.shown = sight
                yield sight
            if not sight.busy:
                return
            await asyncio.sleep(AGAIN_SECONDS)


async def news(desk: Desk, conversation: str) -> str:
    """What is another text whenever there is something to watch. Raises StoreUnavailable and SettingsError."""
    version, due = await asyncio.get_running_loop().run_in_executor(_LOOKERS, desk.news, conversation)
    return f"{version} {'due' if due else 'done'}"


def see(desk: Desk, tab: Tab) -> Sight:
    """What the tab is to show now; where nobody knows, what it shows already, and that, or what is worse."""
    try:
        view, due = desk.look(tab)
        staffed = not due or desk.is_staffed()
    except RecadoError as error:
        told = words.NOT_SENT if tab.failed else words.AWAY
        away = replace(tab.shown or Sight(None), note=told.to(tab.language), busy=False, again=False)
        if away != tab.shown:
            log.error("%s", error)
        return away
    tab.markdown = {one: tab.markdown.get(one) or _markdown(one) for one in view.shown}
    said = tuple((one.who, text) for one, text in tab.markdown.items())
    note = _note(view, tab, due=due, staffed=staffed)
    return Sight(said, note.to(tab.language) if note else "", due, not due and bool(answers(view.shown)))


def _markdown(one: Shown) -> str:
    return literal(one.text) if one.who == PERSON else without_html(one.text)


def _note(view: View, tab: Tab, *, due: bool, staffed: bool) -> Text | None:
    if due and not staffed:
        return words.NOBODY
    if due:
        begun = view.typing or any(one.growing for one in view.shown)
        return words.WRITING if begun or _is_new(view) else words.KEPT
    followed = [one.id for one in view.shown[:-1]]  # that one was taken after all
    return words.NOT_SENT if tab.failed and tab.unsure[1] not in followed else None


def _is_new(view: View) -> bool:
    """Whether the last message is so new that nobody wonders about it."""
    return not view.shown or time.time() - view.shown[-1].at / 1000 < SOON_SECONDS
