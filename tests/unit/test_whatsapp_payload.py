"""WhatsApp's receiving half: who may call, and what Meta's body says."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.channels.whatsapp import SIGNATURE_HEADER, WhatsApp
from bot.errors import Unreadable
from bot.message import Attachment, Message
from bot.received import Received
from bot.settings import load_settings
from tests.json_values import JSON, NO_OBJECTS

NUMBER = "106540352242922"
APP_SECRET = "0123456789abcdef0123456789abcdef"
CONFIGURED = {
    "whatsapp_token": SecretStr("EAAG-token"),
    "whatsapp_phone_number_id": NUMBER,
    "whatsapp_app_secret": SecretStr(APP_SECRET),
    "whatsapp_verify_token": SecretStr("palabra-ñ-secreta"),
}


def channel(**changed: Any) -> WhatsApp:
    found = WhatsApp.from_settings(load_settings(**(CONFIGURED | changed)))
    assert found is not None
    return found


WHATSAPP = channel()


def sign(body: bytes, secret: str = APP_SECRET) -> str:
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def receive_all(payload: Any) -> Received:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return WHATSAPP.receive({SIGNATURE_HEADER: sign(body)}, body)


def receive(payload: Any) -> tuple[Message, ...]:
    return receive_all(payload).messages


def text(key: str = "wamid.1", body: str = "hola", **parts: Any) -> dict[str, Any]:
    base = {"id": key, "from": "34600111222", "timestamp": "1760000000", "type": "text", "text": {"body": body}}
    return {name: value for name, value in (base | parts).items() if value is not None}


def change(*messages: Any, field: str = "messages", number: str = NUMBER, **parts: Any) -> dict[str, Any]:
    contacts = [{"wa_id": "34600111222", "profile": {"name": "Ana"}}]
    value = {"metadata": {"phone_number_id": number}, "contacts": contacts, "messages": list(messages), **parts}
    return {"field": field, "value": value}


def payload(*changes: Any) -> dict[str, Any]:
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": list(changes)}]}


def one(**parts: Any) -> Message:
    [found] = receive(payload(change(text(**parts))))
    return found


def test_a_text_becomes_a_message() -> None:
    found = one(body="¿Abrís hoy? 🙂", context={"id": "wamid.0"})
    kept = json.loads(found.raw)

    assert found == Message(
        id="wamid.1",
        conversation=f"whatsapp:{NUMBER}:34600111222",
        text="¿Abrís hoy? 🙂",
        sent_at=1_760_000_000.0,
        person="Ana",
        reply_to="wamid.0",
        raw=found.raw,
        bubble="wamid.1",
    )
    assert set(kept) == {"message", "contacts", "metadata"}
    assert kept["message"]["text"]["body"] == "¿Abrís hoy? 🙂"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"type": "button", "button": {"text": "Sí", "payload": "YES"}}, "Sí"),
        (
            {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "1", "title": "A"}}},
            "A",
        ),
        ({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "B"}}}, "B"),
        ({"type": "interactive", "interactive": {"type": "of_next_year"}}, ""),
        ({"type": None}, "hola"),
    ],
    ids=["button", "button reply", "list reply", "unknown interactive", "no type"],
)
def test_an_answer_by_button_is_a_text(parts: dict[str, Any], words: str) -> None:
    assert one(**parts).text == words


@pytest.mark.parametrize("kind", ["image", "audio", "video", "document", "sticker"])
def test_a_file_is_kept_with_its_caption(kind: str) -> None:
    found = one(type=kind, **{kind: {"id": "m1", "mime_type": "a/b", "filename": "n.x", "caption": "mira"}})

    assert (found.text, found.attachments) == ("mira", (Attachment(kind, "m1", "a/b", "n.x"),))


@pytest.mark.parametrize("kind", ["location", "contacts", "order", "unsupported", "of_next_year"])
def test_what_we_cannot_read_is_kept_by_its_kind(kind: str) -> None:
    found = one(type=kind, **{kind: [{}] if kind == "contacts" else {"x": 1}})

    assert (found.text, found.attachments) == ("", (Attachment(kind, ""),))


@pytest.mark.parametrize("kind", ["reaction", "system", "edit", "revoke", "request_welcome"])
def test_what_is_no_message_is_not_answered(kind: str) -> None:
    assert receive(payload(change(text(type=kind), text("wamid.2")))) == (one(key="wamid.2"),)


@pytest.mark.parametrize(
    ("parts", "contacts", "user"),
    [
        ({}, [], "34600111222"),
        ({"from": ""}, [{"wa_id": "34600333444"}], "34600333444"),
        ({"from": None, "from_user_id": "ES.abc123"}, [], "ES.abc123"),
        ({"from": None}, [{"user_id": "ES.abc123", "profile": {}}], "ES.abc123"),
        ({"from": None, "from_user_id": "ES:ENT:1"}, [], "ES-ENT-1"),
        ({"from": "2"}, [{"wa_id": "1"}, {"wa_id": "2", "profile": {"name": "Bea"}}], "2"),
    ],
    ids=["phone", "contact's phone", "user id", "contact's user id", "colons", "one of two contacts"],
)
def test_a_person_is_known_by_phone_or_else_by_user_id(parts: dict[str, Any], contacts: list[Any], user: str) -> None:
    [found] = receive(payload(change(text(**parts), contacts=contacts)))

    assert found.conversation == f"whatsapp:{NUMBER}:{user}"


def test_every_message_of_every_change_of_every_entry_is_read() -> None:
    """However Meta puts them together, the same ones arrive."""
    messages = [text(f"wamid.{i}", timestamp=str(1_760_000_000 + i)) for i in range(12)]
    shuffle = random.Random(7)
    for _ in range(20):
        shuffled = shuffle.sample(messages, 12)
        first, second = sorted(shuffle.sample(range(13), 2))
        parts = [shuffled[:first], shuffled[first:second], shuffled[second:]]
        body = {"entry": [{"changes": [change(*parts[0]), change(*parts[1], statuses=[{"id": "s"}])]}]}
        body["entry"].append({"changes": [change(*parts[2])]})

        assert [found.id for found in receive(body)] == [f"wamid.{i}" for i in range(12)]


def test_the_same_second_keeps_the_order_of_the_body() -> None:
    found = receive(payload(change(text("wamid.b"), text("wamid.x", timestamp=None), text("wamid.a"))))

    assert [message.id for message in found] == ["wamid.b", "wamid.x", "wamid.a"]


@pytest.mark.parametrize(
    "body",
    [
        {"object": "whatsapp_business_account"},
        {"object": "page", "entry": []},
        payload(),
        {"entry": [{"id": "1"}]},
        payload({"field": "messages", "value": {"metadata": {"phone_number_id": NUMBER}, "statuses": [{"id": "x"}]}}),
        payload({"field": "messages", "value": {"metadata": {"phone_number_id": NUMBER}, "errors": [{"code": 1}]}}),
        payload(change(text(), field="smb_message_echoes")),
    ],
    ids=range(7),
)
def test_what_says_nothing_is_accepted(body: Any) -> None:
    assert receive_all(body) == Received()


@pytest.mark.parametrize(
    "body",
    [
        payload(change(text(), field="standby")),
        payload(change(text(), number="999")),
        payload(change(text(group_id="g1"))),
        payload({"field": "account_update", "value": "anything"}),
    ],
    ids=range(4),
)
def test_what_is_not_for_us_is_kept_and_not_answered(body: Any) -> None:
    assert receive_all(body) == Received(unserved=True)


BROKEN = {
    "no id": text(id=None),
    "no sender": text(**{"from": None}),
    "a number as text": text(text={"body": 5}),
    "half a character": text(body="\ud800"),
    "a list as text": text(text=[]),
    "no object": "hola",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_one_broken_message_does_not_hold_up_the_others(broken: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = receive(payload(change(broken, text("wamid.2"), contacts=[])))

    assert [message.id for message in found] == ["wamid.2"]
    assert "1 of 2" in caplog.text
    with pytest.raises(Unreadable):
        receive(payload(change(broken, contacts=[])))


@pytest.mark.parametrize(
    "body",
    [
        *NO_OBJECTS.values(),
        b'{"entry":{}}',
        b'{"entry":[1]}',
        b'{"entry":[{"changes":1}]}',
        b'{"entry":[{"changes":[{"field":"messages","value":1}]}]}',
        json.dumps(payload(change(messages="x"))).encode(),
        json.dumps(payload(change(text(), metadata=[]))).encode(),
    ],
    ids=range(16),
)
def test_what_meta_never_sends_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        receive(body)


FIELDS = ["id", "from", "timestamp", "type", "text", "image", "interactive", "context", "group_id", "from_user_id",
          "system", "edit", "revoke", "location", "contacts", "order", "unsupported", "referral", "errors"]  # fmt: skip
KINDS = ["text", "image", "interactive", "system", "edit", "revoke", "location", "contacts", "order", "x"]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4), st.sampled_from(KINDS), JSON)
@settings(max_examples=300, deadline=None)
def test_no_body_ends_in_another_error(parts: dict[str, Any], kind: str, contacts: Any) -> None:
    """Read or Unreadable: a third outcome would be a 5xx, and Meta would send it again for a week."""
    message = text(type=kind, **{kind: {"type": "user_changed_number", "original_message_id": "wamid.0"}}) | parts
    body = json.dumps(payload(change(message, contacts=contacts))).encode()
    try:
        found = receive(body)
    except Unreadable:
        return
    for message in found:
        "".join((message.raw, message.conversation, *message.also, message.quoted, message.person)).encode()
