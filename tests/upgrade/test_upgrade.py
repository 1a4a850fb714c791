"""What an older version left in Redis, in the middle of its work, is read and ended by this one.

Each ``.backup`` beside this file is what make.py left of one version.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.backup import flow
from bot.message import Conversation, Piece
from bot.show import show
from bot.stores.connection import DUE, Store, key
from bot.stores.dead import DeadLetters
from bot.stores.history import History
from bot.stores.person import Person, export
from bot.stores.snapshot import Snapshot
from simulator.ledger.records import marks_of
from tests.unit.fates import EditingChannel
from tests.unit.worlds import World
from tests.upgrade.aged import aged
from tests.upgrade.make import CLOSED, DEAD, HALF, HISTORY, OWED, PAUSED, WAITING, mark

VERSIONS = sorted(Path(__file__).parent.glob("*.backup"))
BOT = "telegram:7123456"
WINDOW = f"whatsapp:106540352242922:{CLOSED}"


class Platform(EditingChannel):
    """One that knows who reads what; bubbles of before the upgrade are there."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[str, dict[str, str]] = {}

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        bubble = super().speak(conversation, piece, reference)
        self.read.setdefault(conversation, {})[bubble] = piece.text
        return bubble

    def edit(self, conversation: str, bubble: str, piece: Piece) -> None:
        super().edit(conversation, bubble, piece)
        self.read.setdefault(conversation, {})[bubble] = piece.text

    def marks(self, conversation: str) -> list[str]:
        """What the answers there repeat, top to bottom."""
        return [one for text in self.read.get(conversation, {}).values() for one in marks_of(text)]


@pytest.fixture(params=VERSIONS, ids=lambda path: path.stem)
def restored(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> str:
    """The version; what it left is here as if it had been left just now."""
    flow.restore(store, aged(request.param, tmp_path / "today", Snapshot(store).now()))
    return str(request.param.stem)


@pytest.fixture
def world(store: Store, restored: str) -> World:
    """A worker of today, on the platforms of then."""
    platform = Platform()
    for piece in store.client.hgetall(key(f"{BOT}:{HALF}", "state")).values():
        if piece.startswith(b"open:"):
            platform.bubbles[piece.removeprefix(b"open:").decode()] = "…"
    found = World(store, channel=platform)
    found.channels = found.answerer._channels = {"telegram": platform, "whatsapp": platform}  # type: ignore[assignment]
    return found


def read_by(world: World) -> Callable[[str], list[str]]:
    assert isinstance(world.channel, Platform)
    return world.channel.marks


def work(world: World) -> None:
    """Everybody who is due is looked at, as if all waits were over, until nobody is."""
    for _ in range(20):
        due = [name.decode() for name in world.store.client.zrange(DUE, 0, -1)]
        for conversation in due:
            world.store.client.hdel(key(conversation, "state"), "speak_at", "think_at", "pause_at")
            world.answerer.answer(conversation)
    assert not world.store.client.exists(DUE)


def test_there_are_versions_to_read() -> None:
    assert "edcd37c" in [path.stem for path in VERSIONS]
    assert [path.name for path in VERSIONS if path.stat().st_size > 10_000] == []


def test_what_was_left_is_answered_once_and_in_order(world: World) -> None:
    """Half answered, waiting, thought and not delivered; and who has opted out is not."""
    work(world)
    read = read_by(world)

    assert read(f"{BOT}:{HALF}") == [mark(HALF, 1), mark(HALF, 2)]
    assert read(f"{BOT}:{WAITING}") == [mark(WAITING, 1), mark(WAITING, 2)]
    assert read(f"{BOT}:{OWED}") == [mark(OWED, 1)]
    assert read(WINDOW) == [mark(CLOSED, 1)]
    assert [read(f"{BOT}:{chat}") for chat in (HISTORY, PAUSED, DEAD)] == [[], [], []]


def test_the_half_answered_bubble_takes_the_answer(world: World) -> None:
    assert isinstance(world.channel, Platform)
    [begun] = world.channel.bubbles
    work(world)

    assert marks_of(world.channel.bubbles[begun]) == [mark(HALF, 1)]


def test_history_is_read_and_goes_on(world: World) -> None:
    """What was remembered of a turn then is what is asked with now."""
    before = History(world.store).tail(f"{BOT}:{HISTORY}", 0, 100_000)
    world.say(mark(HISTORY, 3), conversation=f"{BOT}:{HISTORY}")
    work(world)

    assert [marks_of(turn.text) for turn in before] == [[mark(HISTORY, n)] for n in (1, 1, 2, 2)]
    [prompt] = [one for one in world.backend.prompts if mark(HISTORY, 3) in one.turns[-1].text]
    assert [turn.text for turn in prompt.turns[-5:-1]] == [turn.text for turn in before]
    assert read_by(world)(f"{BOT}:{HISTORY}") == [mark(HISTORY, 3)]


def test_dead_letters_are_read_and_retried(world: World) -> None:
    [letters] = DeadLetters(world.store).all()
    DeadLetters(world.store).retry(letters.conversation)
    work(world)

    assert (letters.conversation, letters.messages) == (f"{BOT}:{DEAD}", 1)
    assert read_by(world)(letters.conversation) == [mark(DEAD, 1)]


def test_who_had_opted_out_returns(world: World) -> None:
    world.say("/alta", mark(PAUSED, 9), conversation=f"{BOT}:{PAUSED}")
    work(world)

    *_, question, answer = History(world.store).tail(f"{BOT}:{PAUSED}", 0, 100_000)
    assert (question.text, question.heard) == (mark(PAUSED, 9), "")
    assert mark(PAUSED, 9) in answer.text


def test_every_persons_document_can_be_written(world: World) -> None:
    for chat in (HISTORY, HALF, WAITING, PAUSED, DEAD, OWED):
        [conversation] = export(world.store, Person.parse(f"{BOT}:{chat}"))["conversations"]
        assert mark(chat, 1) in str(conversation)


def test_every_conversation_can_be_shown(world: World) -> None:
    """And why it has no answer is known."""
    shown = {}
    for conversation in [*(f"{BOT}:{chat}" for chat in (HISTORY, HALF, WAITING, PAUSED, DEAD, OWED)), WINDOW]:
        [one] = show(world.store, world.settings, world.channels, conversation)
        assert one.sentences("en")
        assert one.rows
        shown[Conversation.parse(conversation).chat] = [finding.code for finding in one.findings]

    assert shown.pop(str(HISTORY))[0].startswith("answered")
    assert shown.pop(CLOSED) == ["window"]
    assert shown.pop(str(DEAD)) == ["dead"]
    assert shown.pop(str(PAUSED)) == ["no-worker", "opted-out"]
    assert shown.pop(str(OWED)) in (["platform-pause"], ["speak-later"], ["no-worker"])
    assert list(shown.values()) == [["no-worker"]] * 2
