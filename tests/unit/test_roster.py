"""Every worker signs a card, which is read as long as the worker lives."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from bot.settings import load_settings
from bot.stores.bell import WORKERS_KEY
from bot.stores.connection import Store
from bot.stores.roster import CARD_SECONDS, WORKER, Card, Roster
from tests.unit.backgrounds import Ending, Over, Worker
from tests.unit.mailboxes import ANA, until
from tests.unit.worlds import World, holding
from workers import background
from workers.card import memory, signing


def register(store: Store, *names: str) -> None:
    """As RQ does for workers that live."""
    for name in names:
        store.client.sadd(WORKERS_KEY, f"rq:worker:{name}")
        store.client.hset(f"rq:worker:{name}", "birth", "now")


def test_who_lives_is_on_the_roster_and_nobody_else(store: Store) -> None:
    """One that was killed is on RQ's list for some time; its card and its key are gone."""
    register(store, "one", "two", "dead")
    store.client.delete("rq:worker:dead")
    roster, card = Roster(store), Card("one", "box", 7, 1.5, "1.0", "faq", "", 16, 2, 1, 1 << 20)
    for name in ("one", "dead", "left"):
        roster.sign(Card(name, "box", 9))
    roster.sign(card)
    assert roster.all() == [card, Card("two")]
    assert [one.label for one in roster.all()] == ["box:7", "two"]
    assert 0 < store.client.ttl(f"{WORKER}one") <= CARD_SECONDS


def test_a_card_of_another_version_is_read(store: Store) -> None:
    """It may tell what we do not know, and not tell what we do."""
    register(store, "one")
    store.client.set(f"{WORKER}one", json.dumps({"name": "one", "slots": 4, "mood": "good"}))
    assert Roster(store).all() == [Card("one", slots=4)]


def test_a_worker_tells_what_it_is_and_does(world: World, store: Store) -> None:
    register(store, "me")
    settings = load_settings(llm_provider="ollama", worker_concurrency=5)
    world.answerer.metrics.address = "127.0.0.1:9100"
    sign = signing(settings, store, world.answerer, "me")
    with holding(world.answerer, ANA) as held:
        held.leased, held.doing = True, "thinking"
        sign()
    (card,) = Roster(store).all()
    assert (card.pid, card.slots, card.thinking, card.speaking) == (os.getpid(), 5, 1, 0)
    assert (card.backend, card.model, card.metrics) == ("ollama", "mistral:7b", "127.0.0.1:9100")
    assert 0.5 < card.memory / memory() < 2
    assert memory() > 10 << 20
    assert card.gpu_total == 0
    sign()
    assert [one.thinking for one in Roster(store).all()] == [0]


def test_the_background_signs_again_and_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, started: Callable[..., Worker]
) -> None:
    monkeypatch.setattr(background, "SIGN_SECONDS", 0.01)
    signed: list[int] = []

    def sign() -> None:
        signed.append(1)
        if len(signed) > 2:
            raise Over

    worker = started()
    Ending(worker.answerer, sign).start()
    until(lambda: len(signed) > 2)
