"""Whoever is erased takes the frequent answers with them to which they contributed; an export tells of nobody else."""

from __future__ import annotations

import pytest

from bot import logs
from bot.stores import erase, frequent
from bot.stores.connection import Store, key
from bot.stores.frequent import FREQUENT
from bot.stores.person import Person, export, find
from tests.unit.everything import everything
from tests.unit.mailboxes import ANA, BEA
from tests.unit.shops import EVA, LEO, Shop, kept, known_to_two


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase, "NOTICE_SECONDS", 0)
    monkeypatch.setattr(erase, "FAREWELL_SECONDS", 0)


@pytest.fixture
def shop(store: Store) -> Shop:
    """Ana and Bea have asked the same, Eva was given its answer; Bea and Eva have asked something else."""
    shop = Shop(store)
    known_to_two(shop)
    shop.ask(EVA)
    for one in (BEA, EVA):
        shop.ask(one, "/reset")
        shop.backend.answers = ["Sí, claro."]
        shop.ask(one, "¿Tenéis pan?")
    assert sorted(kept(store)) == ["A las nueve.", "Sí, claro."]
    return shop


@pytest.mark.parametrize(
    ("who", "left"),
    [(ANA, ["Sí, claro."]), (BEA, []), (EVA, ["A las nueve."]), (LEO, ["A las nueve.", "Sí, claro."])],
    ids=["the first who asked", "the second", "who was given it", "somebody else"],
)
def test_what_somebody_contributed_to_goes_with_them(shop: Shop, store: Store, who: str, left: list[str]) -> None:
    erase.erase(store, Person.parse(who))

    assert sorted(kept(store)) == left


def test_no_script_is_told_of_all_questions(shop: Shop, store: Store) -> None:
    """There may be hundreds of thousands."""
    assert not [name for name in find(store, Person.parse(ANA)).shared if name.startswith(FREQUENT)]


@pytest.mark.parametrize("who", ["1", "fake:1"])
def test_by_whatever_name_they_are_erased(shop: Shop, store: Store, who: str) -> None:
    erase.erase(store, Person.parse(who))

    assert kept(store) == ["Sí, claro."]


def test_who_wants_it_themselves_is_carried_out_too(shop: Shop, store: Store) -> None:
    shop.ask(ANA, "/privacy erase yes")
    erase.finish(store)

    assert kept(store) == ["Sí, claro."]
    assert store.client.exists(key(BEA, "state"))


def test_what_was_thought_meanwhile_is_not_noted_of_who_is_erased(store: Store) -> None:
    """Neither after all is gone, nor before a farewell is said."""
    assert frequent.keep(store, "q", ANA, "one", 60) == "gone"
    store.client.hset(key(ANA, "state"), "erased", "1")
    assert frequent.keep(store, "q", ANA, "one", 60) == "gone"
    assert not list(store.client.scan_iter(f"{FREQUENT}*"))


def test_what_an_older_key_wrote_goes_with_whoever_is_erased_next(
    shop: Shop, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could tell any more whose it was."""
    monkeypatch.setattr(logs, "_key", b"another")
    erase.erase(store, Person.parse(LEO))

    assert not list(store.client.scan_iter(f"{FREQUENT}*"))


def test_an_export_tells_of_nobody_else_and_changes_nothing(shop: Shop, store: Store) -> None:
    before = everything(store)
    document = str(export(store, Person.parse(EVA)))

    assert "Sí, claro." in document
    assert not [name for name in (FREQUENT, ANA, BEA) if name in document]
    assert everything(store) == before
