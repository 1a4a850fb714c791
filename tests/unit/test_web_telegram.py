"""What Telegram tells the receiver beside messages: presses, moves, edits, and what we do not serve."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot import web
from bot.stores import mailbox as mailbox_module
from bot.stores.alias import names
from bot.stores.connection import Store, key
from bot.stores.entries import unpack_entry
from bot.stores.mailbox import COUNTS, QUARANTINE, UNSERVED
from tests.unit.test_telegram_updates import UNSERVED as KINDS
from tests.unit.test_web import ANA, settings, telegram, update

GROUP, SUPERGROUP = "telegram:7123456:-55", "telegram:7123456:-10055"


@pytest.fixture
def client(store: Store, redis_dir: Any) -> FlaskClient:
    return web.create_app(settings(redis_dir)).test_client()


def waiting(store: Store, conversation: str = ANA) -> list[str]:
    entries = store.client.lrange(key(conversation, "in"), 0, -1)
    return [unpack_entry(entry, conversation).text for entry in entries]


def press(data: str, number: int = 7) -> dict[str, Any]:
    chat = {"id": 555, "type": "private"}
    under = {"message_id": 70, "date": 5, "chat": chat, "from": {"id": 7123456, "is_bot": True, "first_name": "R"}}
    person = {"id": 555, "is_bot": False, "first_name": "Ana"}
    query = {"id": "q1", "from": person, "message": under, "chat_instance": "1", "data": data}
    return {"update_id": number, "callback_query": query}


def edit(number: int, bubble: int, text: str) -> dict[str, Any]:
    edited = update(bubble, text)["message"] | {"edit_date": 9}
    return {"update_id": number, "edited_message": edited}


def move(number: int, chat: int, **parts: int) -> dict[str, Any]:
    kind = "supergroup" if chat < -1000 else "group"
    told = update(number)["message"] | {"chat": {"id": chat, "type": kind, "title": "B"}} | parts
    return {"update_id": number, "message": {name: value for name, value in told.items() if name != "text"}}


def in_group(number: int, chat: int, text: str) -> dict[str, Any]:
    told = update(number, text)
    told["message"]["chat"] = {"id": chat, "type": "group" if chat > -1000 else "supergroup", "title": "B"}
    return told


def test_a_press_is_answered_in_the_response_and_stops(client: FlaskClient, store: Store) -> None:
    """Telegram takes a method in its webhook's response: no call of ours is needed for it."""
    answers = [telegram(client, press("stop")) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.get_json()["method"] for answer in answers] == ["answerCallbackQuery"] * 2
    assert answers[0].get_json()["callback_query_id"] == "q1"
    assert waiting(store) == ["/stop"]


def test_an_unknown_press_is_answered_too_and_leaves_nothing(client: FlaskClient, store: Store) -> None:
    assert telegram(client, press("buy")).get_json()["callback_query_id"] == "q1"
    assert waiting(store) == []


def test_other_updates_get_an_empty_answer(client: FlaskClient) -> None:
    """Whatever stood there would be taken for a call."""
    assert telegram(client, update()).data == b""
    assert telegram(client, {"update_id": 5, "poll": {"id": "1"}}).data == b""


def test_an_edit_takes_the_place_of_what_waits(client: FlaskClient, store: Store) -> None:
    for one in (update(1, "hola"), update(2, "¿abrís?"), edit(3, 1, "buenas")):
        assert telegram(client, one).status_code == 200

    assert waiting(store) == ["buenas", "¿abrís?"]


def test_an_edit_of_what_was_never_heard_of_is_no_message(client: FlaskClient, store: Store) -> None:
    assert telegram(client, edit(3, 1, "buenas")).status_code == 200
    assert waiting(store) == []


@pytest.mark.parametrize("first", ["old", "new"])
def test_a_move_is_known_before_anything_that_comes_after_it(client: FlaskClient, store: Store, first: str) -> None:
    """Each chat tells of it in its own queue; whichever is heard first, what follows belongs together."""
    telegram(client, in_group(1, -55, "antes"))
    told = [move(2, -55, migrate_to_chat_id=-10055), move(3, -10055, migrate_from_chat_id=-55)]
    told = told if first == "old" else told[::-1]
    telegram(client, told[0])
    telegram(client, in_group(4, -10055, "después"))
    telegram(client, told[1])
    telegram(client, in_group(5, -10055, "luego"))

    assert names(store) == {SUPERGROUP: GROUP}
    assert waiting(store, GROUP) == ["antes", "después", "luego"]
    assert waiting(store, SUPERGROUP) == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_served_is_kept_counted_and_not_answered(client: FlaskClient, store: Store, kind: str) -> None:
    body = json.dumps({"update_id": 5, kind: update()["message"]}).encode()
    assert telegram(client, body).status_code == 200

    assert store.client.lrange(UNSERVED, 0, -1) == [b"1|telegram|" + body]
    assert store.client.llen(QUARANTINE) == 0
    assert not store.client.keys("recado:{*")
    assert 'recado_requests_unserved_total{channel="telegram"} 1.0' in client.get("/metrics").text


def test_what_is_kept_has_a_bound(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first, and whoever sends reactions all day pushes nothing out of the quarantine."""
    monkeypatch.setattr(mailbox_module, "UNSERVED_KEPT", 3)
    telegram(client, b"unreadable")
    for number in range(6):
        telegram(client, {"update_id": number, "message_reaction": {"n": number}})

    kept = [json.loads(record.split(b"|", 2)[2])["update_id"] for record in store.client.lrange(UNSERVED, 0, -1)]
    assert kept == [5, 4, 3]
    assert store.client.llen(QUARANTINE) == 1
    sizes = {name: int(store.client.hget(COUNTS, f"{name}_bytes")) for name in ("unserved", "quarantine")}
    assert sizes == {"unserved": sum(map(len, store.client.lrange(UNSERVED, 0, -1))), "quarantine": 21}
