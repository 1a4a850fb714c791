"""What both platforms promise to whoever calls them: calls on record, chats as people see them, faults as told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from time import sleep
from typing import Any

import httpx
import pytest

from simulator.platforms import Platform
from simulator.server import Cut
from simulator.telegram import TelegramServer
from simulator.weather import Weather, Windows
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


def send(platform: Platform, chat: int, text: str, timeout: float = 20) -> httpx.Response:
    if isinstance(platform, TelegramServer):
        body: dict[str, Any] = {"chat_id": chat, "text": text}
        return httpx.post(f"{platform.url}/bot{TOKEN}/sendMessage", json=body, timeout=timeout, verify=False)
    body = {"messaging_product": "whatsapp", "to": str(chat), "type": "text", "text": {"body": text}}
    headers = {"Authorization": "Bearer bearer"}
    return httpx.post(f"{platform.url}/{NUMBER}/messages", json=body, headers=headers, timeout=timeout, verify=False)


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
    platform.fail_next(method_of(platform), 500, headers={"X-Seen": "3"})
    answer = send(platform, 555, "hola")

    assert answer.status_code == 500
    assert answer.headers["X-Seen"] == "3"
    if platform.name == "telegram":
        assert answer.json()["description"] == "Internal Server Error"
    else:
        assert answer.json()["error"]["code"] == 131000
    assert platform.chat(555) == []
    assert [(call.taken, call.status) for call in platform.calls] == [(False, 500)]
    assert send(platform, 555, "hola").status_code == 200


def test_a_fault_after_the_call_takes_it_and_loses_the_answer(platform: Platform) -> None:
    platform.fail_next(method_of(platform), 500, after=True)

    with pytest.raises(httpx.RemoteProtocolError):
        send(platform, 555, "hola")
    assert [bubble.text for bubble in platform.answers(555)] == ["hola"]
    assert [(call.taken, call.status) for call in platform.calls] == [(True, 0)]


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


def test_a_slow_call_is_taken_long_before_its_answer(platform: Platform) -> None:
    platform.slow_next(method_of(platform), 60)

    with pytest.raises(httpx.ReadTimeout):
        send(platform, 555, "hola", timeout=0.3)
    assert [bubble.text for bubble in platform.answers(555)] == ["hola"]
    assert send(platform, 555, "otra vez").status_code == 200


def test_hooks_see_a_call_just_before_it_is_taken_and_just_before_it_is_answered(platform: Platform) -> None:
    seen: list[tuple[str, str, str, int]] = []

    def hook(when: str) -> Callable[[str, str, dict[str, Any]], None]:
        return lambda method, chat, _: seen.append((when, method, chat, len(platform.answers(chat))))

    platform.before, platform.after = hook("before"), hook("after")
    send(platform, 555, "hola")
    assert seen == [("before", method_of(platform), "555", 0), ("after", method_of(platform), "555", 1)]


@pytest.mark.parametrize("taken", [False, True])
def test_a_hook_can_end_the_connection_before_or_after_the_call_is_taken(platform: Platform, taken: bool) -> None:
    def end(*_: object) -> None:
        raise Cut

    platform.before, platform.after = (None, end) if taken else (end, None)
    with pytest.raises(httpx.RemoteProtocolError):
        send(platform, 555, "hola")
    assert len(platform.answers(555)) == len(platform.calls) == int(taken)


# pauses


def ask_for_pause(platform: Platform, seconds: int) -> None:
    """The next message gets a pause of its chat, in the platform's own words."""
    if isinstance(platform, TelegramServer):
        body = {"ok": False, "error_code": 429, "description": "x", "parameters": {"retry_after": seconds}}
        platform.fail_next("sendMessage", 429, body)
    elif isinstance(platform, WhatsAppServer):
        platform.refuse_next(131056, retry_after=seconds)


def test_a_message_before_its_chats_pause_is_over_is_refused_and_on_record(platform: Platform) -> None:
    ask_for_pause(platform, 60)
    first, second = send(platform, 555, "hola"), send(platform, 555, "hola")

    assert first.status_code == second.status_code != 200
    assert [call.chat_id for call in platform.early] == ["555"]
    assert platform.early[0] is platform.calls[1]
    assert platform.chat(555) == []
    assert send(platform, 556, "hola").status_code == 200
    assert len(platform.early) == 1


def test_a_message_after_the_pause_is_taken_and_was_not_early(platform: Platform) -> None:
    ask_for_pause(platform, 1)
    send(platform, 555, "hola")
    sleep(1)

    assert send(platform, 555, "hola").status_code == 200
    assert platform.early == []


def test_the_first_pause_of_a_chat_is_not_its_messages_fault(platform: Platform) -> None:
    platform.weather = Weather(limited=1, retry_after=(60, 60))
    assert send(platform, 555, "hola").status_code != 200
    assert send(platform, 556, "hola").status_code != 200
    assert platform.early == []


# weather and limits


def outcomes(platform: Platform, count: int) -> list[int]:
    """What so many messages to as many people get; 0: no answer."""
    before = len(platform.calls)
    for chat in range(1000, 1000 + count):
        with contextlib.suppress(httpx.RemoteProtocolError):
            send(platform, chat + before, "hola")
    return [call.status for call in platform.calls[before:]]


def test_the_same_seed_makes_the_same_weather_and_another_another(platform: Platform) -> None:
    runs = []
    for seed in (7, 7, 8):
        platform.weather = Weather(seed=seed, limited=0.3, lost=0.2, errors=0.2)
        runs.append(outcomes(platform, 25))

    assert runs[0] == runs[1] != runs[2]
    assert {200, 500, 0} < set(runs[0])
    taken = [call.status for call in platform.calls if call.taken]
    assert set(taken) == {200, 0}  # an answer that is lost is one to a call that was taken


def test_only_calls_that_carry_messages_are_exposed_to_the_weather(platform: Platform) -> None:
    platform.weather = Weather(errors=1)
    path = f"bot{TOKEN}/getMe" if platform.name == "telegram" else NUMBER

    headers = {"Authorization": "Bearer bearer"}
    assert httpx.get(f"{platform.url}/{path}", headers=headers).status_code == 200
    assert send(platform, 555, "hola").status_code == 500


def test_messages_beyond_the_real_limits_are_taken_and_noted(platform: Platform) -> None:
    platform.limits = Windows(overall=(4, 600), chat=(2, 600))
    for chat in (555, 555, 556, 555):
        assert send(platform, chat, "hola").status_code == 200
    assert platform.over == ["chat 555: 3 in 600 s, at most 2"]
    send(platform, 557, "hola")
    assert platform.over[1:] == ["overall: 5 in 600 s, at most 4"]
