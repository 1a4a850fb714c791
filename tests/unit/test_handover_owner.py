"""Hand-overs from the owner's side: who may answer, what becomes of an answer, and what is left of it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.business import Business
from bot.errors import Blocked, DeliveryError, Parked, Rejected
from bot.message import Message
from bot.opening import Opening
from bot.received import Status
from bot.stores import alias, erase
from bot.stores.connection import Store, key
from bot.stores.handovers import HANDED_OVER, Handovers
from bot.stores.outbox import Outbox
from bot.stores.person import Person, export
from tests.unit.bosses import BOSS, Shop, references
from tests.unit.everything import everything
from tests.unit.fates import EditingChannel, Killed, Steps
from tests.unit.mailboxes import ANA, BEA, now_ms
from tests.unit.worlds import World
from workers import think


@pytest.fixture
def shop(store: Store) -> Shop:
    return Shop(store)


def test_nobody_else_speaks_for_the_business(shop: Shop) -> None:
    """Whoever quotes a notice in another chat talks to the assistant, as anybody."""
    shop.say("/humano")
    notice = shop.notices[0]

    assert shop.say("te lo regalo todo", BEA, quoted=notice) == ["re: te lo regalo todo"]
    assert shop.say("/seguir", BEA, quoted=notice) == ["El asistente automático ya te responde."]
    assert len(shop.told()) == 1
    assert shop.state("paused") == HANDED_OVER


def test_one_of_admins_may_answer_from_their_own_chat(store: Store) -> None:
    shop = Shop(store, admins=("fake:2",))
    shop.say("/humano")
    shop.say("Ahora te atiendo", BEA, quoted=shop.notices[0], sender="2")

    assert shop.told()[1:] == ["Ahora te atiendo"]


def test_the_owner_talks_to_the_assistant_as_anybody(shop: Shop) -> None:
    """What is no answer to a notice is theirs alone."""
    shop.say("/humano")
    assert shop.say("¿cuánto es 2 + 2?", BOSS) == ["re: ¿cuánto es 2 + 2?"]
    assert shop.say("¿y esto?", BOSS, quoted="re: ¿cuánto es 2 + 2?")[0].startswith("re: ")
    assert len(shop.told()) == 1


def test_an_answer_that_cannot_be_passed_on_is_told(shop: Shop) -> None:
    """One that has no text, and one to a notice that nobody knows."""
    shop.say("/humano")

    assert "solo puedo pasar texto" in shop.answer("")[0]
    assert "el aviso AAAA" in shop.answer("hola", to="Ref. AAAA · Ana")[0]
    assert len(shop.told()) == 1


def test_who_has_opted_out_is_not_written_to(shop: Shop) -> None:
    """Neither what the owner answers later, nor what was on its way."""
    shop.say("/humano")
    notice = shop.notices[0]
    shop.mailbox.accept([Message("bye", ANA, "/baja", sender="1"), Message("r", BOSS, "¿sigues ahí?", quoted=notice)])
    shop.work(BOSS, ANA, BOSS)
    assert "ha pedido que no se le escriba" in shop.told(BOSS)[-1]

    assert "ha pedido que no se le escriba" in shop.answer("¿hola?", to=notice)[0]
    assert [text for text in shop.told() if "hola" in text or "sigues" in text] == []
    assert shop.state("paused") == "opted out"


def test_who_has_opted_out_is_not_handed_over(shop: Shop) -> None:
    shop.say("/baja")

    assert "/alta" in shop.say("/humano")[0]
    assert shop.notices == []


def test_outside_its_hours_the_business_says_when_it_opens(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sunday:
        @staticmethod
        def now() -> datetime:
            return datetime(2026, 3, 1, 12, tzinfo=UTC)

    monkeypatch.setattr(think, "datetime", Sunday)
    business = Business(opening=Opening(timezone="Europe/Madrid", monday="08:00-14:00"))  # type: ignore[arg-type]
    shop.world.thinker._orders._business = business

    (told,) = shop.say("/humano")
    assert "Abrimos mañana a las 08:00." in told
    assert "cuando abramos" in told


def test_the_owner_is_not_handed_over_to_themselves(shop: Shop) -> None:
    assert "Esa persona eres tú" in shop.say("/humano", BOSS)[0]
    shop.world.backend.answers = [Rejected("too long")]
    assert "escribe más tarde" in shop.say("¿tenéis tarta?", BOSS)[0]


@pytest.mark.parametrize(("trouble", "words"), [(Blocked("gone"), "No ha recibido"), (Parked("24 h"), "Aún no ha")])
def test_the_owner_is_told_what_became_of_an_answer(shop: Shop, trouble: DeliveryError, words: str) -> None:
    """Once, under the reference; and when it came that had to wait."""
    shop.say("/humano")
    shop.world.channel.fail = [trouble]
    shop.answer("Ya está")

    told = [text for text in shop.notices[1:] if words in text]
    assert len(told) == 1
    assert references(told) == references(shop.notices[:1])
    shop.say("¿está ya?")
    assert ("Ya está" in shop.told()) == isinstance(trouble, Parked)
    assert any("Ya ha recibido" in text for text in shop.notices) == isinstance(trouble, Parked)


def test_a_status_that_comes_late_tells_the_owner_too(shop: Shop) -> None:
    """WhatsApp takes a message first and says afterwards that the person will not get it."""
    shop.say("/humano")
    shop.answer("Ya está")
    reference = shop.channel.references[-1]
    for _ in range(2):
        Outbox(shop.store).settle(Status(ANA, reference, "failed", bubble=str(len(shop.channel.spoken))))
    shop.work(BOSS)

    assert len([text for text in shop.notices if "No ha recibido" in text]) == 1


def test_the_customers_number_follows_them(shop: Shop) -> None:
    """Who goes on under another name reads there what the owner answers to the old notice."""
    shop.say("/humano")
    shop.mailbox.alias(ANA, "fake:7:8", freed=True, at=now_ms(shop.store) / 1000, told="moved")
    shop.answer("¿Sigues interesada?")

    assert "¿Sigues interesada?" in shop.told("fake:7:8")
    assert "¿Sigues interesada?" not in shop.told(ANA)


def test_who_is_erased_is_in_no_notice_that_is_not_delivered_yet(shop: Shop, store: Store) -> None:
    shop.say("/humano", BEA, person="Bea")
    shop.mailbox.accept([Message("x", ANA, "canario-4711", sender="1", order="humano")])
    shop.world.answerer.answer(ANA)
    assert "canario-4711" in str(everything(store))
    erase.erase(store, Person.parse(ANA))

    assert "canario-4711" not in str(everything(store))
    assert [one.conversation for one in Handovers(store, shop.world.settings).all()] == [BEA]


def test_a_person_may_see_that_they_were_handed_over(shop: Shop, store: Store) -> None:
    shop.say("/humano")
    assert references(shop.notices)[0] in str(export(store, Person.parse(ANA))["handovers"])


def test_a_person_does_not_see_who_reads_of_them(shop: Shop, store: Store) -> None:
    """The owner's chat is the owner's: neither a hand-over, nor words on their way, nor their fate tell of it."""
    shop.say("/humano")
    shop.answer("Ahora mismo")
    assert BOSS not in str(export(store, Person.parse(ANA)))

    shop.mailbox.accept([Message("late", BOSS, "¿Sigues ahí?", quoted=shop.notices[0])])
    shop.world.answerer.answer(BOSS)
    document = export(store, Person.parse(ANA))

    assert "¿Sigues ahí?" in str(document["conversations"][0]["waiting"])
    assert BOSS not in str(document)


def test_the_owner_of_another_number_is_one_too_and_speaks_for_that_number_alone(store: Store, tmp_path: Path) -> None:
    file, hers = tmp_path / "numbers.toml", "fake:7:98"
    file.write_text(f'[numbers.222]\ntoken = "b"\nowner_chat = "{hers}"\n', encoding="utf-8")
    first = {"whatsapp_token": SecretStr("a"), "whatsapp_phone_number_id": "111"}
    shop = Shop(store, whatsapp_numbers_file=file, **first)
    shop.say("/humano")

    assert shop.say("te lo regalo", hers, quoted=shop.notices[0]) == ["re: te lo regalo"]
    assert "el aviso AAAA" in shop.say("hola", hers, quoted="Ref. AAAA · Ana")[0]
    assert "Esa persona eres tú" in shop.say("/humano", hers)[0]
    assert len(shop.told()) == 1


def test_whoever_has_the_owners_old_number_now_reads_nothing_and_is_nobody(store: Store) -> None:
    """What is for the owner goes to the owner, whose conversation keeps its name."""
    old = "whatsapp:7:34600000001"
    shop = Shop(store, owner_chat=old)
    shop.mailbox.accept([Message("1", old, "hola")])
    shop.mailbox.alias(old, "whatsapp:7:34600000002", freed=True, at=1.0, told="move")
    shop.mailbox.accept([Message("2", old, "hola")])
    stranger = alias.first(store, old)
    shop.say("/humano")

    assert stranger.startswith(f"{old}~")
    assert store.client.llen(key(old, "out")) == 1
    assert store.client.llen(key(stranger, "out")) == 0
    assert not shop.world.thinker._people.is_boss(stranger)
    assert shop.world.thinker._people.is_boss(old)


def test_no_two_customers_have_one_reference(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where two workers make one up at the same moment: the second turn is thought anew."""
    shop.say("/humano")
    taken = references(shop.notices)[0]
    made = iter([taken, "ZZZZ"])
    monkeypatch.setattr(Handovers, "unused", lambda _: next(made))
    shop.say("/humano", BEA)

    assert references(shop.notices) == [taken, "ZZZZ"]
    assert len(shop.told(BEA)) == 1


def test_a_worker_may_die_at_any_step_of_passing_an_answer_on(store: Store) -> None:
    """The owner's words reach the customer once, whoever goes on."""
    for at in range(1, 60):
        store.client.flushdb()
        channel, steps = EditingChannel(), Steps(store)
        unlucky, heir = (World(way, channel=channel, owner_chat=BOSS, default_language="es") for way in (steps, store))
        heir.answer("/humano")
        heir.answerer.answer(BOSS)
        heir.mailbox.accept([Message("r", BOSS, "Voy yo ahora mismo", quoted=channel.spoken[-1], sender="99")])
        steps.at, steps.fate = at, steps.die
        for world in (unlucky, heir, heir):
            _both(world)
            for conversation in (BOSS, ANA) if steps.dead else ():
                store.client.delete(key(conversation, "lease"))
            store.client.hdel(key(ANA, "state"), "speak_at")

        assert channel.shown.count("Voy yo ahora mismo") == 1, at
        if not steps.dead:
            return
    raise AssertionError("it takes too many steps")


def _both(world: World) -> None:
    with suppress(Killed):
        for conversation in (BOSS, ANA, BOSS):
            world.answerer.answer(conversation)
