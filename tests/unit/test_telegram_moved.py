"""A group that became a supergroup is spoken to there, and the bot knows its own name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.channels.telegram import Telegram
from bot.errors import Gone, Undelivered
from bot.message import Piece
from simulator.telegram import TelegramServer
from tests.unit.test_telegram_speaking import TOKEN, connect

HOLA = Piece("hola")


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with TelegramServer(TOKEN) as server:
        yield server


@pytest.fixture
def channel(server: TelegramServer) -> Iterator[Telegram]:
    channel = connect(server.url)
    yield channel
    channel.close()


def place(chat: int, thread: str = "") -> str:
    return f"telegram:7123:{chat}{thread}"


def test_told_once_of_a_move_every_later_bubble_goes_straight_there(channel: Telegram, server: TelegramServer) -> None:
    new = server.migrate(-55)
    bubbles = [channel.speak(place(-55), Piece(text), "r") for text in ("uno", "dos")]
    channel.show_typing(place(-55), "1")
    channel.edit(place(-55), bubbles[1], Piece("dos y medio"))

    assert [bubble.partition("/")[0] for bubble in bubbles] == [str(new)] * 2
    assert [bubble.text for bubble in server.chat(new)] == ["uno", "dos y medio"]
    assert [call.chat_id for call in server.calls] == ["-55", *[str(new)] * 4]


def test_typing_alone_hears_of_a_move_too(channel: Telegram, server: TelegramServer) -> None:
    new = server.migrate(-55)
    channel.show_typing(place(-55), "1")
    channel.speak(place(-55), HOLA, "r")

    assert [(call.method, call.chat_id) for call in server.calls] == [
        ("sendChatAction", "-55"), ("sendChatAction", str(new)), ("sendMessage", str(new))
    ]  # fmt: skip


def test_what_was_said_before_the_move_cannot_be_edited_and_is_said_anew(
    channel: Telegram, server: TelegramServer
) -> None:
    """Telegram numbers anew there: the same number would be another bubble's."""
    before = channel.speak(place(-55), HOLA, "r")
    server.migrate(-55)
    for _ in range(2):
        with pytest.raises(Gone):
            channel.edit(place(-55), before, Piece("adiós"))
        channel.speak(place(-55), HOLA, "r")

    assert server.chat(-55)[-1].text == "hola"
    assert [call.method for call in server.calls].count("editMessageText") == 1


def test_other_groups_stay_where_they_are(channel: Telegram, server: TelegramServer) -> None:
    server.migrate(-55)
    channel.speak(place(-55), HOLA, "r")
    bubble = channel.speak(place(-56), HOLA, "r")
    channel.edit(place(-56), bubble, Piece("adiós"))

    assert [one.text for one in server.chat(-56)] == ["adiós"]
    assert "/" not in bubble


def test_our_name_is_asked_once_and_in_lower_case(channel: Telegram, server: TelegramServer) -> None:
    server.me["username"] = "Recado_Bot"

    assert [channel.username() for _ in range(3)] == ["recado_bot"] * 3
    assert [call.method for call in server.calls] == ["getMe"]


def test_a_name_that_could_not_be_asked_is_asked_again(channel: Telegram, server: TelegramServer) -> None:
    server.fail_next("getMe", 401)
    with pytest.raises(Undelivered):
        channel.username()

    assert channel.username() == "recado_bot"


def test_only_a_group_is_one() -> None:
    channel = connect("http://127.0.0.1:9")

    assert [channel.is_group(place(chat)) for chat in (555, -55, -1_000_000_000_055)] == [False, True, True]
    assert channel.is_group("telegram:7123:-55:12")
