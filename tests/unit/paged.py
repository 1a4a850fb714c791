"""A worker beside the chat page, for the tests of its channel."""

from __future__ import annotations

from bot.channels.web import Web
from bot.message import Piece
from bot.stores.connection import Store
from bot.stores.page import ASSISTANT, Page
from tests.tabs import Tab
from tests.unit.worlds import FakeChannel, World


class Watched(Page):
    """Remembers what the assistant's bubbles have read, as ``bubble: text``, with the mark of those that grow."""

    def __init__(self, store: Store, days: int = 30) -> None:
        super().__init__(store, days)
        self.read_so_far: list[tuple[str, str, bool]] = []

    def put(self, conversation: str, bubble: str, who: str, text: str, *, growing: bool = False) -> None:
        if who == ASSISTANT:
            self.read_so_far.append((bubble, text, growing))
        super().put(conversation, bubble, who, text, growing=growing)

    def change(self, conversation: str, bubble: str, text: str, *, growing: bool = False) -> None:
        self.read_so_far.append((bubble, text, growing))
        super().change(conversation, bubble, text, growing=growing)


class Brisk(Web):
    """The channel, where every piece of an answer may be shown."""

    def edit_seconds(self, conversation: str) -> float:
        return 0


class Indoors(World):
    """A world in which people also write on the chat page, each in a tab of their own."""

    def __init__(self, store: Store, **settings: object) -> None:
        super().__init__(store, **settings)  # type: ignore[arg-type]
        self.page, self.web = Watched(store), Brisk()
        self.web.board = self.page
        self.channels["web"] = self.web

    def tab(self, name: str = "tab") -> Tab:
        return Tab(self.page, self.mailbox, name)

    def work(self, *tabs: Tab, times: int = 4) -> None:
        """The worker does what there is in these tabs."""
        for _ in range(times):
            for tab in tabs:
                self.answerer.answer(tab.conversation)

    def ask(self, tab: Tab, text: str, **more: str) -> list[str]:
        """Somebody writes and is answered; what stands there new of the assistant's."""
        before = len(tab.answers)
        tab.say(text, **more)
        self.work(tab)
        return tab.answers[before:]


class Paged(FakeChannel):
    """A platform that is the chat page: what it is told stands there, and its calls can meet their fates."""

    edits, opens_at_once = True, True

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.page, self._web = Page(store, 30), Web()
        self._web.board = self.page

    def render(self, text: str) -> tuple[Piece, ...]:
        return self._web.render(text)

    def edit_seconds(self, conversation: str) -> float:
        return 0

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        self.before("speak")
        bubble = self._web.speak(conversation, piece, reference)
        self.after("speak")
        return bubble

    def edit(self, conversation: str, bubble: str, piece: Piece) -> None:
        self.before("edit")
        self._web.edit(conversation, bubble, piece)
        self.after("edit")
