"""People write in numbers, and the ledger reads what the platforms saw of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import monotonic

import httpx
import pytest
from werkzeug.wrappers import Request, Response

from bot.message import Message
from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from simulator.ledger import Ledger
from simulator.ledger.store import read_redis
from simulator.people import People
from simulator.platforms import Platform
from simulator.server import Server
from simulator.telegram import TelegramServer
from simulator.weather import Windows
from simulator.whatsapp import WhatsAppServer
from tests.unit.ledgers import ONE, TWO


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


def all_taken(platform: Platform) -> bool:
    return platform.wait_until(lambda: all(said.accepted for said in platform.said))


def speak(telegram: TelegramServer, text: str, chat: int = 555, **more: object) -> str:
    """Call the Bot API; the id of the bubble, empty when it was refused."""
    method = "editMessageText" if "message_id" in more else "sendMessage"
    answer = httpx.post(f"{telegram.url}/bot7:t/{method}", json={"chat_id": chat, "text": text, **more}).json()
    return str(answer["result"]["message_id"]) if answer["ok"] else ""


def judged(telegram: TelegramServer) -> Ledger:
    ledger = Ledger()
    ledger.read(telegram)
    return ledger


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
        assert all_taken(platform)
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
        assert all_taken(platform)
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


@pytest.fixture
def telegram(platforms: tuple[TelegramServer, WhatsAppServer]) -> TelegramServer:
    """A chat in which one message was said and taken."""
    platforms[0].say(555, ONE)
    assert all_taken(platforms[0])
    return platforms[0]


def test_answers_in_another_order_than_that_of_acceptance_are_read_too(telegram: TelegramServer) -> None:
    telegram.say(555, TWO)
    assert all_taken(telegram)
    for mark in (TWO, ONE):
        speak(telegram, f"re: {mark}")

    report = judged(telegram).check()
    assert (report.reordered, report.answered) == ([ONE], 2)


def test_calls_within_a_pause_and_beyond_the_limits_are_read_too(telegram: TelegramServer) -> None:
    telegram.limits = Windows(chat=(1, 60))
    speak(telegram, "slow today")
    assert speak(telegram, f"re: {ONE}")
    assert len(judged(telegram).check().over) == 1
    telegram.fail_next("sendMessage", 429)
    for _ in range(2):
        assert speak(telegram, "again") == ""

    report = judged(telegram).check()
    assert report.early == ["telegram:555: sendMessage again"]
    assert report.broken == ("early", "over")


def test_an_answer_given_again_because_the_person_deleted_its_bubble_is_one_answer(telegram: TelegramServer) -> None:
    first = speak(telegram, f"re: {ONE}")
    telegram.remove(555, first)
    assert judged(telegram).check().answered == 1
    again = speak(telegram, "re: …")
    assert speak(telegram, f"re: {ONE}", message_id=again) == again

    report = judged(telegram).check()
    assert report.ok
    assert (report.answered, report.stray) == (1, [])


def test_a_trace_has_the_calls_that_were_refused(telegram: TelegramServer) -> None:
    telegram.fail_next("sendMessage", 500)
    for _ in range(2):
        speak(telegram, f"re: {ONE}")
    trace = judged(telegram).trace(ONE)
    assert [word for word in trace.split() if word in {"said", "webhook", "accepted", "refused:", "taken:"}] == [
        "said", "webhook", "accepted", "refused:", "taken:",
    ]  # fmt: skip


def test_a_group_that_moved_is_one_chat(platforms: tuple[TelegramServer, WhatsAppServer]) -> None:
    """What was said under its old id may be answered under its new one, and only once under both."""
    telegram, _ = platforms
    telegram.say(-55, ONE)
    new = telegram.migrate(-55)
    telegram.say(new, TWO)
    assert all_taken(telegram)
    speak(telegram, f"re: {ONE}", new)
    speak(telegram, f"re: {TWO}", new)
    assert judged(telegram).check().ok

    speak(telegram, f"re: {ONE}", new)
    assert judged(telegram).check().duplicated == [ONE]


def test_what_waits_in_a_moved_group_waits_under_its_first_name(store: Store, mailbox: Mailbox) -> None:
    """In its topics too, whose conversations bear the new id."""
    mailbox.alias("telegram:7:-55", "telegram:7:-10055")
    mailbox.accept([Message("1", "telegram:7:-10055:12", TWO)])
    ledger = Ledger()
    ledger.said("telegram:-55", TWO)
    read_redis(store.client, ledger)

    assert ledger.check().unfinished == [TWO]
