"""People who each want a place at a model server, for the tests of the line."""

from __future__ import annotations

from bot.stores import bell
from bot.stores.connection import Store, key
from bot.stores.line import MODELS, Line
from bot.stores.mailbox import Mailbox
from tests.unit.mailboxes import ANA, BEA, now_ms, said, taken_texts

CAI, DAN = "fake:7:3", "fake:7:4"
ALL = (ANA, BEA, CAI, DAN)
STANDING, BOOK = f"recado:line:{MODELS}", f"recado:line:{MODELS}:state"
LEASE_MS = 15_000


def open_line(store: Store, *places: str, parallel: int = 1) -> Line:
    return Line(store, MODELS, places=places or ("one",), parallel=parallel, lease=LEASE_MS / 1000)


def seated(store: Store, place: str = "one") -> set[str]:
    """Who has a place at a server now."""
    return {
        name.decode() for name in store.client.zrangebyscore(f"recado:places:{MODELS}:{place}", now_ms(store), "+inf")
    }


def standing(store: Store) -> list[str]:
    return [name.decode() for name in store.client.zrange(STANDING, 0, -1)]


class People:
    """Conversations that each want a place, in the hands of one worker each: its token is its person's name."""

    def __init__(self, store: Store, mailbox: Mailbox, line: Line) -> None:
        self.store, self.mailbox, self.line = store, mailbox, line
        self.said = 0

    def think(self, *conversations: str) -> None:
        """Their turns are in their workers' hands; nobody is in RQ's queue."""
        for conversation in conversations:
            if not self.store.client.exists(key(conversation, "wip")):
                self.said += 1
                self.mailbox.accept([said(self.said, conversation=conversation)])
            taken_texts(self.mailbox, conversation, conversation)
        self.store.client.delete(bell.QUEUE_KEY)

    def ask(self, *conversations: str, places: tuple[str, ...] = ()) -> list[str]:
        self.think(*conversations)
        return [self.line.enter(one, one, places or self.line.places)[0] for one in conversations]

    def fail(self, conversation: str, place: str = "one", rest: float = 0) -> float:
        self.think(conversation)
        assert self.line.enter(conversation, conversation, [place])[0] == place
        left = self.line.leave(conversation, conversation, place, "failed", rest_seconds=rest)
        self.mailbox.defer(conversation, conversation, 0)
        return left
