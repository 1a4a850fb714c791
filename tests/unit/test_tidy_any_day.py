"""Whatever people do, and whenever names go, nobody is shown what somebody else said."""

from __future__ import annotations

import random

import pytest

from bot.message import Message
from bot.settings import load_settings
from bot.stores import tidy
from bot.stores.alias import TOLD_MS
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from bot.stores.tidy import Tidy
from tests.unit.post import ANA, BEA, EVA, A, B, C, Post
from tests.unit.test_tidy import fall_silent, tidied


@pytest.fixture
def post(store: Store, mailbox: Mailbox) -> Post:
    return Post(store, mailbox)


class Town:
    """People with a user id and a telephone number each, who write by either or both, change their numbers among each
    other, fall silent and come back; ``tidies`` now and then."""

    def __init__(self, post: Post, seed: int, *, tidies: bool = True) -> None:
        self.post, self.chance, self.tidies = post, random.Random(seed), tidies
        self.phones = {ANA: A, BEA: B, EVA: C}
        self.free = [f"whatsapp:106540:3460000009{n}" for n in range(3)]

    def happen(self) -> None:
        who = self.chance.choice(list(self.phones))
        match self.chance.choice([*["write"] * 6, "move", "silence", "tidy", "tidy"]):
            case "write":
                self._write(who)
            case "move":
                self._move(who)
            case "silence":
                fall_silent(self.post.store, *filter(self._is_silent, self.post.waiting()))
            case _ if self.tidies:
                tidied(self.post.store)

    def _write(self, who: str) -> None:
        phone = self.phones[who]
        name, *also = self.chance.choice([(phone, who), (who, phone), (who,), (phone, who)])
        self.post.write(name, *also, text=f"of {who}")

    def _move(self, who: str) -> None:
        """What is told of it may come later than the next message."""
        old, new = self.phones[who], self.free.pop(self.chance.randrange(len(self.free)))
        self.free.append(old)
        self.phones[who] = new
        told = self.post.move(old, new)
        if self.chance.random() < 0.5:
            self._write(self.chance.choice(list(self.phones)))
        for _ in range(self.chance.choice([1, 2])):
            self.post.mailbox.alias(*told)

    def _is_silent(self, _: str) -> bool:
        return self.chance.random() < 0.5

    @property
    def mixed(self) -> dict[str, set[str]]:
        """The conversations that hold what several people said."""
        found = {}
        for conversation in self.post.waiting():
            entries = self.post.store.client.lrange(key(conversation, "in"), 0, -1)
            people = {who for who in self.phones for entry in entries if f"of {who}".encode() in entry}
            if len(people) > 1:
                found[conversation] = people
        return found


@pytest.mark.parametrize("told", [0, TOLD_MS], ids=["long ago", "of late"])
@pytest.mark.parametrize("seed", range(20))
def test_no_day_brings_one_persons_words_to_another(
    post: Post, seed: int, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidy, "TOLD_MS", told)
    town = Town(post, seed)
    for _ in range(60):
        town.happen()
        assert town.mixed == {}


def test_the_mailbox_of_whoever_writes_meanwhile_is_theirs(store: Store, mailbox: Mailbox) -> None:
    """A name that is heard between a look and its going stays."""
    post = Post(store, mailbox)
    post.write(A, ANA)
    fall_silent(store, A)
    one = Tidy(store, load_settings())
    spare = one._spare_kept

    def heard_meanwhile(free: dict[tidy.Kind, set[tidy.Pair]], stay: set[str]) -> None:
        spare(free, stay)
        mailbox.accept([Message("late", ANA, "hola")])

    one._spare_kept = heard_meanwhile  # type: ignore[method-assign]
    assert one.now() == 0
    assert post.write(ANA) == A
