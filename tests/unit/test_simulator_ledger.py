"""The ledger catches every kind of broken promise, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import monotonic

import httpx
import pytest
from werkzeug.wrappers import Request, Response

from simulator.ledger import Ledger, Report
from simulator.people import People
from simulator.server import Server
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

ONE, TWO, THREE = "c1 n1 0000000a", "c1 n2 0000000b", "c1 n3 c1234567"
OTHER = "c2 n1 0000000d"


def judge(*shown: tuple[str, str, str], waiting: tuple[str, ...] = ()) -> Report:
    """Ana said one, two and three, Bob another; what was shown then is (chat, bubble, text)."""
    ledger = Ledger()
    for text in (ONE, TWO, THREE):
        ledger.said("ana", text)
    ledger.said("bob", OTHER)
    for chat, bubble, text in shown:
        ledger.delivered(chat, bubble, text)
    return ledger.check(waiting)


GOOD = (("ana", "10", f"re: {ONE}"), ("ana", "11", f"re: {TWO}\n{THREE}"), ("bob", "12", f"re: {OTHER}"))


def broken(report: Report) -> set[str]:
    parts = ("lost", "duplicated", "reordered", "leaked", "unfinished", "stray")
    return {part for part in parts if getattr(report, part)}


def test_a_good_history_breaks_nothing() -> None:
    report = judge(*GOOD)
    assert report.ok
    assert broken(report) == set()
    assert (report.accepted, report.answered) == (4, 4)


def test_previews_that_grow_into_the_answer_are_one_answer() -> None:
    report = judge(("ana", "10", "…"), ("ana", "10", "re: c1 n1"), *GOOD)
    assert report.ok
    assert broken(report) == set()


def test_notices_are_not_judged() -> None:
    assert broken(judge(("ana", "9", "El asistente tarda un poco; tu mensaje está guardado."), *GOOD)) == set()


def test_a_lost_message_is_caught() -> None:
    report = judge(GOOD[0], GOOD[2])
    assert report.lost == [TWO, THREE]
    assert not report.ok


@pytest.mark.parametrize("again", [("ana", "19", f"re: {ONE}"), ("ana", "10", f"re: {ONE}\n{ONE}")])
def test_a_second_answer_is_caught(again: tuple[str, str, str]) -> None:
    report = judge(*GOOD, again)
    assert report.duplicated == [ONE]
    assert not report.ok


def test_answers_in_the_wrong_order_are_caught() -> None:
    report = judge(("ana", "10", f"re: {TWO}\n{THREE}"), ("ana", "11", f"re: {ONE}"), GOOD[2])
    assert report.reordered == [ONE]
    assert not report.ok


def test_the_wrong_order_within_one_answer_is_caught() -> None:
    assert judge(("ana", "10", f"re: {TWO}\n{ONE}\n{THREE}"), GOOD[2]).reordered == [ONE]


def test_anothers_words_are_caught_even_in_a_preview_that_was_edited_away() -> None:
    report = judge(("bob", "12", f"re: {ONE}"), *GOOD)
    assert report.leaked == [ONE]
    assert not report.ok


def test_words_that_nobody_said_are_caught() -> None:
    assert judge(*GOOD, ("bob", "13", "re: c9 n9 99999999")).leaked == ["c9 n9 99999999"]


@pytest.mark.parametrize("begun", ["…", "re:", "re: c1 n2", "re: c1 n2 0000", "Soy un asistente.\n\nre: c1…"])
def test_an_answer_that_was_begun_is_unfinished_not_lost(begun: str) -> None:
    report = judge(GOOD[0], ("ana", "11", begun), GOOD[2])
    assert report.unfinished == [TWO, THREE]
    assert report.ok
    assert broken(report) == {"unfinished"}


def test_what_the_product_still_holds_is_unfinished_not_lost() -> None:
    report = judge(GOOD[0], waiting=("ana", "bob"))
    assert report.unfinished == [TWO, THREE, OTHER]
    assert report.lost == []


def test_a_message_that_was_skipped_is_lost_though_the_chat_goes_on() -> None:
    report = judge(GOOD[0], ("ana", "11", f"re: {THREE}"), GOOD[2], waiting=("ana",))
    assert report.lost == [TWO]


def test_a_bubble_left_half_beside_a_whole_answer_is_stray() -> None:
    report = judge(("ana", "9", "re: c1 n1"), *GOOD)
    assert report.stray == ["re: c1 n1"]
    assert report.ok


def test_a_message_that_was_not_accepted_may_be_answered_or_not() -> None:
    ledger = Ledger()
    ledger.said("ana", ONE, accepted=False)
    assert ledger.check().ok
    ledger.delivered("ana", "10", f"re: {ONE}")

    report = ledger.check()
    assert (report.ok, report.accepted, report.answered) == (True, 0, 0)


def test_the_report_prints_as_a_table() -> None:
    text = str(judge(GOOD[0], GOOD[2]))
    assert "lost" in text
    assert TWO in text
    assert "4" in text


class Hook(Server):
    def respond(self, request: Request) -> Response:
        return Response("ok")


@pytest.fixture
def platforms() -> Iterator[tuple[TelegramServer, WhatsAppServer]]:
    with (
        Hook() as hook,
        TelegramServer("7:t", hook.url) as telegram,
        WhatsAppServer("t", "1", "s", "v", hook.url) as whatsapp,
    ):
        yield telegram, whatsapp


def test_people_write_numbered_messages_at_the_given_rate(
    platforms: tuple[TelegramServer, WhatsAppServer],
) -> None:
    telegram, whatsapp = platforms
    ana, luis = People(telegram, 2, rate=50), People(whatsapp, 2, rate=50, first=2)
    start = monotonic()
    assert ana.write(10) == 10
    assert monotonic() - start >= 9 / 50  # however late the first was, the last is written no sooner
    assert luis.write(10) == 10

    for platform in platforms:
        assert platform.wait_until(lambda p=platform: all(said.accepted for said in p.said))
    assert len({said.text for said in telegram.said + whatsapp.said}) == 20
    assert sum(person.written for person in ana.persons) == 10


def test_people_stop_when_told_to(platforms: tuple[TelegramServer, WhatsAppServer]) -> None:
    stop = threading.Event()
    stop.set()
    assert People(platforms[0], 1, rate=1).write(100, stop) == 0


def test_the_ledger_reads_the_platforms_logs(platforms: tuple[TelegramServer, WhatsAppServer]) -> None:
    telegram, whatsapp = platforms
    People(telegram, 2, rate=100).everybody(2)
    People(whatsapp, 1, rate=100, first=2).everybody(1)
    for platform in platforms:
        assert platform.wait_until(lambda p=platform: all(said.accepted for said in p.said))
    for said in telegram.said[:-1]:
        params = {"chat_id": int(said.chat_id), "text": f"re: {said.text}"}
        httpx.post(f"{telegram.url}/bot7:t/sendMessage", json=params)
    body = {
        "messaging_product": "whatsapp",
        "to": whatsapp.said[0].chat_id,
        "text": {"body": f"re: {whatsapp.said[0].text}"},
    }
    httpx.post(f"{whatsapp.url}/1/messages", json=body, headers={"Authorization": "Bearer t"})
    ledger = Ledger()
    for platform in platforms:
        ledger.read(platform)

    report = ledger.check()
    assert (report.accepted, report.answered, report.lost) == (5, 4, [telegram.said[-1].text])
    assert ledger.check(waiting=[f"telegram:{telegram.said[-1].chat_id}"]).ok
