"""A day like any other, by chance: people write, put right, stop, press, ask again; workers die and calls get lost."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from bot.errors import RateLimited, Undelivered, Unknown
from bot.message import Message
from bot.stores.connection import DUE, Store, key
from bot.stores.history import History
from tests.unit.fates import EditingChannel, Killed, Steps, unrest
from tests.unit.mailboxes import ANA, counted
from tests.unit.worlds import World
from workers import grow

TROUBLES = (None, Unknown("lost"), RateLimited("slow", 0.01), Undelivered("down"))


class Day:
    """One conversation and its workers, of which each may die; ``written`` are the words of each message, as it was
    put right again and again, by its bubble."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.chance, self.channel = store, random.Random(seed), EditingChannel()
        self.number = 0
        self.written: dict[str, list[str]] = {}
        self.heir = World(store, channel=self.channel)
        self.heir.backend.answers = [[f"the last answer {n} ", "says much ", "and ends"] for n in range(100)]
        self.heir.served_by("here")

    def write(self) -> None:
        """Somebody writes a message, puts one right, stops, presses a button or asks again."""
        self.number += 1
        bubble = f"m{self.number}"
        match self.chance.choice(["write", "write", "write", "edit", "edit", "stop", "press", "retry"]):
            case "edit" if self.written:
                replaced = self.chance.choice(list(self.written)[-3:])
                self.written[replaced].append(f"word{self.number}")
                self._accept(f"word{self.number}", bubble=replaced, replaces=replaced)
            case "stop":
                self._accept("/stop", bubble=bubble)
            case "press" if self.channel.bubbles:
                pressed = self.chance.choice(list(self.channel.bubbles))
                self._accept("/stop", pressed=True, reply_to=pressed)
            case "retry":
                self._accept("/retry", bubble=bubble)
            case _:
                self.written[bubble] = [f"word{self.number}"]
                self._accept(f"word{self.number}", bubble=bubble)

    def _accept(
        self, text: str, *, bubble: str = "", replaces: str = "", pressed: bool = False, reply_to: str = ""
    ) -> None:
        more = {"bubble": bubble, "replaces": replaces, "reply_to": reply_to}
        self.heir.mailbox.accept([Message(f"u{self.number}", ANA, text, pressed=pressed, **more)])

    def work(self) -> None:
        """A worker answers, and mostly dies of it; people write meanwhile, and it is told what they want."""
        steps = Steps(self.store)
        worker = World(steps, channel=self.channel)
        worker.backend.answers = [[f"answer {self.number}.{n} ", "says much ", "and ends"] for n in range(20)]
        worker.served_by("here")
        steps.at = self.chance.randrange(1, 70)
        steps.fate = steps.die
        self.channel.fail = [self.chance.choice(TROUBLES)]
        self.channel.fail_edits = [self.chance.choice(TROUBLES) for _ in range(3)]

        def meanwhile(name: str) -> None:
            steps.step(name)
            if self.chance.random() < 0.3:
                self.write()
            for held in worker.answerer.held if self.chance.random() < 0.2 else ():
                marks = self.heir.mailbox.renew([(ANA, held.token, list(held.seats))]).marks
                if held.token in marks:
                    held.heed(marks[held.token])

        self.channel.before = self.channel.after = meanwhile
        try:
            worker.answerer.answer(ANA)
        except Killed:
            pass
        finally:
            self.channel.before = self.channel.after = lambda _: None
            self.channel.fail, self.channel.fail_edits = [], []

    def pass_by(self) -> None:
        """As much time passes as anything waits: leases end, and what was on its way arrives."""
        self.channel.arrive()
        self.store.client.delete(key(ANA, "lease"), *self.store.client.scan_iter("recado:places:*"), "recado:none")
        self.store.client.hdel(key(ANA, "state"), "speak_at", "think_at", "pause_at")

    def end(self) -> None:
        for _ in range(60):
            self.pass_by()
            if self.store.client.zscore(DUE, ANA) is None:
                return
            self.heir.answerer.answer(ANA)
        raise AssertionError("it never comes to rest")


@pytest.mark.parametrize("seed", range(60))
def test_every_message_counts_once_and_every_answer_stands_whole(
    store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is remembered once, as it read at one time; what is remembered as said is shown once; what is shown in part
    is counted."""
    monkeypatch.setattr(grow, "OPEN_AT", 1)
    day = Day(store, seed)
    for _ in range(day.chance.randrange(2, 7)):
        day.write()
        day.work()
        day.pass_by()
    day.end()

    history = History(store).tail(ANA, 0, 100_000)
    words = Counter(word for turn in history if turn.role == "user" for word in turn.text.split())
    assert [sum(words[one] for one in ever) for ever in day.written.values()] == [1] * len(day.written)
    whole = Counter(text for text in day.channel.shown if not text.endswith("…"))
    assert [whole[turn.text] for turn in history if turn.role == "assistant"] == [1] * sum(
        turn.role == "assistant" for turn in history
    )
    assert sum(text.endswith("…") for text in day.channel.shown) <= counted(store, "stray")
    assert [turn.number for turn in history] == sorted(turn.number for turn in history)
    assert unrest(store) == []
