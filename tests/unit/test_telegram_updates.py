"""Telegram's receiving half: who may call, and what an Update says."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.channels.telegram import SECRET_HEADER, Telegram
from bot.errors import Unreadable
from bot.message import Attachment, Message
from bot.received import Received
from bot.settings import load_settings
from tests.json_values import JSON, NO_OBJECTS

TOKEN = "7123:AbC-dEf_0123456789_AbC-dEf_0123456789"
BOT = {"id": 7123, "is_bot": True, "first_name": "Recado"}
ANA = {"id": 555, "is_bot": False, "first_name": "Ana", "language_code": "es"}
HOME = {"id": 555, "type": "private"}
GROUP = {"id": -100200, "type": "supergroup", "title": "Barrio"}


def channel(**settings: Any) -> Telegram:
    found = Telegram.from_settings(load_settings(telegram_bot_token=SecretStr(TOKEN), **settings))
    assert found is not None
    return found


TELEGRAM = channel()


def message(**parts: Any) -> dict[str, Any]:
    return {"message_id": 9, "date": 1_760_000_000, "chat": HOME, "from": ANA, **parts}


def read_by(telegram: Telegram, parts: dict[str, Any]) -> tuple[Message, ...]:
    return telegram.read(json.dumps({"update_id": 41, "message": message(**parts)}).encode()).messages


def read(**parts: Any) -> tuple[Message, ...]:
    return read_by(TELEGRAM, parts)


def test_a_text_becomes_a_message() -> None:
    body = json.dumps({"update_id": 41, "message": message(text="¿Abrís hoy? 🙂")}).encode()
    received = TELEGRAM.receive({SECRET_HEADER: TELEGRAM.webhook_secret}, body)

    assert received.statuses == ()
    assert received.messages[0] == Message(
        id="41",
        conversation="telegram:7123:555",
        text="¿Abrís hoy? 🙂",
        sent_at=1_760_000_000.0,
        person="Ana",
        language="es",
        raw=body.decode(),
        sender="555",
        bubble="9",
    )


def test_a_caption_is_the_text_and_its_file_is_named() -> None:
    sizes = [{"file_id": "small", "file_size": 10}, {"file_id": "large", "file_size": 99}]
    [found] = read(caption="mira", photo=sizes)

    assert (found.text, found.attachments) == ("mira", (Attachment("photo", "large", size=99),))


@pytest.mark.parametrize("kind", ["document", "voice", "audio", "video", "video_note", "sticker", "animation"])
def test_a_file_without_words_is_kept(kind: str) -> None:
    file = {"file_id": "f1", "mime_type": "a/b", "file_name": "n.x", "file_size": 7}

    assert read(**{kind: file})[0].attachments == (Attachment(kind, "f1", "a/b", "n.x", 7),)


@pytest.mark.parametrize("kind", ["location", "contact", "venue", "poll"])
def test_what_is_no_file_is_kept_by_its_kind(kind: str) -> None:
    assert [a.kind for a in read(**{kind: {"latitude": 1.5}})[0].attachments] == [kind]


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"message_thread_id": 12, "is_topic_message": True}, "telegram:7123:555:12"),
        ({"message_thread_id": 1, "is_topic_message": True}, "telegram:7123:555"),
        ({"message_thread_id": 12}, "telegram:7123:555"),
    ],
    ids=["topic", "the general topic", "a thread of replies is no topic"],
)
def test_a_topic_is_a_conversation_of_its_own(parts: dict[str, Any], place: str) -> None:
    assert read(text="hola", **parts)[0].conversation == place


def test_a_reply_names_the_message_it_answers() -> None:
    assert read(text="sí", reply_to_message={"message_id": 8, "from": BOT})[0].reply_to == "8"
    assert read(text="sí", reply_to_message={"message_id": 8, "forum_topic_created": {}})[0].reply_to == ""


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1},
        {"update_id": 1, "poll": None},
        {"update_id": 1, "message": message(text="hola", **{"from": BOT})},
        {"update_id": 1, "message": message(text="hola", chat=GROUP, **{"from": BOT})},
        {"update_id": 1, "message": message(text="hola", chat={"id": 1, "type": "channel"})},
        {"update_id": 1, "message": message(pinned_message={"message_id": 2})},
        {"update_id": 1, "edited_message": message(text="hola", **{"from": BOT})},
        {"update_id": 1, "edited_message": message(pinned_message={"message_id": 2})},
    ],
    ids=[
        "empty",
        "nothing of a kind",
        "a bot's",
        "a bot's in a group",
        "in a channel",
        "service",
        "edited by a bot",
        "edited service",
    ],
)
def test_what_is_nothing_to_answer_is_nothing(update: dict[str, Any]) -> None:
    assert TELEGRAM.read(json.dumps(update).encode()) == Received()


UNSERVED = [
    "edited_channel_post", "business_connection", "business_message", "edited_business_message",
    "deleted_business_messages", "message_reaction", "message_reaction_count", "inline_query", "chosen_inline_result",
    "shipping_query", "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer", "chat_member",
    "chat_join_request", "chat_boost", "removed_chat_boost", "guest_message", "stopped_message_generation",
    "channel_post", "something_of_next_year",
]  # fmt: skip


@pytest.mark.parametrize("kind", UNSERVED)
@pytest.mark.parametrize(
    "value", [message(text="hola"), {}, [], "x", 7], ids=["message", "object", "list", "text", "n"]
)
def test_what_we_do_not_serve_is_kept_whatever_it_is(kind: str, value: Any) -> None:
    """It is neither answered nor unreadable: Telegram never has to send it again."""
    assert TELEGRAM.read(json.dumps({"update_id": 1, kind: value}).encode()) == Received(unserved=True)


UNREADABLE = NO_OBJECTS | {
    "no id": b"{}",
    "text as id": b'{"update_id":"1"}',
    "true as id": b'{"update_id":true,"message":{}}',
    "a huge id": b'{"update_id":' + b"9" * 400 + b"}",
    "half a character": json.dumps({"update_id": 1, "message": message(text="\ud800")}).encode(),
    "half a character in a name": json.dumps({"update_id": 1, "message": message(text="a", x="\udfff")}).encode(),
    "message is text": b'{"update_id":1,"message":"hola"}',
    **{
        f"{key} is {value!r}": json.dumps({"update_id": 1, "message": message(text="a") | {key: value}}).encode()
        for key, value in [
            ("text", 5),
            ("chat", []),
            ("chat", {"id": "555", "type": "private"}),
            ("chat", {"type": "private"}),
            ("chat", {"id": True, "type": "private"}),
            ("chat", {"id": 10**30, "type": "private"}),
            ("from", "Ana"),
            ("from", {"first_name": 3}),
            ("date", "today"),
            ("date", 1.5),
            ("photo", {}),
            ("photo", [1]),
            ("document", "x"),
            ("reply_to_message", 4),
            ("new_chat_members", 4),
            ("message_id", "9"),
            ("from", {"id": "555"}),
            ("media_group_id", 5),
            ("sender_chat", 5),
            ("migrate_to_chat_id", "-100"),
            ("entities", [{"type": "mention", "offset": "0", "length": 4}]),
        ]
    },
    **{
        f"{kind} is {value!r}": json.dumps({"update_id": 1, kind: value}).encode()
        for kind in ("edited_message", "callback_query", "my_chat_member")
        for value in ("x", 7, [1], True)
    },
    "a press without an id": b'{"update_id":1,"callback_query":{"data":"stop"}}',
    "half a character in an edited message": b'{"update_id":1,"edited_message":{"text":"\\ud800"}}',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_telegram_never_sends_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        TELEGRAM.read(body)


FIELDS = [
    "text", "caption", "date", "chat", "from", "photo", "voice", "entities", "reply_to_message", "contact",
    "new_chat_members", "message_id", "sender_chat", "media_group_id", "migrate_to_chat_id", "migrate_from_chat_id",
    "data", "message", "id", "new_chat_member", "old_chat_member", "is_automatic_forward", "message_thread_id",
]  # fmt: skip


@given(
    st.sampled_from(["message", "edited_message", "callback_query", "my_chat_member", "hologram"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
)
@settings(max_examples=250, deadline=None)
def test_no_update_ends_in_another_error(kind: str, parts: dict[str, Any]) -> None:
    """Read or Unreadable: a third outcome would be a 5xx, and Telegram would send it again for a day."""
    body = json.dumps({"update_id": 1, kind: message(text="hola") | parts}).encode()
    try:
        found = TELEGRAM.read(body)
    except Unreadable:
        return
    for one in found.messages:
        one.text.encode()


def test_receiving_loads_no_client_of_the_platforms() -> None:
    """The receiver starts in under a second because it never loads what only workers need."""
    code = (
        "import sys, bot.channels.telegram, bot.channels.whatsapp;"
        "print(sorted({'telegram', 'telegramify_markdown', 'pyromark', 'httpx', 'markdown_it'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize(
    ("parts", "command"),
    [
        ({"text": "Quiero hablar con una persona"}, "humano"),
        ({"text": "can I talk to a human?"}, "humano"),
        ({"text": "STOP"}, ""),
        ({"text": "BAJA"}, ""),
        ({"caption": "quiero hablar con una persona", "photo": [{"file_id": "f"}]}, ""),
        ({"text": "quiero hablar con una persona", "chat": GROUP}, ""),
    ],
    ids=["Spanish", "English", "STOP", "BAJA", "below a photo", "among people of a group"],
)
def test_a_person_is_asked_for_in_plain_words(parts: dict[str, Any], command: str) -> None:
    """STOP and BAJA are words like others here, where there is a menu of commands."""
    [found] = read(**parts)

    assert found.command == command
