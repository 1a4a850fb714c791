"""The ledger knows what people and the business decide: who opted out, what was taken back, who answered by hand."""

from __future__ import annotations

import pytest

from bot.stores.connection import Store, key
from simulator.ledger import Ledger
from simulator.ledger.store import read_redis
from simulator.whatsapp import WhatsAppServer
from tests.unit.ledgers import ONE, OTHER, THREE, TWO

ANA = "whatsapp:34600"
NUMBER = "106540352242922"
SECOND = "106540352242923"


def told(*turns: tuple[str, float, float], answers: tuple[str, ...] = (), chat: str = ANA) -> Ledger:
    """What somebody said, first tried and accepted at such times, and what they were answered."""
    ledger = Ledger()
    for text, tried, taken in turns:
        ledger.said(chat, text, time=tried, tried=tried, taken=taken)
    for place, mark in enumerate(answers):
        ledger.delivered(chat, f"b{place}", f"re: {mark}", time=90)
    return ledger


@pytest.mark.parametrize("word", ["BAJA", " stop ", "/baja"])
def test_what_is_said_after_opting_out_must_not_be_answered(word: str) -> None:
    said = ((ONE, 1, 2), (word, 3, 4), (TWO, 5, 6))
    report = told(*said, answers=(ONE, TWO)).check()
    assert report.forbidden == [f"{TWO} is answered after opting out"]
    assert report.broken == ("forbidden",)

    ledger = told(*said, answers=(ONE,))
    ledger.explain(ANA, TWO, "opted out")
    assert ledger.check().ok


def test_whoever_came_back_is_answered_again() -> None:
    assert told(("BAJA", 1, 2), ("ALTA", 3, 4), (ONE, 5, 6), answers=(ONE,)).check().ok


def test_what_crossed_the_order_may_be_answered() -> None:
    """On its way at the same time as STOP, or as ALTA: nobody knows which came first."""
    assert told(("BAJA", 1, 4), (ONE, 3, 6), answers=(ONE,)).check().ok
    assert told(("BAJA", 1, 2), ("ALTA", 3, 7), (ONE, 5, 6), answers=(ONE,)).check().ok


@pytest.mark.parametrize("text", ["stop it", "no me des de baja"])
def test_a_word_within_a_sentence_is_no_order(text: str) -> None:
    assert told((text, 1, 2), (ONE, 3, 4), answers=(ONE,)).check().ok


def test_on_telegram_only_a_command_opts_out() -> None:
    assert told(("STOP", 1, 2), (ONE, 3, 4), answers=(ONE,), chat="telegram:555").check().ok
    assert told(("/baja", 1, 2), (ONE, 3, 4), answers=(ONE,), chat="telegram:555").check().forbidden


def test_what_the_business_said_itself_must_be_in_the_history() -> None:
    def kept(*turns: tuple[str, str]) -> str:
        ledger = told((ONE, 1, 2), answers=(ONE,))
        ledger.ours(ANA, TWO)
        ledger.history(ANA, [("user", ONE), ("assistant", f"re: {ONE}"), *turns])  # type: ignore[list-item]
        report = ledger.check()
        assert not report.leaked
        return "".join(report.unequal)

    assert kept(("assistant", TWO)) == ""
    assert kept() == f"{ANA}: {TWO} missing in the answers"
    assert kept(("assistant", TWO), ("assistant", TWO)) == f"{ANA}: {TWO} twice in the answers"


def test_what_was_not_told_of_need_not_be_there() -> None:
    ledger = told((ONE, 1, 2), answers=(ONE,))
    ledger.ours(ANA, TWO, accepted=False)
    ledger.history(ANA, [("user", ONE), ("assistant", f"re: {ONE}")])
    assert ledger.check().ok


def test_what_was_taken_back_need_not_be_answered_and_leaves_the_history() -> None:
    ledger = told((ONE, 1, 2), (TWO, 3, 4), answers=(ONE,))
    ledger.revoked(ANA, f"{ONE} {TWO}")
    ledger.history(ANA, [("user", "…"), ("assistant", f"re: {ONE}")])
    report = ledger.check()
    assert (report.ok, report.answered, report.explained) == (True, 1, {"revoked": [TWO]})

    ledger.history(ANA, [("user", ONE)])
    assert ledger.check().unequal == [f"{ANA}: {ONE} too much in what was said"]


def test_the_platforms_own_records_of_all_this_are_read() -> None:
    server = WhatsAppServer("bearer", NUMBER, "s" * 32, "verify-me")
    body = server.say("34600", ONE)
    server.echo("34600", TWO)
    server.revoke("34600", body["entry"][0]["changes"][0]["value"]["messages"][0]["id"])
    server.forbidden.append("whatsapp: to 34600 from a number on hold (190)")
    for one in (*server.said, *server.echoed, *server.revoked.values()):
        one.tried = one.accepted = one.time
    ledger = Ledger()
    ledger.read(server)
    ledger.history(ANA, [("assistant", TWO)])
    server.close()

    report = ledger.check()
    assert (report.explained, report.unequal) == ({"revoked": [ONE]}, [])
    assert report.forbidden == server.forbidden


def test_a_further_numbers_chats_and_those_of_strangers_bear_the_platforms_names(store: Store) -> None:
    first, later = (f"whatsapp:{NUMBER}:34600~{at}" for at in (1_700_000_000_000, 1_800_000_000_000))
    store.client.hset("recado:alias", mapping={f"whatsapp:{NUMBER}:34600": later, f"whatsapp:{NUMBER}:34611": first})
    for conversation, mark in (
        (f"whatsapp:{NUMBER}:34600", ONE), (first, TWO), (later, THREE), (f"whatsapp:{SECOND}:34600", OTHER),
    ):  # fmt: skip
        turn = '{"r":"user","t":"%s","h":"quota"}' % mark  # noqa: UP031 - braces
        store.client.rpush(key(conversation, "history"), turn)
    ledger = Ledger()
    ledger.further = frozenset({SECOND})
    for chat, mark in ((ANA, ONE), (f"{ANA}~1", TWO), (f"{ANA}~2", THREE), (f"whatsapp:{SECOND}/34600", OTHER)):
        ledger.said(chat, mark)
    read_redis(store.client, ledger)

    report = ledger.check()
    assert report.ok, report
    assert len(report.explained["quota"]) == 4


def test_a_conversation_may_bear_its_persons_user_id(store: Store) -> None:
    """As that of whoever turns up with a number that the product knows as somebody else's."""
    server = WhatsAppServer("bearer", NUMBER, "s" * 32, "verify-me")
    server.contacts.meet("34600")
    stranger = server.contacts.meet("34600", "ES.1")
    server.say(stranger.chat, ONE)
    server.said[0].tried = server.said[0].accepted = server.said[0].time
    ledger = Ledger()
    ledger.read(server)
    server.close()
    store.client.rpush(key(f"whatsapp:{NUMBER}:ES.1", "history"), '{"r":"user","t":"%s","h":"quota"}' % ONE)  # noqa: UP031
    read_redis(store.client, ledger)

    assert ledger.check().ok
    assert ledger.check().explained == {"quota": [ONE]}


def test_an_answer_that_waits_for_its_person_is_parked_and_neither_lost_nor_open(store: Store) -> None:
    conversation = f"whatsapp:{NUMBER}:34600"
    store.client.rpush(key(conversation, "out"), f'1|1|[["re: {ONE}\\nand more",[],{{}}]]')
    store.client.zadd("recado:due", {conversation: 1})

    def judged() -> tuple[bool, dict[str, list[str]], list[str]]:
        ledger = Ledger()
        ledger.said(ANA, ONE)
        turns = [("user", ONE), ("assistant", f"re: {ONE}")]
        ledger.history(ANA, turns)  # type: ignore[arg-type]
        read_redis(store.client, ledger)
        report = ledger.check()
        return report.ok, report.explained, report.unfinished

    assert judged() == (True, {}, [ONE])
    store.client.hset(key(conversation, "state"), "parked", "1")
    assert judged() == (True, {"parked": [ONE]}, [])
