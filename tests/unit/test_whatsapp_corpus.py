"""Every body of the corpus, as WhatsApp's receiving half reads it."""

from __future__ import annotations

import json
import logging

import pytest

from bot.channels._whatsapp_payload import read_payload
from bot.errors import Unreadable
from bot.received import Received
from tests import whatsapp_bodies
from tests.whatsapp_bodies import NUMBER, Case

CASES = whatsapp_bodies.cases()


def read(body: bytes) -> Received:
    """As the receiver takes it: what is wholly unreadable says nothing."""
    try:
        return read_payload(body, {NUMBER})
    except Unreadable:
        return Received(unreadable=1)


def test_the_corpus_is_not_a_handful() -> None:
    ids = [message["id"] for case in CASES for message in case.messages]

    assert len(CASES) >= 80
    assert len(ids) >= 80
    assert len(ids) - len(set(ids)) == 1  # one is there twice on purpose


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "raw"])
def test_a_body_says_exactly_what_is_expected(case: Case, *, escaped: bool) -> None:
    """All its messages, statuses and aliases and no others, in Meta's escapes as in plain UTF-8."""
    text = json.dumps(case.body, ensure_ascii=escaped or "half" in case.name)

    assert whatsapp_bodies.told(read(text.encode()), case.expect) == whatsapp_bodies.expected(case), case.what


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_is_kept_of_a_person_is_theirs_alone(case: Case) -> None:
    """The platform's own words beside a message hold no other person's name, number or words."""
    for message in read(json.dumps(case.body).encode()).messages:
        kept = json.loads(message.raw)
        assert kept["message"]["id"] == message.id
        assert len(kept.get("contacts", [])) < 2
        assert kept["metadata"]["phone_number_id"] == NUMBER


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_another_number_hears_nothing_of_it(case: Case) -> None:
    """Nothing that came for one number is ever told as another's."""
    try:
        received = read_payload(json.dumps(case.body).encode(), {"555000000000009"})
    except Unreadable:
        return

    assert (received.messages, received.statuses, received.aliases) == ((), (), ())


@pytest.mark.parametrize("name", ["unsupported", "errors_only", "errors_beside"])
def test_an_error_of_metas_is_logged_by_its_code_alone(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Its words may quote what a person wrote."""
    [case] = [case for case in CASES if case.name == name]
    with caplog.at_level(logging.DEBUG):
        read(json.dumps(case.body).encode())

    assert any(code in caplog.text for code in ("131051", "130429", "131000"))
    assert "Message type" not in caplog.text
    assert "Rate limit" not in caplog.text
