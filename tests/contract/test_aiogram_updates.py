"""The receiver bears every update and every content of a message that aiogram knows: 200, and nothing put aside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.stores.connection import Store
from tests import oracle
from tests.contract import examples
from tests.fuzz.receiving import Receiver

PLACES = [("message", chat) for chat in examples.CHATS]
PLACES += [
    (kind, "channel" if "channel" in kind else "private")
    for kind in examples.kinds_with_messages()
    if kind != "message"
]


@pytest.fixture
def receiver(store: Store, redis_dir: Path) -> Receiver:
    return Receiver(redis_dir, store)


def take(receiver: Receiver, updates: list[dict[str, Any]]) -> None:
    """Each is answered 200, and none of them is quarantined."""
    assert updates
    assert [faults for update in updates if (faults := oracle.faults_of_update(update))] == []
    numbered = [update | {"update_id": number} for number, update in enumerate(updates, 1)]
    answers = [(receiver.telegram(json.dumps(update).encode()), update) for update in numbered]
    assert [(status, update) for status, update in answers if status != 200] == []
    assert receiver.quarantined() == 0


def test_every_kind_of_update_is_accepted(receiver: Receiver) -> None:
    kinds = dict(examples.updates())
    assert {"message", "callback_query", "my_chat_member", "stopped_message_generation"} <= kinds.keys()
    take(receiver, list(kinds.values()))


@pytest.mark.parametrize(("kind", "chat"), PLACES)
def test_every_content_of_a_message_is_accepted(receiver: Receiver, kind: str, chat: str) -> None:
    """In every kind of chat, and in every kind of update that is a message."""
    contents = dict(examples.messages(chat))
    assert {"text", "photo", "voice", "rich_message", "forum_topic_created", "migrate_to_chat_id"} <= contents.keys()
    take(receiver, [{"update_id": 1, kind: message} for message in contents.values()])


def test_what_is_no_update_is_put_aside(receiver: Receiver) -> None:
    """Without this, nothing would be proven by what is not."""
    assert receiver.telegram(b'{"message": {}}') == 200
    assert receiver.quarantined() == 1
    assert oracle.faults_of_update({"message": {}})


def test_what_a_person_writes_is_kept(receiver: Receiver) -> None:
    """The examples are messages, and not something that is passed over."""
    text = dict(examples.messages("private"))["text"]
    assert receiver.telegram(json.dumps({"update_id": 1, "message": text}).encode()) == 200
    assert receiver.texts() == ["hola"]
