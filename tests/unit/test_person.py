"""Who is meant by a name, and everything that is stored of them as one document."""

from __future__ import annotations

import json

import pytest

from bot.errors import RecadoError
from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from bot.stores.person import Person, export, find
from tests.unit.everything import BEA, CHAT, HERE, THERE, WORDS, be_neighbour, live, said


@pytest.mark.parametrize(
    ("name", "theirs", "not_theirs"),
    [
        ("555", ["telegram:7:555", "telegram:8:555:12", "whatsapp:9:555"], ["telegram:555:7", "telegram:7:5551"]),
        ("telegram:555", ["telegram:7:555", "telegram:8:555:12"], ["whatsapp:9:555", "telegram:7:-555"]),
        ("telegram:7:555", ["telegram:7:555"], ["telegram:8:555", "telegram:7:555:12"]),
        ("telegram:7:555:12", ["telegram:7:555:12"], ["telegram:7:555", "telegram:7:555:13"]),
        ("+34600111222", ["whatsapp:9:34600111222"], ["whatsapp:9:+34600111222", "whatsapp:34600111222:9"]),
        ("+34 600 111-222", ["whatsapp:9:34600111222"], ["telegram:7:-34600111222"]),
        ("whatsapp:0034 (600) 111 222", ["whatsapp:9:34600111222"], ["telegram:7:34600111222"]),
        ("-1001234", ["telegram:7:-1001234"], ["telegram:7:1001234"]),
    ],
)
def test_a_name_means_exactly_its_conversations(name: str, theirs: list[str], not_theirs: list[str]) -> None:
    person = Person.parse(name)
    assert [one for one in theirs + not_theirs if person.owns(one)] == theirs


@pytest.mark.parametrize("name", ["", " ", ":", "telegram:", ":555", "telegram:7:555:12:9", "@ana", "telegram:@ana"])
def test_what_names_nobody_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(RecadoError, match="34600111222"):
        Person.parse(name)


@pytest.mark.parametrize(
    "body",
    [
        '{"from":"555"}', '{"chat":{"id":555}}', "[[[555]]]", '{"555":1}', '{"a":555', '"555"', "[1, 555 ,2",
        '{"id" : 555}', '{"from":"555"}'.encode("utf-16"), b'{"from":"555","text":"\xff', "[" * 5000 + "555",
        '{"to":"+555"}', '{"to":"+555"',
    ],
)  # fmt: skip
def test_a_body_names_whose_id_stands_in_it_whole(body: str | bytes) -> None:
    assert Person.parse("555").is_in("telegram", body if isinstance(body, bytes) else body.encode())


@pytest.mark.parametrize(
    "body",
    [
        '{"from":"1555"}', '{"id":5555}', '{"id":555.5}', '{"id":-555}', '{"text":"call 555-1"}', '{"id":1555',
        '{"id":5550', '{"id":"555a', '{"id":-555', '{"id":555.5',
    ],
)  # fmt: skip
def test_a_longer_number_is_somebody_else(body: str) -> None:
    assert not Person.parse("555").is_in("telegram", body.encode())


def test_a_body_of_another_channel_is_somebody_elses() -> None:
    assert Person.parse("telegram:555").is_in("telegram", b'{"id":555}')
    assert not Person.parse("telegram:555").is_in("whatsapp", b'{"id":555}')
    assert not Person.parse("telegram:7:555").is_in("whatsapp", b'{"id":555}')


def test_the_neighbour_with_the_longer_number_is_not_found(store: Store, mailbox: Mailbox) -> None:
    """Names are compared as a whole, and a star is a star."""
    mailbox.accept([said(1, f"whatsapp:1:{CHAT}0"), said(2, f"whatsapp:1:1{CHAT}"), said(3, "whatsapp:1:ES.a*b")])
    assert not find(store, Person.parse(CHAT))
    assert not find(store, Person.parse("*"))
    assert list(find(store, Person.parse("ES.a*b")).conversations) == ["whatsapp:1:ES.a*b"]


def test_an_export_holds_everything_of_them_and_nothing_of_others(store: Store) -> None:
    """Waiting, being answered, history, undelivered, dead, quarantine, language and times."""
    live(store)
    be_neighbour(store)
    document = export(store, Person.parse(CHAT))
    telegram, whatsapp = document["conversations"]

    assert (telegram["conversation"], whatsapp["conversation"]) == (THERE, HERE)
    assert [message["text"] for message in whatsapp["being_answered"]] == [f"{WORDS} 2"]
    assert [message["text"] for message in whatsapp["waiting"]] == [f"{WORDS} 3"]
    assert [(turn["role"], turn["text"]) for turn in whatsapp["history"]] == [
        ("user", WORDS), ("assistant", f"re: {WORDS}"),
    ]  # fmt: skip
    assert whatsapp["language"] == "es"
    assert [message["text"] for message in telegram["dead"]] == [f"{WORDS} 1"]
    assert telegram["state"]["dead_reason"] == f"broke on {WORDS}"
    assert telegram["undelivered"][0]["pieces"][0]["text"] == f"sorry, {WORDS}"
    assert telegram["dead"][0]["accepted_at"].startswith("20")
    assert telegram["dead"][0]["raw"]
    assert whatsapp["due_at"]
    assert len(document["quarantine"]) == 2
    assert BEA.rpartition(":")[2] not in json.dumps(document)


def kept(to: str, *people: str) -> bytes:
    """A body about what several people wrote to one number."""
    messages = [{"from": one, "id": f"of {one}", "text": {"body": f"words of {one}"}} for one in people]
    value = {"metadata": {"phone_number_id": to}, "contacts": [{"wa_id": one} for one in people], "messages": messages}
    return json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()


def test_of_a_body_about_several_people_each_gets_their_own_part(store: Store, mailbox: Mailbox) -> None:
    mailbox.quarantine("whatsapp", kept("1", CHAT, "34600000009"), "1")
    (part,) = export(store, Person.parse(CHAT))["quarantine"]

    assert f"words of {CHAT}" in part
    assert "34600000009" not in part


def test_what_a_person_said_to_another_business_is_not_in_their_conversations_export(
    store: Store, mailbox: Mailbox
) -> None:
    """Nor does it go when that conversation does, where it came apart."""
    own, both = kept("1", CHAT), json.loads(kept("1", CHAT))
    both["entry"] += json.loads(kept("2", CHAT).replace(b"words", b"secrets"))["entry"]
    mailbox.accept([said(1, here := f"whatsapp:1:{CHAT}")])
    for body in (own, kept("2", CHAT), json.dumps(both).encode()):
        mailbox.quarantine("whatsapp", body, "1,2")
    parts = export(store, Person.parse(here))["quarantine"]

    assert [json.loads(part)["entry"][0]["changes"][0]["value"]["metadata"] for part in parts] == [
        {"phone_number_id": "1"}
    ] * 2
    assert "secrets" not in str(parts)
    assert len(find(store, Person.parse(here)).quarantined) == 2
    assert len(export(store, Person.parse(CHAT))["quarantine"]) == 3


@pytest.mark.parametrize("number", ["1", 1, None, [], {}])
def test_a_body_that_names_no_account_that_can_be_read_is_the_persons_too(number: object) -> None:
    body = json.dumps({"metadata": {"phone_number_id": number}, "messages": [{"from": CHAT}]}).encode()

    assert Person.parse(f"whatsapp:1:{CHAT}").is_in("whatsapp", body)


def test_of_a_stranger_there_is_nothing(store: Store) -> None:
    be_neighbour(store)
    assert export(store, Person.parse(CHAT)) == {}
