"""Half a character in a name or an id: Redis cannot hold it, and a 5xx would let Meta send it again for a week."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.channels._whatsapp_payload import read_payload
from bot.errors import Unreadable

NUMBER, HALF = "555000000000001", "\ud800"
MOVED = {"type": "user_changed_number", "wa_id": "34600000002"}
SAID = {"id": "x", "type": "text", "text": {"body": "hola"}}


def read(message: dict[str, Any], field: str = "messages", **more: Any) -> None:
    messages = "messages" if field == "messages" else "message_echoes"
    value = {"metadata": {"phone_number_id": NUMBER}, messages: [message]} | more
    read_payload(json.dumps({"entry": [{"changes": [{"field": field, "value": value}]}]}).encode(), {NUMBER})


@pytest.mark.parametrize("name", ["wa_id", "user_id", "parent_user_id"])
def test_of_a_contact(name: str) -> None:
    with pytest.raises(Unreadable):
        read(SAID, contacts=[{name: HALF}])


@pytest.mark.parametrize(
    "message",
    [
        SAID | {"from": HALF},
        SAID | {"from": "34600000001", "id": HALF},
        {"id": HALF, "from": "34600000001", "type": "system", "system": MOVED},
        {"id": "x", "from": "34600000001", "type": "system", "system": MOVED | {"wa_id": HALF}},
        {"id": "x", "from": HALF, "type": "system", "system": MOVED},
        {"id": "x", "from": "34600000001", "type": "revoke", "revoke": {"original_message_id": HALF}},
    ],
)
def test_of_a_message(message: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read(message)


@pytest.mark.parametrize("name", ["to", "to_user_id"])
def test_of_an_echo(name: str) -> None:
    with pytest.raises(Unreadable):
        read(SAID | {name: HALF}, field="smb_message_echoes")
