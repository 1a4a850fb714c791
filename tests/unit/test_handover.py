"""People first: who wants a person gets one, and nobody talks over them."""

from __future__ import annotations

import logging

import pytest

from bot.channels._text import LIMIT
from bot.errors import Rejected
from bot.message import Message
from bot.stores.connection import Store, key
from bot.stores.handovers import HANDED_OVER, Handovers
from tests.unit.bosses import BOSS, Shop, references
from tests.unit.mailboxes import ANA, BEA, now_ms
from tests.unit.talks import remembered

HOUR = 3_600_000


@pytest.fixture
def shop(store: Store) -> Shop:
    return Shop(store)


def prompt(shop: Shop) -> list[tuple[str, str]]:
    """What the model was shown last, without who it is."""
    return [(turn.role, turn.text) for turn in shop.world.backend.prompts[-1].turns[1:]]


@pytest.mark.parametrize(("words", "order"), [("/humano", ""), ("/human", ""), ("quiero una persona", "humano")])
def test_who_wants_a_person_is_told_that_one_comes(shop: Shop, words: str, order: str) -> None:
    """And how to go on with the assistant, which is silent from then on, for a while."""
    (told,) = shop.say(words, order=order)

    assert "una persona del negocio" in told
    assert "/seguir" in told
    assert shop.state("paused") == HANDED_OVER
    left = float(shop.state("paused_until")) - now_ms(shop.store)
    assert 11.9 * HOUR < left <= 12 * HOUR
    assert shop.say("¿hola?") == []
    assert shop.world.backend.prompts == []


def test_the_owner_reads_who_it_is_and_what_was_said(shop: Shop) -> None:
    shop.say("¿tenéis pan de centeno?")
    shop.say("/humano")

    (notice,) = shop.told(BOSS)
    assert references([notice])
    for words in ("Ana", "Quiere hablar con una persona", "¿tenéis pan de centeno?", "re: ¿tenéis", "/seguir"):
        assert words in notice


def test_a_notice_is_short_however_long_the_talk_was(shop: Shop) -> None:
    """Its first words are ours, whatever people call themselves: else they could pass for another reference."""
    for _ in range(6):
        shop.say("palabras " * 100, person="Ref. AAAA · Bea")
    shop.say("/humano", person="Ref. AAAA · Bea")

    (notice,) = shop.notices
    assert len(notice) < 1000
    assert "AAAA" not in references([notice])


def test_what_is_said_meanwhile_is_passed_on_and_remembered(shop: Shop, store: Store) -> None:
    """Each burst is a notice with the same reference, so that nobody is forgotten and all stands together."""
    shop.say("/humano")
    shop.say("es por un encargo")
    shop.say("para mañana")

    assert [("es por un encargo" in text, "para mañana" in text) for text in shop.notices[1:]] == [
        (True, False),
        (False, True),
    ]
    assert len(set(references(shop.notices))) == 1
    assert [heard for _, _, heard in remembered(store)] == [HANDED_OVER] * 2


def test_however_much_somebody_writes_the_owner_can_read_it_and_answer(shop: Shop) -> None:
    """A platform refuses longer bubbles; and what a customer writes never begins one, for it might look like a notice
    of another customer."""
    shop.say("/humano")
    words = "\n".join(f"Ref. ZZZZ · {number} 😀 {'palabra ' * 40}" for number in range(40))
    shop.say(words)
    shop.work(BOSS)
    shop.work(BOSS)
    notices = shop.notices[1:]

    assert len(notices) > 2
    assert all(len(text.encode("utf-16-le")) // 2 <= LIMIT for text in shop.told(BOSS))
    assert references(notices) == [*references(shop.notices)[:1] * len(notices)]
    assert all(f"· {number} 😀" in "".join(notices) for number in (0, 39))


def test_a_name_cannot_turn_the_line_around_in_which_it_stands(shop: Shop) -> None:
    shop.say("/humano", person="Ana \u202e\u2066 \u200fRef. ZZZZ")

    assert not set("\u202e\u2066\u200f") & set(shop.notices[0])


def test_who_writes_very_much_is_passed_on_only_so_often(shop: Shop) -> None:
    shop.say("/humano")
    for number in range(33):
        shop.say(f"¿hola {number}?")

    assert len(shop.notices) == 31
    assert "durante esta hora" in shop.notices[-1]


def test_the_owners_answer_reaches_that_customer(shop: Shop, store: Store) -> None:
    """As it was written, once, and not the customer beside them; the owner reads nothing of it."""
    shop.say("/humano")
    shop.say("/humano", BEA, person="Bea")
    first, second = shop.notices

    assert shop.answer("Sí, *mañana* a las 9", to=first) == []
    assert shop.told()[1:] == ["Sí, *mañana* a las 9"]
    assert len(shop.told(BEA)) == 1
    shop.work(ANA, BEA, BOSS)
    assert shop.told()[1:] == ["Sí, *mañana* a las 9"]
    assert references([first]) != references([second])
    assert remembered(store) == [("assistant", "Sí, *mañana* a las 9", "")]


def test_the_owners_answers_keep_their_order(shop: Shop) -> None:
    shop.say("/humano")
    for text in ("uno", "dos", "tres"):
        shop.mailbox.accept([Message(text, BOSS, text, quoted=shop.notices[0], sender="99")])
    shop.work(BOSS, ANA)

    assert shop.told()[1:] == ["uno", "dos", "tres"]


def test_each_answer_prolongs_the_silence(shop: Shop, store: Store) -> None:
    shop.say("/humano")
    before = float(shop.state("paused_until"))
    store.client.hset(key(ANA, "state"), "paused_until", str(int(before) - HOUR))
    shop.answer("Voy")

    assert float(shop.state("paused_until")) >= before
    assert shop.say("gracias") == []


def test_the_assistant_knows_what_was_said_when_it_goes_on(shop: Shop) -> None:
    """Both what the customer said meanwhile and the owner's own words, as the assistant's."""
    shop.say("/humano")
    shop.say("¿hay tarta?")
    shop.answer("Sí, de limón, a 24 €")
    shop.say("/seguir")
    shop.say("¿y cuánto cuesta?")

    assert prompt(shop) == [
        ("user", "¿hay tarta?"), ("assistant", "Sí, de limón, a 24 €"), ("user", "¿y cuánto cuesta?"),
    ]  # fmt: skip


@pytest.mark.parametrize("words", ["/resume", "/seguir"])
def test_the_customer_brings_the_assistant_back(shop: Shop, words: str) -> None:
    """And the owner is told that they need not answer any more."""
    shop.say("/humano")
    (told,) = shop.say(words)

    assert "vuelve a responderte" in told
    assert "Prefiere seguir con el asistente" in shop.notices[-1]
    assert shop.say("¿abrís hoy?") == ["re: ¿abrís hoy?"]


def test_the_owner_brings_the_assistant_back(shop: Shop) -> None:
    shop.say("/humano")

    assert shop.answer("/seguir") == ["Hecho: a Ana le vuelve a responder el asistente."]
    assert shop.say("¿abrís hoy?") == ["re: ¿abrís hoy?"]
    assert shop.answer("/resume", to=shop.notices[0]) == ["A Ana ya le responde el asistente."]


def test_it_comes_back_by_itself(shop: Shop, store: Store) -> None:
    """After HANDOVER_HOURS; an old notice can still be answered, and silences it anew."""
    shop.say("/humano")
    store.client.hset(key(ANA, "state"), "paused_until", str(now_ms(store) - 1))

    assert shop.say("¿abrís hoy?") == ["re: ¿abrís hoy?"]
    shop.answer("Perdona, ya estoy", to=shop.notices[0])
    assert shop.say("gracias") == []


def test_nobody_talks_over_the_owner(shop: Shop) -> None:
    """What the model is thinking when the owner answers is not said; the customer's words are kept for both."""
    shop.say("/humano")
    notice = shop.notices[0]
    shop.say("/seguir")
    meanwhile = Message("late", BOSS, "Soy Eva, te ayudo yo", quoted=notice, sender="99")

    def answered() -> None:
        shop.world.backend.during = lambda: None
        shop.mailbox.accept([meanwhile])
        shop.world.worker().answer(BOSS)

    shop.world.backend.during = answered  # type: ignore[assignment]
    assert shop.say("¿hay tarta?") == ["Soy Eva, te ayudo yo"]
    assert "¿hay tarta?" in shop.notices[-1]


@pytest.mark.parametrize("trouble", ["rejected", "dead"])
def test_a_turn_that_fails_hands_over(shop: Shop, trouble: str) -> None:
    """With an apology and a notice of what was asked, instead of an answer that will never come."""
    error = Rejected("too long") if trouble == "rejected" else RuntimeError("broken")
    shop.world.backend.answers = [error] * 3
    shop.say("¿tenéis tarta?")
    for _ in range(3):
        shop.world.think_again()
    shop.work(BOSS)

    assert "Perdón, no he podido responder" in shop.told()[-1]
    assert "He avisado a una persona" in shop.told()[-1]
    assert "¿tenéis tarta?" in shop.notices[-1]
    assert "no ha podido responder" in shop.notices[-1]
    assert shop.state("paused") == HANDED_OVER


def test_without_an_owners_chat_a_failure_is_an_apology(store: Store) -> None:
    """Nobody would come."""
    shop = Shop(store, owner_chat="")
    shop.world.backend.answers = [Rejected("too long")]

    (told,) = shop.say("¿tenéis tarta?")
    assert "escribe más tarde" in told
    assert shop.state("paused") == ""


def test_without_an_owners_chat_a_person_is_promised_who_reads(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """The assistant is silent all the same; the log and the command line know of it, without a word of theirs."""
    shop = Shop(store, owner_chat="")
    with caplog.at_level(logging.WARNING):
        (told,) = shop.say("/humano")

    assert "en cuanto lo lea" in told
    assert "He avisado" not in told
    assert "OWNER_CHAT" in caplog.text
    assert "Ana" not in caplog.text
    assert shop.say("¿hola?") == []
    assert [row.handover.conversation for row in Handovers(store, shop.world.settings).paused()] == [ANA]
