"""Whatever people do on the simulated WhatsApp reaches the webhook as Meta words it, and stands in their chats."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from werkzeug.wrappers import Response

from simulator import graph_shapes as shapes
from simulator.graph_people import Contacts, some_user_id
from simulator.people import People, Person
from simulator.whatsapp import WhatsAppServer
from tests.unit.webhooks import APP_SECRET, NUMBER, Webhook, values_of

SECOND = "106540352242923"
ANA, OTHER = "34600", "34611"
USER = "ES.13491208655302741918"


def bodies(whatsapp: WhatsAppServer, webhook: Webhook) -> list[bytes]:
    """Everything that was delivered, once nothing is on its way."""
    assert whatsapp.wait_until(lambda: not whatsapp.delivery.pending, 20)
    return [raw for _, raw, _ in webhook.got]


def messages(whatsapp: WhatsAppServer, webhook: Webhook) -> list[dict[str, Any]]:
    return [one for raw in bodies(whatsapp, webhook) for each in values_of(raw) for one in each.get("messages", ())]


def sent(body: dict[str, Any]) -> str:
    """The id of the message in a body."""
    return str(body["entry"][0]["changes"][0]["value"]["messages"][0]["id"])


@pytest.mark.parametrize(
    "part",
    [
        shapes.location(40.4, -3.7, "Taller", "Calle Mayor 1"),
        shapes.contacts("Luis", "34622"),
        shapes.order("cat", {"pan": 2}, words="sin sal"),
        shapes.button("Sí"),
        shapes.reply_button("Sí"),
        shapes.list_choice("Martes", description="por la mañana"),
        shapes.unsupported(),
        shapes.unsupported("edit", shapes.NOT_AVAILABLE),
    ],
)
def test_each_shape_comes_from_its_sender_with_its_part(
    whatsapp: WhatsAppServer, webhook: Webhook, part: shapes.Part
) -> None:
    whatsapp.send(ANA, part, "words")

    (found,) = messages(whatsapp, webhook)
    assert found["from"] == ANA
    assert found | part == found
    assert [bubble.text for bubble in whatsapp.chat(ANA)] == ["words"]


def test_somebody_who_hides_their_number_has_a_user_id_alone(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.say(USER, "hola")

    (raw,) = bodies(whatsapp, webhook)
    (found,) = values_of(raw)
    assert ("from" in found["messages"][0], found["messages"][0]["from_user_id"]) == (False, USER)
    assert ("wa_id" in found["contacts"][0], found["contacts"][0]["user_id"]) == (False, USER)
    assert whatsapp.said[0].chat_id == USER


def test_who_has_both_comes_with_both_and_fields_may_be_missing(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.contacts.meet(ANA, USER)
    whatsapp.say(ANA, "uno")
    whatsapp.send(USER, shapes.text("dos"), "dos", forgets=("from", "contacts"))

    first, second = messages(whatsapp, webhook)
    assert (first["from"], first["from_user_id"]) == (ANA, USER)
    assert ("from" in second, second["from_user_id"]) == (False, USER)
    assert "contacts" not in values_of(bodies(whatsapp, webhook)[1])[0]
    assert [one.chat_id for one in whatsapp.said] == [ANA, ANA]


def test_a_new_number_is_told_by_its_old_one_and_the_chat_goes_on(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.say(ANA, "hola")
    whatsapp.change_number(ANA, OTHER)
    whatsapp.say(ANA, "soy yo")

    _, system, later = messages(whatsapp, webhook)
    assert (system["from"], system["system"]["type"]) == (ANA, "user_changed_number")
    assert system["system"]["wa_id"] == later["from"] == OTHER
    assert [bubble.text for bubble in whatsapp.chat(ANA)] == ["hola", "soy yo"]


def test_whoever_gets_a_number_that_was_given_up_has_a_chat_of_their_own(whatsapp: WhatsAppServer) -> None:
    whatsapp.say(ANA, "hola")
    whatsapp.change_number(ANA, OTHER)
    stranger = whatsapp.contacts.meet(ANA)
    whatsapp.say(stranger.chat, "buenas")

    assert [one.text for one in whatsapp.chat(ANA)] == ["hola"]
    assert [one.text for one in whatsapp.chat(f"{ANA}~1")] == ["buenas"]


def test_a_new_user_id_names_the_one_before(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    new = some_user_id()
    whatsapp.say(USER, "hola")
    whatsapp.change_user_id(USER, new)

    system = messages(whatsapp, webhook)[-1]
    assert "from" not in system
    assert (system["system"]["previous_user_id"], system["system"]["user_id"]) == (USER, new)
    assert whatsapp.contacts.at(new) is whatsapp.contacts.of(USER)


def test_nobody_is_reached_by_what_they_gave_up() -> None:
    people = Contacts()
    ana = people.meet(ANA, USER)
    people.move(ana, phone=OTHER, user_id=USER)

    assert (people.at(ANA), people.at(OTHER), people.at(USER)) == (None, ana, ana)
    assert (people.gone(ANA), people.gone(OTHER), people.gone("1")) == (True, False, False)


def test_an_echo_names_the_customer_and_is_nobodys_message(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.say(ANA, "hola")
    whatsapp.echo(ANA, "ahora te atiendo")

    raw = bodies(whatsapp, webhook)[-1]
    change = json.loads(raw)["entry"][0]["changes"][0]
    (found,) = change["value"]["message_echoes"]
    assert change["field"] == "smb_message_echoes"
    assert (found["from"], found["to"], found["text"]["body"]) == ("34600000000", ANA, "ahora te atiendo")
    assert [(one.who, one.text) for one in whatsapp.chat(ANA)][1] == ("business", "ahora te atiendo")
    assert (whatsapp.answers(ANA), len(whatsapp.said)) == ([], 1)
    assert whatsapp.echoed[0].accepted is not None


def test_an_edit_a_revocation_and_a_reaction_name_what_they_are_about(
    whatsapp: WhatsAppServer, webhook: Webhook
) -> None:
    first, second = sent(whatsapp.say(ANA, "a las dos")), sent(whatsapp.say(ANA, "nada"))
    whatsapp.edit_said(ANA, first, "a las tres")
    whatsapp.revoke(ANA, second)
    whatsapp.react(ANA, first, "👍")

    *_, edit, revoke, reaction = messages(whatsapp, webhook)
    assert (edit["edit"]["original_message_id"], edit["edit"]["message"]["text"]["body"]) == (first, "a las tres")
    assert revoke["revoke"]["original_message_id"] == second
    assert reaction["reaction"] == {"message_id": first, "emoji": "👍"}
    assert [one.text for one in whatsapp.chat(ANA)] == ["a las tres"]
    assert whatsapp.revoked[second].accepted is not None


def test_what_metas_own_assistant_holds_comes_as_standby(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.stand_by(ANA, "hola")

    (raw,) = bodies(whatsapp, webhook)
    assert json.loads(raw)["entry"][0]["changes"][0]["field"] == "standby"
    assert whatsapp.said == []


def test_each_number_signs_with_its_apps_secret_and_keeps_its_chats_apart(
    whatsapp: WhatsAppServer, webhook: Webhook
) -> None:
    whatsapp.add_number(SECOND, "another", app_secret="f" * 32)
    whatsapp.say(ANA, "al taller")
    whatsapp.say(ANA, "a la tienda", number=SECOND)

    assert whatsapp.wait_until(lambda: not whatsapp.delivery.pending, 20)
    signed = {}
    for _, raw, headers in webhook.got:
        number = values_of(raw)[0]["metadata"]["phone_number_id"]
        secret = {NUMBER: APP_SECRET, SECOND: "f" * 32}[number].encode()
        signed[number] = headers["X-Hub-Signature-256"] == f"sha256={hmac.digest(secret, raw, hashlib.sha256).hex()}"
    assert signed == {NUMBER: True, SECOND: True}
    assert [one.text for one in whatsapp.chat(ANA)] == ["al taller"]
    assert [one.text for one in whatsapp.chat(f"{SECOND}/{ANA}")] == ["a la tienda"]


def test_what_the_webhook_was_sent_and_answered_is_on_record(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    webhook.answers = [Response(status=503)]
    whatsapp.say(ANA, "hola")

    (raw, again) = bodies(whatsapp, webhook)
    assert [(answer.status, body) for answer, body in whatsapp.delivered] == [(503, raw), (200, again)]


def test_people_may_write_to_a_further_number(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.add_number(SECOND, "another")
    text = People(whatsapp, 1, rate=10, number=SECOND).write_one(Person(0, ANA))

    (raw,) = bodies(whatsapp, webhook)
    assert values_of(raw)[0]["metadata"]["phone_number_id"] == SECOND
    assert whatsapp.chat(f"{SECOND}/{ANA}")[0].text == text


def test_packed_bodies_never_put_two_numbers_into_one_value(whatsapp: WhatsAppServer, webhook: Webhook) -> None:
    whatsapp.add_number(SECOND, "another")
    whatsapp.batch = (3, 5)
    for place in range(20):
        whatsapp.say(str(34600 + place % 4), f"n{place}", number=SECOND if place % 2 else "")

    found = [value for raw in bodies(whatsapp, webhook) for value in values_of(raw)]
    texts = {
        number: {one["text"]["body"] for value in found for one in value["messages"]
                 if value["metadata"]["phone_number_id"] == number}
        for number in (NUMBER, SECOND)
    }  # fmt: skip
    assert texts == {NUMBER: {f"n{n}" for n in range(0, 20, 2)}, SECOND: {f"n{n}" for n in range(1, 20, 2)}}


def test_a_chat_is_with_the_number_that_it_names_and_else_with_the_first(whatsapp: WhatsAppServer) -> None:
    """Somebody's own name may hold a slash, as no telephone's does."""
    whatsapp.add_number(SECOND, "another-token")
    parties = [whatsapp.parties(chat) for chat in (ANA, f"{SECOND}/{ANA}", "</b>")]
    assert [(number.phone_number_id, contact.chat) for number, contact in parties] == [
        (NUMBER, ANA), (SECOND, ANA), (NUMBER, "</b>"),
    ]  # fmt: skip
