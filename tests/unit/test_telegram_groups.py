"""Telegram's groups: what is addressed to the bot, and what people say to each other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.test_telegram_updates import ANA, BOT, GROUP, channel, read, read_by


@pytest.mark.parametrize(
    ("parts", "ours"),
    [
        ({"text": "hola a todos"}, False),
        ({"text": "/help"}, True),
        ({"text": "y tú?", "reply_to_message": {"message_id": 3, "from": BOT}}, True),
        ({"text": "y tú?", "reply_to_message": {"message_id": 3, "from": ANA}}, False),
        ({"text": "hola", "reply_to_message": {"message_id": 3, "from": BOT, "forum_topic_created": {}}}, False),
        ({"text": "Recado, ven", "entities": [{"type": "text_mention", "offset": 0, "length": 6, "user": BOT}]}, True),
        ({"text": "@otro ven", "entities": [{"type": "mention", "offset": 0, "length": 5}]}, False),
    ],
)
def test_in_groups_what_people_say_to_each_other_is_heard_and_not_addressed(parts: dict[str, Any], ours: bool) -> None:
    [found] = read(chat=GROUP, **parts)

    assert (found.conversation, found.text, found.addressed) == ("telegram:7123:-100200", parts["text"], ours)


def test_everything_in_a_private_chat_is_addressed() -> None:
    for text in ("hola", "/start@other_bot", "@otro ven"):
        assert read(text=text)[0].addressed


def test_in_groups_a_file_counts_with_words_or_when_it_is_addressed() -> None:
    """Without either there is nothing to remember and nobody to answer."""
    photo = [{"file_id": "f1"}]

    assert read(chat=GROUP, photo=photo) == ()
    assert not read(chat=GROUP, photo=photo, caption="mirad")[0].addressed
    assert read(chat=GROUP, photo=photo, reply_to_message={"message_id": 3, "from": BOT})[0].addressed


@pytest.mark.parametrize(
    "parts",
    [
        {"new_chat_members": [ANA, BOT | {"username": "Recado_Bot"}]},
        {"text": "gracias", "reply_to_message": {"message_id": 3, "from": BOT | {"username": "recado_bot"}}},
    ],
    ids=["its arrival", "a reply to it"],
)
def test_a_command_for_another_bot_is_not_ours_once_our_name_was_seen(parts: dict[str, Any]) -> None:
    """Before that every command counts: to leave our own unanswered would be worse."""
    telegram = channel()
    commands = ["/start@other_bot", "/start@RECADO_bot hola", "/start"]

    def addressed() -> list[bool]:
        return [read_by(telegram, {"chat": GROUP, "text": text})[0].addressed for text in commands]

    assert addressed() == [True, True, True]
    read_by(telegram, {"chat": GROUP, **parts})
    assert addressed() == [False, True, True]


def test_another_bots_name_is_not_taken_for_ours() -> None:
    telegram = channel()
    other = {"id": 99, "is_bot": True, "username": "other_bot"}
    replied = {"message_id": 3, "from": other}
    read_by(telegram, {"chat": GROUP, "new_chat_members": [other], "text": "hola", "reply_to_message": replied})

    assert read_by(telegram, {"chat": GROUP, "text": "/start@recado_bot"})[0].addressed
