"""Hand-overs beside templates and erasures: what is said of a customer, or to them, goes to nobody else."""

from __future__ import annotations

import pytest

from bot.errors import Parked
from bot.message import Message
from bot.stores import erase, handovers
from bot.stores.connection import Store, key
from bot.stores.handovers import Handovers
from bot.stores.outbox import Outbox
from bot.stores.person import Found, Person
from tests.unit.bosses import BOSS, Chats, Shop
from tests.unit.everything import everything
from tests.unit.mailboxes import ANA, BEA
from tests.unit.strict import StrictChannel


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase, "NOTICE_SECONDS", 0)


class StrictChats(StrictChannel, Chats):
    """Its customers can be asked to write first; who read what is known."""

    def __init__(self) -> None:
        super().__init__(template=True)


def fates(shop: Shop) -> list[str]:
    """What the owner was told of their words, one word for each."""
    known = {"Aún no ha": "parked", "Ya ha recibido": "sent", "No ha recibido": "failed"}
    return [fate for text in shop.notices for words, fate in known.items() if words in text]


def test_what_becomes_of_asking_a_customer_to_write_does_not_become_of_the_owners_words(store: Store) -> None:
    """The owner hears that their words wait and, when the customer has written, that they came."""
    channel = StrictChats()
    shop = Shop(store, channel)
    shop.say("/humano")
    channel.fail = [Parked("131047: the window is closed")]
    shop.answer("Ya está")
    assert (channel.asked, fates(shop)) == ([ANA], ["parked"])
    shop.say("¿está ya?")
    assert "Ya está" in shop.told()
    assert fates(shop) == ["parked", "sent"]


def waiting_notices(store: Store) -> Shop:
    """A notice of Ana's and one of Bea's wait for the owner; somebody has the owner's chat in hand, as ``b``."""
    shop = Shop(store)
    for person, name in ((ANA, "Canario"), (BEA, "Bea")):
        shop.mailbox.accept([Message(person, person, "/humano", person=name, sender="1")])
        shop.world.answerer.answer(person)
    shop.mailbox.take(BOSS, "b")
    return shop


def test_a_notice_that_is_withdrawn_while_it_is_said_is_not_taken_for_the_next(store: Store) -> None:
    """Ana wants all to go just then: Bea's notice reaches the owner."""
    shop, outbox = waiting_notices(store), Outbox(store)
    mine = outbox.begin(BOSS, "b", 0, 0, ()).identity.partition(".")[0]
    erase.erase(store, Person.parse(ANA))
    outbox.record(BOSS, 0, 0, "sent", identity="1", mine=mine)
    shop.mailbox.release(BOSS, "b", stay=False)
    shop.world.answerer.answer(BOSS)
    assert ["Bea" in text for text in shop.notices] == [True]


def test_what_is_committed_while_a_customer_is_erased_goes_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their hand-over is thought already, and comes between two steps of the erasure."""
    shop = Shop(store)
    shop.mailbox.accept([Message("m", ANA, "/humano", person="Canario", sender="1")])
    go_on = erase._erase_conversations

    def committed_just_before(store: Store, found: Found) -> bool:
        shop.world.answerer.answer(ANA)
        return go_on(store, found)

    monkeypatch.setattr(erase, "_erase_conversations", committed_just_before)
    erase.erase(store, Person.parse(ANA))
    assert "Canario" not in str(everything(store))
    assert Handovers(store, shop.world.settings).all() == []


def test_words_for_somebody_who_was_erased_meanwhile_are_not_passed_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner's turn is thought before, and committed after: it is thought anew, and the owner is told."""
    shop = Shop(store)
    shop.say("/humano")
    shop.mailbox.accept([Message("late", BOSS, "Voy yo", quoted=shop.notices[0], sender="99")])
    people = shop.world.thinker._people
    think = people.of_the_house

    def erased_meanwhile(task: object) -> object:
        thought = think(task)  # type: ignore[arg-type]
        erase.erase(store, Person.parse(ANA))
        return thought

    monkeypatch.setattr(people, "of_the_house", erased_meanwhile)
    shop.work(BOSS, ANA)
    assert "Voy yo" not in shop.told()
    assert "No sé a quién responder" in shop.told(BOSS)[-1]
    assert not store.client.exists(key(ANA, "state"), key(ANA, "in"), handovers.HANDOVERS)
