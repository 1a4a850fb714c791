"""Telegram's groups: what is addressed to the bot, and what people say to each other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.message import Message
from tests.unit.test_telegram_updates import ANA, BOT, GROUP, TELEGRAM, channel, read, read_by


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
    assert not read(chat=GROUP, photo=photo, media_group_id="a1")[0].addressed
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


# -- who is called -----------------------------------------------------------------------------------


def mention(text: str, name: str) -> dict[str, Any]:
    """A text that calls ``name``, as Telegram marks it: offsets count UTF-16 units."""
    start = len(text[: text.index(name)].encode("utf-16-le")) // 2
    return {"type": "mention", "offset": start, "length": len(name)}


@pytest.mark.parametrize(
    ("text", "names", "called"),
    [
        ("@Recado_Bot ven", ["@Recado_Bot"], ("recado_bot",)),
        ("👩‍👩‍👧 ¿y tú, @recado_bot?", ["@recado_bot"], ("recado_bot",)),
        ("@ana @recado_bot @ana mirad", ["@ana", "@recado_bot"], ("ana", "recado_bot")),
        ("write to me@example.com", [], ()),
        ("hola", [], ()),
    ],
)
def test_who_is_called_is_read_by_telegrams_marks(text: str, names: list[str], called: tuple[str, ...]) -> None:
    """Whether that is us is for the worker to say, who knows our name."""
    entities = [mention(text, name) for name in names]
    [written] = read(chat=GROUP, text=text, entities=entities)
    [below] = read(chat=GROUP, caption=text, caption_entities=entities, photo=[{"file_id": "f1"}])

    assert written.called == below.called == called
    assert not written.addressed


@pytest.mark.parametrize(("offset", "length"), [(900, 5), (-9, 5), (0, 0), (0, -4), (1 << 60, 1 << 60), (1, 4)])
def test_a_mark_that_fits_nothing_calls_nobody(offset: int, length: int) -> None:
    entities = [{"type": "mention", "offset": offset, "length": length}]

    assert read(chat=GROUP, text="hola @ana", entities=entities)[0].called == ()


def test_a_command_calls_the_bot_that_it_names_and_nobody_else() -> None:
    entities = [mention("/help@Recado_bot @ana", "@ana")]

    assert read(chat=GROUP, text="/help@Recado_bot @ana", entities=entities)[0].called == ("recado_bot",)
    assert read(chat=GROUP, text="/help @ana", entities=[mention("/help @ana", "@ana")])[0].called == ()


def test_once_our_name_was_seen_a_call_is_addressed_at_once() -> None:
    telegram = channel()
    parts = {"chat": GROUP, "text": "@recado_bot ven", "entities": [mention("@recado_bot ven", "@recado_bot")]}

    assert not read_by(telegram, parts)[0].addressed
    read_by(telegram, {"chat": GROUP, "new_chat_members": [BOT | {"username": "Recado_Bot"}]})
    assert read_by(telegram, parts)[0].addressed


# -- who speaks --------------------------------------------------------------------------------------

CHANNEL = {"id": -100777, "type": "channel", "title": "Panadería"}
NOBODY = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


def test_an_administrator_who_stays_unnamed_is_heard_in_the_groups_name() -> None:
    [plain] = read(chat=GROUP, sender_chat=GROUP, text="hola", **{"from": NOBODY})
    [titled] = read(chat=GROUP, sender_chat=GROUP, author_signature="Jefa", text="/help", **{"from": NOBODY})

    assert (plain.sender, plain.person, plain.addressed) == ("-100200", "Barrio", False)
    assert (titled.sender, titled.person, titled.addressed) == ("-100200", "Jefa", True)


def test_who_writes_in_a_channels_name_is_that_channel() -> None:
    [found] = read(chat=GROUP, sender_chat=CHANNEL, text="hola", **{"from": NOBODY})

    assert (found.sender, found.person) == ("-100777", "Panadería")


@pytest.mark.parametrize("text", ["hoy hay rosquillas", "/help", "@recado_bot"])
def test_what_a_linked_channel_posts_is_heard_and_never_answered(text: str) -> None:
    telegram = channel()
    read_by(telegram, {"chat": GROUP, "new_chat_members": [BOT | {"username": "recado_bot"}]})
    post = {"chat": GROUP, "sender_chat": CHANNEL, "is_automatic_forward": True, "text": text}
    post["entities"] = [{"type": "mention", "offset": 0, "length": len(text)}]
    [found] = read_by(telegram, post | {"from": {"id": 777000, "is_bot": False, "first_name": "Telegram"}})

    assert (found.addressed, found.called, found.person) == (False, (), "Panadería")


# -- albums, topics, arrival -------------------------------------------------------------------------


def test_the_files_of_an_album_know_that_they_belong_together() -> None:
    photo = [{"file_id": "f1"}]
    album = [
        read(chat=GROUP, photo=photo, media_group_id="a1", message_id=n, caption="mira" * (n == 9)) for n in (9, 10)
    ]

    assert [(found.album, found.text, found.bubble) for [found] in album] == [("a1", "mira", "9"), ("a1", "", "10")]


def test_every_topic_is_a_conversation_but_the_general_one_is_the_groups() -> None:
    topic = {"chat": GROUP | {"is_forum": True}, "is_topic_message": True, "text": "hola"}

    assert read(message_thread_id=12, **topic)[0].conversation == "telegram:7123:-100200:12"
    assert read(message_thread_id=1, **topic)[0].conversation == "telegram:7123:-100200"


def change(before: str, after: str, **parts: Any) -> tuple[Message, ...]:
    bot = BOT | {"username": "recado_bot"}
    update: dict[str, Any] = {"date": 5, "chat": GROUP, "from": ANA, "old_chat_member": {"status": before, "user": bot}}
    update |= {"new_chat_member": {"status": after, "user": bot}} | parts
    return TELEGRAM.read(json.dumps({"update_id": 3, "my_chat_member": update}).encode()).messages


@pytest.mark.parametrize(("before", "after"), [("left", "member"), ("kicked", "administrator")])
def test_a_group_that_takes_us_in_is_greeted(before: str, after: str) -> None:
    """As if whoever did it had said /start there."""
    [found] = change(before, after)

    assert (found.conversation, found.text, found.addressed) == ("telegram:7123:-100200", "/start", True)
    assert (found.person, found.sender, found.language, found.pressed) == ("Ana", "555", "es", False)


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        ("member", "administrator", {}),
        ("member", "left", {}),
        ("left", "restricted", {}),
        ("kicked", "member", {"chat": {"id": 555, "type": "private"}}),
        ("left", "administrator", {"chat": CHANNEL}),
        ("left", "member", {"new_chat_member": {"status": "member", "user": ANA}}),
    ],
    ids=["promoted", "sent away", "silenced", "unblocked", "a channel", "somebody else"],
)
def test_no_other_change_is_greeted(before: str, after: str, parts: dict[str, Any]) -> None:
    assert change(before, after, **parts) == ()
