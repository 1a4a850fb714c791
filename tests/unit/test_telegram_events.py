"""What Telegram tells beside new messages: what was put right, what was pressed, and groups that move."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.message import Message
from bot.received import Alias, Received
from tests.unit.test_telegram_updates import ANA, BOT, GROUP, HOME, TELEGRAM, channel, message, read_by

BUBBLE = {"message_id": 77, "date": 1_760_000_001, "chat": HOME, "from": BOT, "text": "Abrimos …"}


def tell(kind: str, what: dict[str, Any]) -> Received:
    return TELEGRAM.read(json.dumps({"update_id": 42, kind: what}).encode())


# -- put right ---------------------------------------------------------------------------------------


def edited(**parts: Any) -> Message:
    [found] = tell("edited_message", message(edit_date=1_760_000_009, **parts)).messages
    return found


def test_an_edited_message_names_what_it_puts_right() -> None:
    found = edited(text="¿Abrís el lunes?")

    assert (found.id, found.bubble, found.replaces) == ("42", "9", "9")
    assert (found.text, found.conversation) == ("¿Abrís el lunes?", "telegram:7123:555")


def test_a_new_message_puts_nothing_right() -> None:
    [found] = tell("message", message(text="hola")).messages

    assert (found.bubble, found.replaces) == ("9", "")


def test_an_edit_calls_whom_it_calls_now() -> None:
    """In a group an edit of what people say to each other stays that, unless it is said to us now."""
    assert not edited(chat=GROUP, text="hola a todos").addressed
    assert edited(chat=GROUP, text="/help").addressed
    mark = {"type": "mention", "offset": 5, "length": 11}
    assert edited(chat=GROUP, text="hola @recado_bot", entities=[mark]).called == ("recado_bot",)


def test_an_edited_caption_keeps_its_file() -> None:
    found = edited(caption="mira bien", photo=[{"file_id": "f1"}], media_group_id="a1")

    assert (found.text, found.attachments[0].id, found.album) == ("mira bien", "f1", "a1")


# -- pressed -----------------------------------------------------------------------------------------


def press(**parts: Any) -> Received:
    return tell("callback_query", {"id": "q1", "from": ANA, "message": BUBBLE, "data": "stop", **parts})


def test_the_stop_button_says_stop_where_its_bubble_stands() -> None:
    received = press()
    [found] = received.messages

    assert (found.id, found.text, found.conversation) == ("42", "/stop", "telegram:7123:555")
    assert (found.pressed, found.reply_to, found.addressed) == (True, "77", True)
    assert (found.sender, found.person, found.language, found.bubble) == ("555", "Ana", "es", "")
    assert json.loads(received.answer) == {"method": "answerCallbackQuery", "callback_query_id": "q1"}


def test_in_a_topic_it_stops_what_grows_in_that_topic() -> None:
    under = BUBBLE | {"chat": GROUP, "message_thread_id": 12, "is_topic_message": True}

    assert press(message=under).messages[0].conversation == "telegram:7123:-100200:12"


@pytest.mark.parametrize(
    "parts",
    [
        {"data": "buy"},
        {"data": None},
        {"message": {"chat": HOME, "message_id": 77, "date": 0}},
        {"message": None, "inline_message_id": "i1"},
        {"data": None, "message": None, "game_short_name": "chess"},
    ],
    ids=["of no button of ours", "nothing", "on a bubble that is gone", "in somebody else's chat", "a game"],
)
def test_any_other_press_is_answered_and_means_nothing(parts: dict[str, Any]) -> None:
    """Unanswered, the button would go on turning."""
    received = press(**parts)

    assert received.messages == ()
    assert json.loads(received.answer)["callback_query_id"] == "q1"


# -- moved -------------------------------------------------------------------------------------------

MOVED = (Alias("telegram:7123:-55", "telegram:7123:-10055"),)


@pytest.mark.parametrize(
    "parts",
    [
        {"chat": {"id": -55, "type": "group"}, "migrate_to_chat_id": -10055},
        {"chat": {"id": -10055, "type": "supergroup"}, "migrate_from_chat_id": -55},
        {"chat": {"id": -55, "type": "group"}, "migrate_to_chat_id": -10055, "from": BOT},
    ],
    ids=["the old one tells", "the new one tells", "no person did it"],
)
def test_a_group_that_becomes_a_supergroup_is_told_by_both(parts: dict[str, Any]) -> None:
    assert tell("message", message(**parts)) == Received(aliases=MOVED)


def test_a_press_shows_our_name() -> None:
    """From then on a command for another bot is known as such."""
    telegram = channel()
    named = {"id": "q1", "from": ANA, "message": BUBBLE | {"from": BOT | {"username": "recado_bot"}}}
    telegram.read(json.dumps({"update_id": 1, "callback_query": named}).encode())

    assert not read_by(telegram, {"chat": GROUP, "text": "/help@other_bot"})[0].addressed
