"""Telegram's speaking half: what each answer of the Bot API means for a bubble."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import SecretStr

from bot.channels import _telegram_client
from bot.channels.telegram import Telegram
from bot.errors import Blocked, DeliveryError, RateLimited, Refused, Undelivered, Unknown
from bot.message import Piece
from bot.settings import load_settings
from simulator.server import Cut
from simulator.telegram import TelegramServer
from tests.channel_server import ScriptedPlatform, answer

TOKEN = "7123:AbC-dEf_0123456789_AbC-dEf_0123456789"
SENT = {"ok": True, "result": {"message_id": 77, "date": 1_760_000_000, "chat": {"id": 555, "type": "private"}}}
BOLD = Piece("hola", ({"type": "bold", "offset": 0, "length": 4},))


def connect(url: str) -> Telegram:
    channel = Telegram.from_settings(load_settings(telegram_bot_token=SecretStr(TOKEN), telegram_api_url=url))
    assert channel is not None
    return channel


@pytest.fixture
def platform() -> Iterator[ScriptedPlatform]:
    with ScriptedPlatform(answer(SENT)) as server:
        yield server


@pytest.fixture
def channel(platform: ScriptedPlatform) -> Iterator[Telegram]:
    channel = connect(platform.url)
    yield channel
    channel.close()


def refusal(status: int, description: str, **parameters: int) -> Any:
    return answer({"ok": False, "error_code": status, "description": description, "parameters": parameters}, status)


def moved() -> Any:
    return refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1009)


def speak(channel: Telegram, piece: Piece = BOLD) -> str:
    return channel.speak("telegram:7123:555", piece, "r1")


def test_a_bubble_is_one_call_with_its_entities(channel: Telegram, platform: ScriptedPlatform) -> None:
    """No getMe before it: a worker that starts under load would ask for nothing."""
    assert speak(channel) == "77"
    assert platform.paths == [f"/bot{TOKEN}/sendMessage"]
    assert platform.asked[0]["chat_id"] == "555"
    assert json.loads(platform.asked[0]["entities"]) == list(BOLD.entities)
    assert "message_thread_id" not in platform.asked[0]


def test_a_topic_gets_its_answer(channel: Telegram, platform: ScriptedPlatform) -> None:
    channel.speak("telegram:7123:-100:12", BOLD, "r1")
    channel.show_typing("telegram:7123:-100:12", "41")

    assert [asked["message_thread_id"] for asked in platform.asked] == ["12", "12"]


def test_refused_entities_are_sent_as_plain_text_once(channel: Telegram, platform: ScriptedPlatform) -> None:
    platform.script = [refusal(400, "Bad Request: can't parse entities")]

    assert speak(channel) == "77"
    assert ["entities" in asked for asked in platform.asked] == [True, False]
    assert [asked["text"] for asked in platform.asked] == ["hola", "hola"]


def test_plain_text_is_refused_once_and_for_all(channel: Telegram, platform: ScriptedPlatform) -> None:
    platform.script = [refusal(400, "Bad Request: message is too long")] * 3

    with pytest.raises(Refused, match="too long"):
        speak(channel, Piece("hola"))
    assert len(platform.asked) == 1


@pytest.mark.parametrize(
    ("told", "meaning", "words"),
    [
        (refusal(403, "Forbidden: bot was blocked by the user"), Blocked, "blocked"),
        (refusal(400, "Bad Request: chat not found"), Blocked, "not found"),
        (refusal(401, "Unauthorized"), Undelivered, "@BotFather"),
        (refusal(404, "Not Found"), Undelivered, "TELEGRAM_BOT_TOKEN"),
        (refusal(429, "Too Many Requests"), RateLimited, "Too Many"),
        (refusal(500, "Internal Server Error"), Unknown, "Internal"),
        (refusal(502, "Bad Gateway"), Unknown, "Bad Gateway"),
        (answer("<html>", 504), Unknown, "."),
        (answer("nonsense"), Unknown, "."),
        (answer({"ok": True, "result": None}), Unknown, "."),
        (answer({"ok": False, "description": "x"}), Unknown, "."),
        (Cut, Unknown, "."),
    ],
    ids=str,
)
def test_every_answer_has_one_meaning(
    channel: Telegram, platform: ScriptedPlatform, told: Any, meaning: type[DeliveryError], words: str
) -> None:
    platform.script = [told]
    with pytest.raises(meaning, match=words) as raised:
        speak(channel)

    assert type(raised.value) is meaning
    assert len(platform.asked) == 1
    assert TOKEN not in str(raised.value)


def test_a_pause_is_exactly_as_long_as_telegram_says(channel: Telegram, platform: ScriptedPlatform) -> None:
    platform.script = [refusal(429, "Too Many Requests: retry after 37", retry_after=37)]
    with pytest.raises(RateLimited) as raised:
        channel.show_typing("telegram:7123:555", "41")

    assert raised.value.retry_after == 37.0


def test_a_group_that_became_a_supergroup_gets_its_answer_there(channel: Telegram, platform: ScriptedPlatform) -> None:
    platform.script = [moved()]
    bubble = channel.speak("telegram:7123:-100", BOLD, "r1")
    channel.edit("telegram:7123:-100", bubble, BOLD)

    assert [asked["chat_id"] for asked in platform.asked] == ["-100", "-1009", "-1009"]
    assert platform.asked[2]["message_id"] == "77"


def test_a_chat_that_moves_again_and_again_is_left_alone(channel: Telegram, platform: ScriptedPlatform) -> None:
    platform.script = [moved()] * 9
    with pytest.raises(Refused, match="-1009"):
        channel.speak("telegram:7123:-100", BOLD, "r1")

    assert len(platform.asked) == 2


def test_silence_is_an_unknown_outcome(platform: ScriptedPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_telegram_client, "READ_SECONDS", 0.2)
    platform.silent = True
    channel = connect(platform.url)
    with pytest.raises(Unknown):
        speak(channel)
    channel.close()


def test_nobody_there_means_certainly_not_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        channel = connect(f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(Undelivered, match="TELEGRAM_API_URL"):
            speak(channel)
        channel.close()


def test_sixty_threads_speak_at_the_same_time(channel: Telegram, platform: ScriptedPlatform) -> None:
    """All requests are on the wire together: none waits for another's answer."""
    platform.together = threading.Barrier(60)
    with ThreadPoolExecutor(60) as pool:
        sent = list(pool.map(lambda _: speak(channel), range(60)))

    assert sent == ["77"] * 60


def test_a_closed_channel_holds_no_thread(platform: ScriptedPlatform) -> None:
    channel = connect(platform.url)
    speak(channel)
    channel.close()
    channel.close()

    assert not [thread for thread in threading.enumerate() if thread.name == "telegram"]


def test_neither_token_nor_text_is_logged(
    channel: Telegram, platform: ScriptedPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    """The libraries would log both: the token is part of each address."""
    with caplog.at_level(logging.DEBUG):
        speak(channel)

    assert platform.asked
    assert TOKEN not in caplog.text
    assert BOLD.text not in caplog.text


def test_a_conversation_of_another_kind_is_refused(channel: Telegram) -> None:
    with pytest.raises(Refused):
        channel.speak("telegram:7123:ana", BOLD, "r1")


def test_the_simulated_bot_api_takes_what_is_rendered() -> None:
    with TelegramServer(TOKEN) as server:
        channel = connect(server.url)
        for piece in channel.render(
            "# Horario\n\n- **Lunes** a *viernes* 👩‍👩‍👧\n- [web](https://a.example)\n\n" + "x **y** " * 900
        ):
            channel.speak("telegram:7123:555", piece, "r1")
        channel.show_typing("telegram:7123:555", "41")
        assert channel.check() == "@recado_bot"
        channel.close()

        assert len(server.answers(555)) > 8
        assert {call.taken for call in server.calls} == {True}
