"""The simulated Telegram, judged by aiogram's models: every update that it builds, every object that it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from simulator.bot_api import Upload
from simulator.calls import Call
from simulator.telegram import TelegramServer
from tests import oracle

TOKEN = "7123:AbC-dEf_0123456789_AbC-dEf_0123456789"
GROUP, SUPERGROUP = -555, -1_001_234_567_890
STOP = {"inline_keyboard": [[{"text": "Parar", "callback_data": "stop"}]]}
BOLD = [{"type": "bold", "offset": 0, "length": 2}]
MENU = [{"command": "help", "description": "Ayuda"}]
CHAT = {"type": "chat", "chat_id": 555}


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer(TOKEN) as server:
        yield server


def ask(server: TelegramServer, method: str, **params: Any) -> Any:
    answer = httpx.post(f"{server.url}/bot{TOKEN}/{method}", json=params).json()
    assert answer["ok"], answer
    return answer["result"]


def in_a_topic(server: TelegramServer) -> dict[str, Any]:
    opening = server.say(SUPERGROUP, "hola", thread=40, sender=77)["message"]
    return server.say(SUPERGROUP, "¿y?", thread=40, sender=78, reply_to=opening["message_id"])


def to_us(server: TelegramServer) -> dict[str, Any]:
    bubble = ask(server, "sendMessage", chat_id=GROUP, text="hola", reply_markup=STOP)
    return server.say(GROUP, "gracias @recado_bot", reply_to=bubble["message_id"])


def pressed(server: TelegramServer) -> dict[str, Any]:
    return server.press(555, ask(server, "sendMessage", chat_id=555, text="a", reply_markup=STOP)["message_id"], "stop")


def moved(server: TelegramServer) -> dict[str, Any]:
    server.migrate(GROUP)
    found: dict[str, Any] = ask(server, "getUpdates")[0]
    return found


DOINGS: dict[str, Callable[[TelegramServer], dict[str, Any]]] = {
    "a text": lambda server: server.say(555, "/start@recado_bot ahora, @Bea"),
    "in a group": lambda server: server.say(GROUP, "hola", sender=77),
    "in a topic": in_a_topic,
    "an opening": lambda server: server.say(SUPERGROUP, "hola", thread=40),
    "a reply to us": to_us,
    "an edit": lambda server: server.edit_said(555, server.say(555, "a")["message"]["message_id"], "b"),
    "a press": pressed,
    "a migration": moved,
    "a photo": lambda server: server.send_file(555, "photo", b"jpeg", caption="mira @Bea", album="a"),
    "a document": lambda server: server.send_file(GROUP, "document", b"pdf", name="a.pdf", mime="application/pdf"),
    "a voice": lambda server: server.send_file(SUPERGROUP, "voice", b"ogg", thread=40),
    "an audio": lambda server: server.send_file(555, "audio", b"mp3", name="a.mp3"),
    "a video": lambda server: server.send_file(555, "video", b"mp4"),
}


@pytest.mark.parametrize("doing", DOINGS)
def test_every_update_is_one_that_aiogram_knows(telegram: TelegramServer, doing: str) -> None:
    update = DOINGS[doing](telegram)
    assert oracle.faults_of_update(update) == []
    assert ask(telegram, "getUpdates", offset=1)  # and it is judged once more as part of that answer
    assert oracle.faults_in(telegram.calls) == []


def test_every_answer_is_one_that_aiogram_knows(telegram: TelegramServer) -> None:
    said = telegram.say(SUPERGROUP, "hola", thread=40)["message"]["message_id"]
    photo = telegram.send_file(555, "photo", b"jpeg")["message"]["photo"][-1]["file_id"]
    reply: dict[str, Any] = {"message_thread_id": 40, "reply_parameters": {"message_id": said}}
    sent = ask(telegram, "sendMessage", chat_id=SUPERGROUP, text="hola", entities=BOLD, reply_markup=STOP, **reply)
    where = {"chat_id": SUPERGROUP, "message_id": sent["message_id"]}
    ask(telegram, "editMessageText", text="adiós", **where)
    ask(telegram, "deleteMessage", **where)
    form = {"chat_id": "555", "caption": "Toma"}
    httpx.post(f"{telegram.url}/bot{TOKEN}/sendDocument", data=form, files={"document": ("a.txt", b"hola")})
    query = telegram.press(555, int(telegram.chat(555)[-1].id), "stop")["callback_query"]["id"]
    ask(telegram, "answerCallbackQuery", callback_query_id=query)
    ask(telegram, "getFile", file_id=photo)
    for method in ("setMyCommands", "getMyCommands", "deleteMyCommands"):
        ask(telegram, method, scope=CHAT, language_code="es", **({"commands": MENU} if method[0] == "s" else {}))
    ask(telegram, "getChat", chat_id=555)
    for method in ("getMe", "getUpdates", "getWebhookInfo"):
        ask(telegram, method)
    ask(telegram, "setWebhook", url="http://127.0.0.1:1/x", allowed_updates=["message"], max_connections=5)
    telegram.say(555, "hola")
    assert telegram.wait_until(lambda: bool(telegram._last_error))
    assert "last_error_message" in ask(telegram, "getWebhookInfo")
    ask(telegram, "deleteWebhook")

    assert oracle.faults_in(telegram.calls) == []
    asked = {call.method.lower() for call in telegram.calls if call.taken}
    assert asked == telegram._methods().keys() - {"sendchataction"}


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (Call(0, "danceAround", "", {}), "there is no such method"),
        (Call(0, "sendMessage", "5", {"chat_id": 5}), "text: Field required"),
        (Call(0, "sendMessage", "5", {"chat_id": 5, "text": "x", "draft": 1}), "draft is no field"),
        (Call(0, "sendMessage", "5", {"chat_id": 5, "text": "x", "entities": [{"type": "bold"}]}), "offset: Field req"),
        (Call(0, "setMyCommands", "", {"commands": [MENU[0] | {"icon": "x"}]}), "commands.icon is no field"),
        (Call(0, "sendDocument", "5", {"chat_id": 5, "document": Upload("a", "b", b""), "x": 1}), "x is no field"),
        (Call(0, "getMe", "", {}, answer={"ok": True, "result": {"id": 1}}), "is_bot: Field required"),
        (Call(0, "sendChatAction", "5", {"chat_id": 5, "action": "typing"}, answer={"ok": True}), "valid boolean"),
    ],
)
def test_what_aiogram_does_not_know_is_found(call: Call, fault: str) -> None:
    """A judge that finds no fault in anything proves nothing."""
    assert any(fault in found for found in oracle.faults_in([call]))
