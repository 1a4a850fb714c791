"""A tab of the chat page and its desk, for the tests of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.stores.connection import Store, connect
from bot.stores.mailbox import Mailbox
from bot.stores.page import Page
from bot.stores.roster import Card, Roster
from tests.unit.paged import Indoors
from workers.ui.desk import Desk
from workers.ui.tab import Sight, Tab, conversation_of

TOKEN = "0123456789abcdef" * 2
AWAY = "redis://127.0.0.1:1"


def new_tab() -> Tab:
    return Tab(conversation_of(TOKEN), "en")


def staffed(world: Indoors, store: Store) -> Desk:
    """A desk that knows of a worker."""
    store.client.sadd("rq:workers", "rq:worker:one")
    store.client.hset("rq:worker:one", "birth", "1")
    Roster(store).sign(Card("one"))
    return Desk(world.page, world.mailbox, Roster(store), store.ping)


@contextmanager
def cut_off(folder: Path) -> Iterator[Desk]:
    """A desk before a Redis that does not answer."""
    gone = connect(AWAY, folder, 0.2)
    yield Desk(Page(gone, 30), Mailbox(gone, lease=15, quiet=0, cap=0, days=30), Roster(gone), gone.ping)
    gone.close()


def work(world: Indoors, tab: Tab) -> None:
    """The worker does what there is."""
    for _ in range(4):
        world.answerer.answer(tab.conversation)


def said(sight: Sight) -> list[str]:
    return [text for _, text in sight.said]
