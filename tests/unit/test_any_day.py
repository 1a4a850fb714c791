"""A day like any other, by chance: people write, put right, take back, stop, press, ask again and change their number;
the business answers itself; workers die and calls get lost."""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import partial
from typing import Any

import pytest

from bot.errors import RateLimited, Undelivered, Unknown
from bot.message import Message
from bot.stores.connection import DUE, Store, key
from bot.stores.history import History
from bot.stores.tidy import Tidy
from tests.unit.fates import EditingChannel, Killed, Steps, unrest
from tests.unit.mailboxes import ANA, counted
from tests.unit.waits import unanswered, waiting
from tests.unit.worlds import World
from workers import grow

USER = "fake:7:US.1"
"""Ana's user id; her telephone number is ANA's at first."""

TROUBLES = (None, Unknown("lost"), RateLimited("slow", 0.01), Undelivered("down"))


class Day:
    """One conversation and its workers, of which each may die; ``written`` are the words of each message, as it was
    put right again and again, by its bubble. ``revoked`` are the bubbles that were taken back, ``ours`` the business'
    own words, ``strangers`` those of whoever has a number that was Ana's; ``name`` is the one that she has now."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.chance, self.channel = store, random.Random(seed), EditingChannel()
        self.number = 0
        self.written: dict[str, list[str]] = {}
        self.revoked: set[str] = set()
        self.ours: list[str] = []
        self.strangers: list[str] = []
        self.name = ANA
        self.heir = World(store, channel=self.channel)
        self.heir.backend.answers = [[f"the last answer {n} ", "says much ", "and ends"] for n in range(100)]
        self.heir.served_by("here")
        self.heir.mailbox.accept([Message("first", ANA, "/help", also=(USER,))])

    def write(self) -> None:
        """Somebody writes a message, puts one right, takes one back, stops, presses a button or asks again."""
        self.number += 1
        bubble, word = f"m{self.number}", f"word{self.number}"
        match self.chance.choice(
            [*["write"] * 4, *["edit"] * 3, "revoke", "revoke", "stop", "press", "retry", "ours", "move"]
        ):
            case "edit" if self.written:
                replaced = self.chance.choice(list(self.written)[-3:])
                self.written[replaced].append(word)
                self._accept(word, bubble=replaced, replaces=replaced)
            case "revoke" if self.written:
                revoked = self.chance.choice(list(self.written)[-4:])
                self.revoked.add(revoked)
                self._accept("", revokes=revoked)
            case "stop":
                self._accept("/stop", bubble=bubble)
            case "press" if self.channel.bubbles:
                self._accept("/stop", pressed=True, reply_to=self.chance.choice(list(self.channel.bubbles)))
            case "retry":
                self._accept("/retry", bubble=bubble)
            case "ours":
                self.ours.append(word)
                self._accept(word, bubble=bubble, ours=True)
            case "move":
                self._move()
            case _:
                self.written[bubble] = [word]
                self._accept(word, bubble=bubble)

    def _accept(self, text: str, **more: Any) -> None:
        name, also = self.chance.choice([(self.name, ()), (self.name, (USER,)), (USER, ()), (USER, (self.name,))])
        message = Message(f"u{self.number}", name, text, also=also, **more)
        for _ in range(self.chance.choice([1, 1, 2])):
            self.heir.mailbox.accept([message])

    def _move(self) -> None:
        """Ana has another number; a stranger who has an old one writes, before or after that is told."""
        old, self.name = self.name, f"fake:7:{self.number + 1000}"
        told = partial(self.heir.mailbox.alias, old, self.name, True, time.time() - 5, f"s{self.number}")
        told()
        self.strangers.append(f"stranger{self.number}")
        self.heir.mailbox.accept(
            [
                Message(
                    f"x{self.number}",
                    old,
                    self.strangers[-1],
                    also=self.chance.choice([(), (f"fake:7:US.{self.number + 1000}",)]),
                )
            ]
        )
        if self.chance.random() < 0.5:
            told()

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
        if self.chance.random() < 0.5:
            self._end_pause()
        Tidy(self.store, self.heir.settings).now()

    def _end_pause(self) -> None:
        if self.store.client.hexists(key(ANA, "state"), "paused_until"):
            self.store.client.hset(key(ANA, "state"), "paused_until", 1)

    def end(self) -> None:
        for _ in range(60):
            self.pass_by()
            due = self.store.client.zrange(DUE, 0, -1)
            if not due:
                return
            for one in due:
                self.heir.answerer.answer(one.decode())
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
        for step in (day.write, day.work, day.pass_by):
            step()
            assert waiting(store) == unanswered(store)
    day.end()

    history = History(store).tail(ANA, 0, 100_000)
    words = Counter(word for turn in history if turn.role == "user" for word in turn.text.split())
    once = {bubble: int(bubble not in day.revoked) for bubble in day.written}
    assert {bubble: sum(words[one] for one in ever) for bubble, ever in day.written.items()} == once
    said = Counter(turn.text for turn in history if turn.role == "assistant")
    assert [said.pop(one) for one in day.ours] == [1] * len(day.ours)
    whole = Counter(text for text in day.channel.shown if not text.endswith("…"))
    assert {text: whole[text] for text in said} == dict(said)
    assert sum(text.endswith("…") for text in day.channel.shown) <= counted(store, "stray")
    assert [turn.number for turn in history] == sorted(turn.number for turn in history)
    assert not [one for one in day.strangers if one in str(history)]
    assert unrest(store) == []
