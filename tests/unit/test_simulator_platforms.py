"""What both platforms promise to whoever calls them: calls on record, chats as people see them, faults as told."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from simulator.platforms import Platform
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

TOKEN = "7123:AAE-test-token"
NUMBER = "106540352242922"


@pytest.fixture(params=["telegram", "whatsapp"])
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    found: Platform = (
        TelegramServer(TOKEN)
        if request.param == "telegram"
        else WhatsAppServer("bearer", NUMBER, "secret", "verify-me")
    )
    with found:
        yield found


def write(platform: Platform, chat: int, text: str) -> None:
    if isinstance(platform, TelegramServer):
        platform.say(chat, text)
    elif isinstance(platform, WhatsAppServer):
        platform.say(str(chat), text)


def send(platform: Platform, chat: int, text: str) -> httpx.Response:
    if isinstance(platform, TelegramServer):
        return httpx.post(f"{platform.url}/bot{TOKEN}/sendMessage", json={"chat_id": chat, "text": text})
    body = {"messaging_product": "whatsapp", "to": str(chat), "type": "text", "text": {"body": text}}
    return httpx.post(f"{platform.url}/{NUMBER}/messages", json=body, headers={"Authorization": "Bearer bearer"})


def method_of(platform: Platform) -> str:
    return "sendMessage" if isinstance(platform, TelegramServer) else "messages"


def test_a_call_is_recorded_and_seen_by_its_person_alone(platform: Platform) -> None:
    write(platform, 555, "hola")
    assert send(platform, 555, "buenas").status_code == 200

    assert [(bubble.who, bubble.text) for bubble in platform.chat(555)] == [("person", "hola"), ("assistant", "buenas")]
    assert platform.chat(556) == []
    (call,) = platform.calls
    assert (call.method, call.chat_id, call.taken) == (method_of(platform), "555", True)
    assert call.bubble == platform.answers(555)[0].id
    assert platform.answers(555, since=platform.said[0].id)[0].text == "buenas"


def test_a_call_told_to_fail_is_answered_with_the_platforms_words_and_not_shown(platform: Platform) -> None:
    platform.fail_next(method_of(platform), 429, headers={"Retry-After": "3"})
    answer = send(platform, 555, "hola")

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3"
    if platform.name == "telegram":
        assert answer.json()["parameters"] == {"retry_after": 1}
    else:
        assert answer.json()["error"]["code"] == 130429
    assert platform.chat(555) == []
    assert [call.taken for call in platform.calls] == [False]
    assert send(platform, 555, "hola").status_code == 200


def test_a_fault_after_the_call_takes_it_and_loses_the_answer(platform: Platform) -> None:
    platform.fail_next(method_of(platform), 500, after=True)

    with pytest.raises(httpx.RemoteProtocolError):
        send(platform, 555, "hola")
    assert [bubble.text for bubble in platform.answers(555)] == ["hola"]
    assert [call.taken for call in platform.calls] == [True]


def test_a_fault_with_status_0_cuts_the_connection_and_takes_nothing(platform: Platform) -> None:
    platform.fail_next(method_of(platform), 0)

    with pytest.raises(httpx.RemoteProtocolError):
        send(platform, 555, "hola")
    assert platform.chat(555) == []


def test_latency_delays_the_answer_but_not_the_record(platform: Platform) -> None:
    platform.latency = 2.0
    path = f"bot{TOKEN}/getMe" if platform.name == "telegram" else NUMBER

    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{platform.url}/{path}", timeout=0.3)
    assert len(platform.calls) == 1
