"""Any day on the chat page: whatever its person presses and whatever dies, in any order, what stands there is right."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from bot.stores.connection import Store, key
from bot.stores.history import History
from bot.stores.page import ASSISTANT, PERSON
from tests.unit.fates import Killed, unrest
from tests.unit.paged import Indoors
from tests.unit.worlds import FakeBackend

BEGUN_ANEW = "start afresh"
STEPS, DAYS = 20, 40


class Eventful(FakeBackend):
    """Something may happen before each word that it says."""

    happens: Callable[[], None] = staticmethod(lambda: None)

    def _say(self, answer: str | Sequence[str] | Exception) -> Iterator[str]:
        assert isinstance(answer, str)
        for word in re.findall(r"\s*\S+", f"{answer} and that is all"):
            self.happens()
            yield word


class Day:
    """A person, in one tab, and workers that die."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.chance = store, random.Random(seed)
        self.world = Indoors(store)
        self.world.backend = self.world.thinker.backend = Eventful()
        self.world.backend.happens = self.meanwhile
        self.world.answerer = self.world.worker()
        self.tab = self.world.tab()
        self.said: list[str] = []
        self.count = 0

    def meanwhile(self) -> None:
        """While the model speaks, now and then."""
        if self.chance.random() < 0.3:
            self.chance.choice([self.say, self.stop, self.clear, self.retry, self.die, self.look])()

    def say(self) -> None:
        self.count += 1
        self.said.append(f"q{self.count}.")
        self.tab.say(self.said[-1])

    def order(self) -> None:
        self.said.append("/help")
        self.tab.say("/help")

    def stop(self) -> None:
        self.tab.press("/stop")
        self.look()

    def clear(self) -> None:
        self.tab.clear()
        self.said = []

    def retry(self) -> None:
        self.tab.press("/retry")

    def die(self) -> None:
        raise Killed

    def look(self) -> None:
        """The worker's monitor, which hears of a stop."""
        for held in self.world.answerer.held:
            marks = self.world.mailbox.renew([(held.conversation, held.token, [])]).marks
            if held.token in marks:
                held.heed(marks[held.token])

    def work(self) -> None:
        """A worker does what there is, or dies in the middle of it."""
        with suppress(Killed):
            return self.world.answerer.answer(self.tab.conversation)
        self.store.client.delete(key(self.tab.conversation, "lease"))
        self.world.answerer = self.world.worker()
        return None

    def rest(self) -> None:
        """Nothing happens any more, and all is done that there is."""
        self.world.backend.happens = lambda: None
        for _ in range(60):
            if not self.world.mailbox.has_work(self.tab.conversation):
                return
            self.store.client.hdel(key(self.tab.conversation, "state"), "think_at", "speak_at", "pause_at")
            self.store.client.delete("recado:line:suspects", "recado:places:suspects")
            self.work()
        raise AssertionError("it never comes to rest")


@pytest.mark.parametrize("seed", range(DAYS))
def test_whatever_happens_what_stands_there_is_right(store: Store, seed: int) -> None:
    day = Day(store, seed)
    steps = [day.say, day.say, day.order, day.stop, day.clear, day.retry, day.work, day.work, day.work]
    for _ in range(STEPS):
        day.chance.choice(steps)()
    day.rest()
    shown = day.tab.shown
    answers = [one.text for one in shown if one.who == ASSISTANT]
    history = History(store).tail(day.tab.conversation, 0, 100_000)

    assert [one.text for one in shown if one.who == PERSON] == day.said
    assert not any(one.growing for one in shown)
    assert len({one.id for one in shown}) == len(shown)
    cleared = day.count - sum(text.startswith("q") for text in day.said)
    assert [text for text in answers if any(int(n) <= cleared for n in re.findall(r"q(\d+)\.", text))] == []
    for turn in history:
        if turn.role == "assistant":
            assert answers.count(turn.text) >= 1, turn.text
    if cleared:
        assert any(BEGUN_ANEW in text for text in answers)
    assert unrest(store) == []
