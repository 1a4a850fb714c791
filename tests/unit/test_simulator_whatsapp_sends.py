"""The simulated Graph API takes what Meta takes from several numbers, refuses the rest, and notes who should know."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from time import monotonic
from typing import Any

import httpx
import pytest

from simulator.graph_trouble import Trouble
from simulator.weather import ON_THE_WAY_SECONDS
from simulator.whatsapp import WhatsAppServer
from tests.unit.webhooks import NUMBER, Webhook, statuses

SECOND = "106540352242923"
ANA, USER = "34600", "ES.13491208655302741918"
HELLO: dict[str, Any] = {"type": "text", "text": {"body": "hola"}}
TEMPLATE = {"type": "template", "template": {"name": "sigue", "language": {"code": "es"}}}


@pytest.fixture
def server() -> Iterator[WhatsAppServer]:
    with WhatsAppServer("bearer", NUMBER, "test-app-secret", "verify-me") as one:
        one.add_number(SECOND, "another")
        yield one


def call(server: WhatsAppServer, path: str, token: str = "bearer", **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.request("POST" if more else "GET", f"{server.url}{path}", headers=headers, verify=False, **more)


def send(server: WhatsAppServer, to: str = ANA, number: str = NUMBER, token: str = "bearer", **what: Any) -> Any:
    """The wamid of a message that was taken, or the code with which it was refused."""
    address = {"recipient": to} if to.startswith("ES.") else {"to": to}
    body = {"messaging_product": "whatsapp", **(what or HELLO)} | address
    answer = call(server, f"/v26.0/{number}/messages", token, json=body).json()
    return answer["messages"][0]["id"] if "messages" in answer else answer["error"]["code"]


def test_a_number_is_spoken_for_with_its_own_token_alone(server: WhatsAppServer) -> None:
    assert send(server, number=SECOND, token="another").startswith("wamid.")
    assert (send(server, number=SECOND), send(server, token="another"), send(server, token="x")) == (10, 10, 190)
    assert len(server.chat(f"{SECOND}/{ANA}")) == 1
    assert server.chat(ANA) == []


def test_a_user_id_is_reached_by_recipient_and_by_to_silently_not(server: WhatsAppServer) -> None:
    assert send(server, USER).startswith("wamid.")
    dropped = call(server, f"/{NUMBER}/messages", json=HELLO | {"messaging_product": "whatsapp", "to": USER}).json()

    assert [bubble.text for bubble in server.chat(USER)] == ["hola"]
    assert server.dropped == [dropped["messages"][0]["id"]]
    assert [one.taken for one in server.calls] == [True, False]


def test_whoever_has_a_new_number_is_not_reached_by_the_old_one(server: WhatsAppServer) -> None:
    server.say(ANA, "hola")
    server.change_number(ANA, "34611")

    assert send(server) == 131026
    assert send(server, "34611").startswith("wamid.")
    assert server.answers(ANA)[0].text == "hola"


def test_a_fourth_button_and_an_eleventh_row_are_too_many(server: WhatsAppServer) -> None:
    def asked(**action: Any) -> dict[str, Any]:
        return {"type": "interactive", "interactive": {"body": {"text": "¿Cuál?"}, "action": action}}

    button, row = {"type": "reply", "reply": {"id": "1", "title": "Sí"}}, {"id": "1", "title": "Sí"}
    assert send(server, **asked(buttons=[button] * 4)) == 100
    assert send(server, **asked(sections=[{"rows": [row] * 11}])) == 100
    assert send(server, **asked(buttons=[button] * 3)).startswith("wamid.")
    assert server.answers(ANA)[0].text == "¿Cuál?"


def test_after_a_day_by_its_own_clock_only_a_known_template_is_taken(server: WhatsAppServer) -> None:
    server.say(ANA, "hola")
    server.ahead = server.window_seconds + 1
    assert (send(server), send(server, **TEMPLATE)) == (131047, 132001)
    server.first.templates.add("sigue:es")
    assert send(server, **TEMPLATE).startswith("wamid.")
    assert send(server) == 131047
    assert server.forbidden == []

    server.say(ANA, "sigo aquí")
    assert send(server).startswith("wamid.")


def test_whoever_writes_though_every_clock_says_that_the_day_is_over_is_noted(server: WhatsAppServer) -> None:
    server.ahead = -server.window_seconds - 60
    server.say(ANA, "ayer")
    server.ahead = 0

    assert send(server) == 131047
    assert server.forbidden == ["whatsapp: to 34600 outside the window"]


def test_a_plan_is_for_the_next_message_to_one_person(server: WhatsAppServer) -> None:
    server.refuse_person(ANA, 131026)
    server.refuse_person(ANA, 131056, retry_after=60)

    assert (send(server, "34601")[:6], send(server), send(server), send(server)) == ("wamid.", 131026, 131056, 131056)
    assert [one.chat_id for one in server.early] == [ANA]


def test_a_plan_may_come_true_as_a_status(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.statuses = True
    whatsapp.refuse_person(ANA, 131049, later=True)
    wamid = send(whatsapp)

    (told,) = statuses(whatsapp, webhook)
    assert (told["id"], told["status"], told["errors"][0]["code"]) == (wamid, "failed", 131049)
    assert whatsapp.answers(ANA) == []


def test_a_window_that_is_planned_to_be_closed_stays_so_until_they_write(server: WhatsAppServer) -> None:
    server.refuse_person(ANA, 131047)
    assert [send(server), send(server)] == [131047, 131047]

    server.say(ANA, "aquí")
    assert send(server).startswith("wamid.")


def test_a_halted_number_takes_nothing_until_it_is_mended(server: WhatsAppServer) -> None:
    trouble = server.halt(133010, hold_seconds=60)
    assert (send(server), send(server, number=SECOND, token="another")[:6]) == (133010, "wamid.")

    server.mend()
    assert send(server).startswith("wamid.")
    assert (trouble.refused, server.forbidden) == (1, [])


def test_who_goes_on_sending_while_a_number_is_held_is_noted(server: WhatsAppServer) -> None:
    server.halt(190, hold_seconds=60)
    send(server)
    server.wait_until(lambda: monotonic() > server.calls[0].time + ON_THE_WAY_SECONDS)
    send(server, "34601")

    assert server.forbidden == ["whatsapp: to 34601 from a number on hold (190)"]


def test_one_message_tries_a_held_number_and_the_wait_doubles() -> None:
    """Times in seconds after the first refusal, and whether the call should not have come."""
    trouble = Trouble(190, 1.0)
    tries = [(0.0, False), (0.2, False), (0.5, True), (1.0, False), (1.1, True), (2.7, True), (3.0, False), (5.0, True)]
    assert [trouble.refuse(100 + at, 100 + at) for at, _ in tries] == [early for _, early in tries]


def test_service_messages_are_free_up_to_a_number_and_then_billed(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.statuses, whatsapp.first.free = True, 1
    send(whatsapp)
    send(whatsapp)

    priced = [(one["pricing"]["billable"], one["pricing"]["category"]) for one in statuses(whatsapp, webhook)]
    assert priced == [(False, "service")] * 2 + [(True, "service")] * 2


def test_a_status_names_its_person_as_meta_knows_them_now(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.statuses = True
    whatsapp.contacts.meet(ANA, USER)
    whatsapp.say(ANA, "hola")
    whatsapp.change_number(ANA, "34611")
    send(whatsapp, USER)

    told = statuses(whatsapp, webhook)
    assert [(one["recipient_id"], one["recipient_user_id"]) for one in told] == [("34611", USER)] * 2


def test_a_persons_file_is_fetched_in_two_steps_with_the_numbers_token(server: WhatsAppServer) -> None:
    body = server.send_file(ANA, "image", b"a picture", caption="mira")
    image = body["entry"][0]["changes"][0]["value"]["messages"][0]["image"]
    about = call(server, f"/v26.0/{image['id']}").json()
    path = about["url"].removeprefix(server.url)

    hashed = base64.b64encode(hashlib.sha256(b"a picture").digest()).decode()
    assert (image["sha256"], about["sha256"], about["mime_type"]) == (hashed, hashed, "image/jpeg")
    assert call(server, path).content == b"a picture"
    assert (call(server, path, "x").status_code, call(server, path, "another").status_code) == (401, 404)
    assert call(server, f"/{image['id']}", "another").json()["error"]["error_subcode"] == 33
    server.ahead = 301
    assert call(server, path).status_code == 404


def test_a_file_may_not_be_what_its_hash_says(server: WhatsAppServer) -> None:
    body = server.send_file(ANA, "document", b"true", name="menu.pdf", serves=b"false")
    document = body["entry"][0]["changes"][0]["value"]["messages"][0]["document"]
    about = call(server, f"/{document['id']}").json()

    assert document["filename"] == "menu.pdf"
    assert call(server, about["url"].removeprefix(server.url)).content == b"false"
    assert about["sha256"] == base64.b64encode(hashlib.sha256(b"true").digest()).decode()


def test_a_document_is_uploaded_and_then_sent_by_its_id(server: WhatsAppServer) -> None:
    data, files = {"messaging_product": "whatsapp"}, {"file": ("datos.json", b"{}", "application/json")}
    identity = call(server, f"/{NUMBER}/media", data=data, files=files).json()["id"]
    document = {"id": identity, "filename": "datos.json", "caption": "Tus datos"}

    assert send(server, type="document", document={"id": "1"}) == 100
    assert send(server, type="document", document=document, context={"message_id": "wamid.q"}).startswith("wamid.")
    (bubble,) = server.answers(ANA)
    assert (bubble.text, bubble.raw["quotes"]) == ("Tus datos", "wamid.q")
    assert server.files.kept[identity].content == b"{}"
