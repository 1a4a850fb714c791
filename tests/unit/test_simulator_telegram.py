"""The simulated Bot API satisfies python-telegram-bot and refuses what the real one refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from time import sleep
from typing import Any

import httpx
import pytest
from telegram import Bot, MessageEntity, ReplyParameters, Update
from telegram.error import BadRequest, ChatMigrated, EndPointNotFound, Forbidden, InvalidToken, RetryAfter

from simulator.telegram import TelegramServer
from simulator.weather import ON_THE_WAY_SECONDS, Weather

TOKEN = "7123:AAE-test-token"


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer(TOKEN) as server:
        yield server


def ask(server: TelegramServer, what: Callable[[Bot], Awaitable[Any]], token: str = TOKEN) -> Any:
    """One call by the real client."""

    async def call() -> Any:
        async with Bot(token, base_url=f"{server.url}/bot") as bot:
            return await what(bot)

    return asyncio.run(call())


def test_the_real_client_sends_edits_and_types(telegram: TelegramServer) -> None:
    async def talk(bot: Bot) -> None:
        assert bot.id == 7123
        assert await bot.send_chat_action(555, "typing")
        sent = await bot.send_message(555, "Ho", entities=[MessageEntity("bold", 0, 2)])
        assert (sent.chat.id, sent.text, sent.entities[0].type) == (555, "Ho", "bold")
        edited = await bot.edit_message_text("Hola", 555, sent.message_id)
        assert isinstance(edited, type(sent))

    ask(telegram, talk)
    assert [bubble.text for bubble in telegram.chat(555)] == ["Hola"]
    assert [call.method for call in telegram.calls] == ["getMe", "sendChatAction", "sendMessage", "editMessageText"]


def test_webhook_and_commands_are_kept(telegram: TelegramServer) -> None:
    async def set_up(bot: Bot) -> Any:
        await bot.set_webhook("http://127.0.0.1:9/webhook/telegram", secret_token="s3cret")
        await bot.set_my_commands([("help", "Ayuda")])
        return await bot.get_webhook_info()

    info = ask(telegram, set_up)
    assert (info.url, info.pending_update_count) == ("http://127.0.0.1:9/webhook/telegram", 0)
    assert telegram.webhook_secret == "s3cret"
    assert telegram.commands == [{"command": "help", "description": "Ayuda"}]
    ask(telegram, lambda bot: bot.delete_webhook())
    assert telegram.webhook_url == ""


def test_an_edit_without_change_and_an_edit_of_nothing_are_refused(telegram: TelegramServer) -> None:
    sent = ask(telegram, lambda bot: bot.send_message(555, "Hola"))

    with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
        ask(telegram, lambda bot: bot.edit_message_text("Hola", 555, sent.message_id))
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        ask(telegram, lambda bot: bot.edit_message_text("Hola", 556, sent.message_id))


@pytest.mark.parametrize(
    ("text", "entities", "reason"),
    [
        ("  ", (), "message text is empty"),
        ("x" * 4097, (), "message is too long"),
        ("🥐" * 2049, (), "message is too long"),
        ("hola", (MessageEntity("bold", 2, 3),), "ends after the end of the text"),
        ("hola", (MessageEntity("bold", -1, 3),), "incorrect offset"),
        ("hola", (MessageEntity("bold", 0, 0),), "incorrect length"),
    ],
)
def test_a_wrong_text_is_refused_in_telegrams_words(
    telegram: TelegramServer, text: str, entities: tuple[MessageEntity, ...], reason: str
) -> None:
    with pytest.raises(BadRequest, match=f"(?i){reason}"):
        ask(telegram, lambda bot: bot.send_message(555, text, entities=entities))
    assert telegram.chat(555) == []


def test_4096_units_and_an_entity_to_the_very_end_are_taken(telegram: TelegramServer) -> None:
    ask(telegram, lambda bot: bot.send_message(555, "🥐" * 2048, entities=[MessageEntity("bold", 4094, 2)]))
    assert len(telegram.chat(555)) == 1


def test_a_wrong_token_is_unauthorised_and_leaves_no_trace_in_the_chat(telegram: TelegramServer) -> None:
    with pytest.raises(InvalidToken):
        ask(telegram, lambda bot: bot.send_message(555, "Hola"), token="7123:another")
    answer = httpx.post(f"{telegram.url}/bot7123:another/sendMessage", json={"chat_id": 555, "text": "Hola"})
    assert (answer.status_code, answer.json()["description"]) == (401, "Unauthorized")
    assert httpx.get(f"{telegram.url}/botnonsense/getMe").status_code == 404
    assert telegram.chat(555) == []


def test_an_unknown_method_is_not_found(telegram: TelegramServer) -> None:
    with pytest.raises(EndPointNotFound):
        ask(telegram, lambda bot: bot.do_api_request("danceAround"))


def test_faults_become_the_clients_own_errors(telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")  # without it the client warns when it makes a RetryAfter
    telegram.fail_next("sendMessage", 403)
    telegram.fail_next("sendMessage", 400)
    telegram.weather = Weather(limited=1, retry_after=(0.2, 0.3))

    with pytest.raises(Forbidden, match="blocked by the user"):
        ask(telegram, lambda bot: bot.send_message(555, "Hola"))
    with pytest.raises(BadRequest, match=r"(?i)can't parse entities"):
        ask(telegram, lambda bot: bot.send_message(555, "Hola"))
    with pytest.raises(RetryAfter) as raised:
        ask(telegram, lambda bot: bot.send_message(555, "Hola"))
    pause = raised.value.retry_after
    assert isinstance(pause, timedelta)
    assert timedelta(seconds=0.2) <= pause <= timedelta(seconds=0.3)


def test_a_reply_needs_its_message_unless_told_otherwise(telegram: TelegramServer) -> None:
    def reply(allow: bool) -> Callable[[Bot], Awaitable[Any]]:
        to = ReplyParameters(99, allow_sending_without_reply=allow)
        return lambda bot: bot.send_message(555, "Hola", reply_parameters=to)

    with pytest.raises(BadRequest, match="to be replied not found"):
        ask(telegram, reply(False))
    ask(telegram, reply(True))
    assert len(telegram.chat(555)) == 1


def test_an_update_is_one_that_the_real_client_reads(telegram: TelegramServer) -> None:
    update = Update.de_json(telegram.update(555, "/start ahora", language="en", name="Bob"))

    assert update.message is not None
    assert update.effective_user is not None
    assert (update.effective_user.language_code, update.effective_user.first_name) == ("en", "Bob")
    assert update.message.parse_entities(["bot_command"]) == {update.message.entities[0]: "/start"}
    assert telegram.update(555, "x")["update_id"] > update.update_id


def test_forms_and_addresses_carry_parameters_too(telegram: TelegramServer) -> None:
    form = {"chat_id": "555", "text": "uno", "entities": '[{"type":"bold","offset":0,"length":3}]'}
    assert httpx.post(f"{telegram.url}/bot{TOKEN}/sendMessage", data=form).status_code == 200
    assert httpx.get(f"{telegram.url}/bot{TOKEN}/sendMessage?chat_id=555&text=dos").status_code == 200
    assert [bubble.text for bubble in telegram.chat(555)] == ["uno", "dos"]
    assert telegram.chat(555)[0].entities == [{"type": "bold", "offset": 0, "length": 3}]


@pytest.mark.parametrize("way_back", ["unblock", "say"])
def test_who_blocks_the_bot_is_out_of_reach_until_they_come_back(telegram: TelegramServer, way_back: str) -> None:
    sent = ask(telegram, lambda bot: bot.send_message(555, "Hola"))
    telegram.block(555)
    calls: list[Callable[[Bot], Awaitable[Any]]] = [
        lambda bot: bot.send_message(555, "¿Hola?"),
        lambda bot: bot.edit_message_text("¿Hola?", 555, sent.message_id),
        lambda bot: bot.send_chat_action(555, "typing"),
    ]
    for call in calls:
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            ask(telegram, call)
    ask(telegram, lambda bot: bot.send_message(556, "Hola"))

    if way_back == "say":
        telegram.say(555, "ya estoy")
    else:
        telegram.unblock(555)
    ask(telegram, lambda bot: bot.send_message(555, "Hola"))


def test_a_group_that_became_a_supergroup_names_its_new_id(telegram: TelegramServer) -> None:
    new = telegram.migrate(-555)

    with pytest.raises(ChatMigrated) as raised:
        ask(telegram, lambda bot: bot.send_message(-555, "Hola"))
    assert raised.value.new_chat_id == new
    assert telegram.moved == {"-555": str(new)}
    sent = ask(telegram, lambda bot: bot.send_message(new, "Hola"))
    assert (sent.chat.id, sent.chat.type) == (new, "supergroup")


def test_a_bubble_that_the_person_deleted_cannot_be_edited(telegram: TelegramServer) -> None:
    sent = ask(telegram, lambda bot: bot.send_message(555, "Ho…"))
    telegram.remove(555, str(sent.message_id))

    assert telegram.chat(555) == []
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        ask(telegram, lambda bot: bot.edit_message_text("Hola", 555, sent.message_id))


def test_edits_and_typing_break_a_pause_too(telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typing does once nobody can have sent it before the pause was known."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    sent = ask(telegram, lambda bot: bot.send_message(555, "Ho…"))
    telegram.fail_next("editMessageText", 429, {"ok": False, "error_code": 429, "parameters": {"retry_after": 60}})
    for _ in range(2):
        with pytest.raises(RetryAfter):
            ask(telegram, lambda bot: bot.edit_message_text("Hola", 555, sent.message_id))
    sleep(ON_THE_WAY_SECONDS)
    with pytest.raises(RetryAfter):
        ask(telegram, lambda bot: bot.send_chat_action(555, "typing"))
    ask(telegram, lambda bot: bot.get_me())

    assert [call.method for call in telegram.early] == ["editMessageText", "sendChatAction"]
    assert [bubble.text for bubble in telegram.chat(555)] == ["Ho…"]
