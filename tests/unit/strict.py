"""A platform as strict as Meta's: its token dies, and whoever last wrote a day ago must write first."""

from __future__ import annotations

from bot.errors import Halted, Parked
from bot.message import Piece
from bot.stores.bell import QUEUE_KEY
from bot.stores.connection import Store
from bot.stores.hold import HOLD
from bot.texts import Text
from tests.unit.mailboxes import ANA, now_ms
from tests.unit.worlds import FakeChannel, World

ACCOUNT = "fake:7"
DAY_SECONDS = 86_400


class StrictChannel(FakeChannel):
    """Takes nothing while its ``token`` is among the ``dead``; ``asked`` are those who were asked to write first.

    ``template``: they can be. ``closed``: the platform says that the window is.
    """

    window_seconds = DAY_SECONDS

    def __init__(self, *, template: bool = False) -> None:
        super().__init__()
        self.token, self.dead = "one", set[str]()
        self.template, self.closed = template, False
        self.asked: list[str] = []
        self.pieces: list[Piece] = []

    def credential(self, conversation: str) -> str:
        return self.token

    def asks_to_write(self, conversation: str) -> bool:
        return self.template

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        if self.token in self.dead:
            self.fail.insert(0, Halted("190: the token has expired"))
        elif self.closed:
            self.fail.insert(0, Parked("131047: the window is closed"))
        sent = super().speak(conversation, piece, reference)
        self.pieces.append(piece)
        return sent

    def ask_to_write(self, conversation: str, reference: str) -> str:
        self.before("ask")
        self.references.append(reference)
        error = self.fail.pop(0) if self.fail else None
        if error is None or error.__class__.__name__ == "Unknown":
            self.asked.append(conversation)
        if error:
            raise error
        self.after("ask")
        return f"template-{len(self.asked)}"


def strict_world(store: Store, *, template: bool = False, **settings: object) -> tuple[World, StrictChannel]:
    channel = StrictChannel(template=template)
    return World(store, channel=channel, **settings), channel


def is_time(store: Store, field: str = "until") -> None:
    """As if the account's waiting time were over, or whoever tries it were long dead (``try_until``)."""
    if store.client.exists(HOLD + ACCOUNT):
        store.client.hset(HOLD + ACCOUNT, field, now_ms(store) - 1)


def hold_wait(store: Store) -> int:
    return int(store.client.hget(HOLD + ACCOUNT, "wait") or 0)


def goes_on(world: World) -> None:
    """Ana's worker looks as often as it is rung for, and nobody else waits."""
    for _ in range(5):
        world.store.client.delete(QUEUE_KEY)
        world.answerer.answer(ANA)


def hears(world: World, channel: StrictChannel, *words: str) -> list[str]:
    """What Ana is told after she says this."""
    before = len(channel.spoken)
    world.say(*words)
    goes_on(world)
    return channel.spoken[before:]


def told_by(world: World) -> dict[str, str]:
    """What the owner is told by this worker, under the words by which it is told once."""
    told: dict[str, str] = {}

    def tell(once: str, text: Text | str, account: str = "") -> None:
        assert account == "7"
        told.setdefault(once, text if isinstance(text, str) else text.to("en"))

    world.answerer.failures.tell = tell
    return told
