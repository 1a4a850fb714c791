"""A body may hold thousands of messages; what it costs to read grows with it and no faster."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

from bot.channels._whatsapp_payload import read_payload

NUMBER = "1065403"


def body(people: int) -> bytes:
    """Each person once, each with a contact of their own, in the opposite order."""
    phones = [str(34_600_000_000 + number) for number in range(people)]
    messages = [{"from": one, "id": f"wamid.{one}", "type": "text", "text": {"body": f"soy {one}"}} for one in phones]
    contacts = [{"wa_id": one, "profile": {"name": f"Ana {one}"}} for one in reversed(phones)]
    value: dict[str, Any] = {"metadata": {"phone_number_id": NUMBER}, "contacts": contacts, "messages": messages}
    return json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()


def seconds(raw: bytes) -> float:
    def once() -> float:
        started = process_time()
        read_payload(raw, {NUMBER})
        return process_time() - started

    return min(once() for _ in range(3))


def test_everybody_in_a_large_body_is_told_by_their_own_contact() -> None:
    received = read_payload(body(2000), {NUMBER})

    assert len(received.messages) == 2000
    assert all(one.person == f"Ana {one.text.removeprefix('soy ')}" for one in received.messages)


def test_eight_times_the_messages_cost_about_eight_times_as_much() -> None:
    """With a square in it they would cost sixty-four times as much."""
    assert seconds(body(4000)) < 32 * seconds(body(500))
