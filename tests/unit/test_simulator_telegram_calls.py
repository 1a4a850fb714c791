"""Buttons, documents, deletions and menus on the simulated Bot API, as the real one takes and refuses them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from telegram import (
    Bot,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    MessageEntity,
    ReplyParameters,
)
from telegram.error import BadRequest

from simulator.telegram import TelegramServer

TOKEN = "7123:AAE-test-token"
STOP = InlineKeyboardMarkup([[InlineKeyboardButton("Parar", callback_data="stop")]])


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer(TOKEN) as server:
        yield server


def ask(server: TelegramServer, what: Callable[[Bot], Awaitable[Any]]) -> Any:
    """One call by the real client."""

    async def call() -> Any:
        async with Bot(TOKEN, base_url=f"{server.url}/bot", base_file_url=f"{server.url}/file/bot") as bot:
            return await what(bot)

    return asyncio.run(call())


def test_buttons_stay_until_an_edit_leaves_them_out(telegram: TelegramServer) -> None:
    async def talk(bot: Bot) -> None:
        sent = await bot.send_message(555, "Ho", reply_markup=STOP)
        assert sent.reply_markup == STOP
        await bot.edit_message_text("Hola", 555, sent.message_id, reply_markup=STOP)
        assert telegram.chat(555)[0].raw["reply_markup"] == STOP.to_dict()
        with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
            await bot.edit_message_text("Hola", 555, sent.message_id, reply_markup=STOP)
        edited = await bot.edit_message_text("Hola", 555, sent.message_id)
        assert edited.reply_markup is None

    ask(telegram, talk)
    assert "reply_markup" not in telegram.chat(555)[0].raw


@pytest.mark.parametrize(
    ("button", "reason"),
    [
        ({"text": "x", "callback_data": "é" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        ({"text": "", "callback_data": "x"}, "Button text must be non-empty"),
        ({"text": "x"}, "Text buttons are unallowed"),
    ],
)
def test_a_wrong_button_is_refused(telegram: TelegramServer, button: dict[str, str], reason: str) -> None:
    asked = {"chat_id": 555, "text": "Ho", "reply_markup": {"inline_keyboard": [[button]]}}
    answer = httpx.post(f"{telegram.url}/bot{TOKEN}/sendMessage", json=asked)
    assert (answer.status_code, reason in answer.text) == (400, True)
    assert telegram.chat(555) == []


def test_a_document_arrives_with_its_name_and_content(telegram: TelegramServer) -> None:
    async def talk(bot: Bot) -> bytes:
        entities = [MessageEntity("bold", 0, 4)]
        sent = await bot.send_document(
            555, InputFile(b"{}", "data.json"), caption="Toma", caption_entities=entities, reply_markup=STOP
        )
        assert sent.document is not None
        assert (sent.caption, sent.document.file_name, sent.document.file_size) == ("Toma", "data.json", 2)
        assert sent.caption_entities[0].type == "bold"
        return bytes(await (await sent.document.get_file()).download_as_bytearray())

    assert ask(telegram, talk) == b"{}"
    (bubble,) = telegram.chat(555)
    assert (bubble.who, bubble.text) == ("assistant", "Toma")
    assert telegram.calls[1].bubble == bubble.id


def test_a_document_may_come_attached_by_another_name(telegram: TelegramServer) -> None:
    asked = {"chat_id": "555", "document": "attach://one"}
    url = f"{telegram.url}/bot{TOKEN}/sendDocument"
    answer = httpx.post(url, data=asked, files={"one": ("a.txt", b"hola", "text/plain")}).json()["result"]
    assert (answer["document"]["file_name"], answer["document"]["mime_type"]) == ("a.txt", "text/plain")
    assert telegram.files.contents[answer["document"]["file_id"]] == b"hola"


@pytest.mark.parametrize(
    ("content", "caption", "reason"),
    [(b"", "x", "file must be non-empty"), (b"x", "x" * 1025, "message caption is too long")],
)
def test_a_wrong_document_is_refused(telegram: TelegramServer, content: bytes, caption: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=f"(?i){reason}"):
        ask(telegram, lambda bot: bot.send_document(555, InputFile(content, "a.txt"), caption=caption))
    with pytest.raises(BadRequest, match=r"(?i)there is no document in the request"):
        ask(telegram, lambda bot: bot.send_document(555, "some-file-id"))


def test_the_text_of_a_document_is_no_text(telegram: TelegramServer) -> None:
    sent = ask(telegram, lambda bot: bot.send_document(555, InputFile(b"x", "a.txt"), caption="Toma"))
    with pytest.raises(BadRequest, match=r"(?i)there is no text in the message to edit"):
        ask(telegram, lambda bot: bot.edit_message_text("Hola", 555, sent.message_id))


def test_the_bot_deletes_what_it_may(telegram: TelegramServer) -> None:
    ours = ask(telegram, lambda bot: bot.send_message(-5, "hola")).message_id
    theirs = telegram.say(-5, "hola")["message"]["message_id"]

    assert ask(telegram, lambda bot: bot.delete_message(-5, ours))
    with pytest.raises(BadRequest, match=r"(?i)message to delete not found"):
        ask(telegram, lambda bot: bot.delete_message(-5, ours))
    with pytest.raises(BadRequest, match=r"(?i)message can't be deleted"):
        ask(telegram, lambda bot: bot.delete_message(-5, theirs))
    assert [bubble.id for bubble in telegram.chat(-5)] == [str(theirs)]


def test_a_message_says_what_it_replies_to_and_where_it_stands(telegram: TelegramServer) -> None:
    said = telegram.say(-1_001_234_567_890, "hola", thread=40)["message"]
    sent = ask(
        telegram,
        lambda bot: bot.send_message(
            -1_001_234_567_890, "¡Hola!", message_thread_id=40, reply_parameters=ReplyParameters(said["message_id"])
        ),
    )
    assert (sent.is_topic_message, sent.message_thread_id) == (True, 40)
    assert sent.reply_to_message.text == "hola"


def test_the_general_topic_has_no_thread_to_send_to(telegram: TelegramServer) -> None:
    with pytest.raises(BadRequest, match=r"(?i)message thread not found"):
        ask(telegram, lambda bot: bot.send_message(-1_001_234_567_890, "hola", message_thread_id=1))
    assert ask(telegram, lambda bot: bot.send_chat_action(-1_001_234_567_890, "typing", message_thread_id=1))


def test_menus_are_kept_by_scope_and_language(telegram: TelegramServer) -> None:
    async def talk(bot: Bot) -> None:
        await bot.set_my_commands([("help", "Ayuda")])
        await bot.set_my_commands([("help", "Help")], language_code="en")
        await bot.set_my_commands([("stop", "Parar")], scope=BotCommandScopeAllGroupChats())
        await bot.set_my_commands([("stats", "Stats")], scope=BotCommandScopeChat(555))
        assert [one.description for one in await bot.get_my_commands(language_code="en")] == ["Help"]
        assert await bot.get_my_commands(language_code="fr") == ()
        assert [one.command for one in await bot.get_my_commands(BotCommandScopeChat(555))] == ["stats"]
        await bot.delete_my_commands(BotCommandScopeChat(555))
        assert await bot.get_my_commands(BotCommandScopeChat(555)) == ()

    ask(telegram, talk)
    assert telegram.commands == [{"command": "help", "description": "Ayuda"}]
    assert telegram.menus.of("", {"type": "all_group_chats"}) == [{"command": "stop", "description": "Parar"}]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"commands": [{"command": "Help", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [{"command": "a-b", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [{"command": "help", "description": ""}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"commands": [{"command": "help", "description": "x" * 257}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"commands": [{"command": f"c{n}", "description": "x"} for n in range(101)]}, "BOT_COMMANDS_TOO_MUCH"),
        ({"commands": [], "language_code": "spa"}, "invalid language code specified"),
        ({"commands": [], "scope": {"type": "everybody"}}, "Unsupported type specified"),
        ({"commands": [], "scope": {"type": "chat"}}, "chat_id"),
    ],
)
def test_a_wrong_menu_is_refused(telegram: TelegramServer, params: dict[str, Any], reason: str) -> None:
    answer = httpx.post(f"{telegram.url}/bot{TOKEN}/setMyCommands", json=params)
    assert (answer.status_code, reason in answer.json()["description"]) == (400, True)


@pytest.mark.parametrize("privacy", [True, False])
def test_the_bot_knows_whether_it_reads_all_of_a_group(telegram: TelegramServer, privacy: bool) -> None:
    telegram.privacy = privacy
    assert ask(telegram, lambda bot: bot.get_me()).can_read_all_group_messages is not privacy
