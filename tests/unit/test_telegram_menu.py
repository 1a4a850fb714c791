"""What Telegram shows beside the words: the menu of commands, the stop button, files."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from bot import wiring
from bot.channels.telegram import Telegram
from bot.errors import Unknown
from bot.message import Piece
from bot.settings import load_settings
from bot.texts import LANGUAGES, Text
from simulator.calls import Outcome
from simulator.telegram import TelegramServer
from workers import announce

TOKEN = "7123:AbC-dEf_0123456789_AbC-dEf_0123456789"
HELP, STATS = Text(es="Ayuda", en="Help"), Text(es="Cifras", en="Figures")


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with TelegramServer(TOKEN) as server:
        yield server


@pytest.fixture
def channel(server: TelegramServer) -> Iterator[Telegram]:
    found = Telegram.from_settings(load_settings(telegram_bot_token=SecretStr(TOKEN), telegram_api_url=server.url))
    assert found is not None
    yield found
    found.close()


def asked(server: TelegramServer, method: str) -> list[dict[str, Any]]:
    return [call.params for call in server.calls if call.method.lower() == method.lower()]


def menus(server: TelegramServer) -> dict[tuple[str, str], list[str]]:
    """What each menu says, by its chat and its language ("": everybody's, all others')."""
    found = {}
    for call in asked(server, "setMyCommands"):
        scope = call.get("scope") or {}
        scope = json.loads(scope) if isinstance(scope, str) else scope
        lines = call["commands"]
        lines = json.loads(lines) if isinstance(lines, str) else lines
        where = (str(scope.get("chat_id", "")), call.get("language_code") or "")
        found[where] = [f"/{line['command']} {line['description']}" for line in lines]
    return found


def test_everybody_reads_the_menu_in_their_language(channel: Telegram, server: TelegramServer) -> None:
    channel.announce({"help": HELP}, {"stats": STATS}, [], "es")
    assert menus(server) == {("", "es"): ["/help Ayuda"], ("", "en"): ["/help Help"], ("", ""): ["/help Ayuda"]}


def test_only_the_owners_see_what_is_theirs(channel: Telegram, server: TelegramServer) -> None:
    """Whoever is named for another channel, or by a name, has no chat here."""
    server.say(555, "hello")
    channel.announce({"help": HELP}, {"stats": STATS}, ["telegram:555", "whatsapp:666", "ana"], "en")
    assert {where: len(lines) for where, lines in menus(server).items()} == {
        (chat, language): 2 if chat else 1 for chat in ("", "555") for language in ("es", "en", "")
    }


def test_it_may_be_said_again(channel: Telegram, server: TelegramServer) -> None:
    for _ in range(2):
        channel.announce({"help": HELP}, {}, [], "es")
    assert {call.status for call in server.calls} == {200}


def test_an_owner_who_has_never_written_hinders_nobody(channel: Telegram, server: TelegramServer) -> None:
    """Telegram knows no chat with them yet."""
    refused = {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}
    known = server.menus.set
    server.menus.set = lambda params: (  # type: ignore[method-assign]
        Outcome(refused, 400) if "9" in str(params.get("scope")) else known(params)
    )
    channel.announce({"help": HELP}, {"stats": STATS}, ["9", "555"], "es")
    assert len([call for call in server.calls if call.status == 400]) == 3
    assert ("555", "") in menus(server)


def test_every_command_has_a_line_in_every_menu() -> None:
    """Telegram takes 1 to 256 characters, and names of at most 32 small letters, digits and low lines."""
    for name, command in wiring.open_commands().items():
        assert name == name.lower()
        assert len(name) <= 32
        assert all(1 <= len(command.description.to(language)) <= 256 for language in LANGUAGES)


def test_a_platform_that_does_not_take_the_menu_costs_nothing(
    channel: Telegram, server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail_next("setMyCommands", 500)
    with caplog.at_level(logging.WARNING):
        announce.announce(load_settings(), {"telegram": channel})
    assert "does not show the commands" in caplog.text
    assert TOKEN not in caplog.text


def test_the_button_stands_under_what_grows_and_goes_with_its_end(channel: Telegram, server: TelegramServer) -> None:
    server.say(555, "hello")
    bubble = channel.speak("telegram:7123:555", Piece("The …", stop="Stop"), "r1")
    shown = server.bubble("555", bubble)
    assert shown is not None
    assert shown.raw["reply_markup"]["inline_keyboard"] == [[{"text": "Stop", "callback_data": "stop"}]]
    channel.edit("telegram:7123:555", bubble, Piece("The bakery …", stop="Stop"))
    assert "reply_markup" in shown.raw
    channel.edit("telegram:7123:555", bubble, Piece("The bakery …"))
    assert "reply_markup" not in shown.raw


def test_a_file_comes_with_its_words(channel: Telegram, server: TelegramServer) -> None:
    server.say(555, "hello")
    bold = ({"type": "bold", "offset": 0, "length": 4},)
    bubble = channel.speak("telegram:7123:555", Piece("Here it is", bold, file='{"ñ":1}', file_name="recado.json"), "r")
    shown = server.bubble("555", bubble)
    assert shown is not None
    assert shown.text == "Here it is"
    assert shown.raw["document"]["file_name"] == "recado.json"
    (sent,) = [call for call in server.calls if call.method.lower() == "senddocument"]
    assert sent.params["document"].content == '{"ñ":1}'.encode()


def test_a_file_whose_fate_is_unknown_is_unknown_as_any_bubble(channel: Telegram, server: TelegramServer) -> None:
    server.say(555, "hello")
    server.fail_next("sendDocument", 500)
    with pytest.raises(Unknown):
        channel.speak("telegram:7123:555", Piece("Here", file="{}", file_name="recado.json"), "r")
