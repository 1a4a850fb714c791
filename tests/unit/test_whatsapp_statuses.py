"""What WhatsApp tells later of our bubbles, and what it cannot do to anything else."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.received import Received, Status
from tests.json_values import JSON
from tests.unit.test_whatsapp_payload import NUMBER, change, payload, receive_all, text

OURS = "0123456789ab.7.0"
ANA = f"whatsapp:{NUMBER}:34600111222"


def status(kind: str = "sent", **parts: Any) -> dict[str, Any]:
    base = {"id": "wamid.9", "status": kind, "timestamp": "1760000000", "recipient_id": "34600111222"}
    base["biz_opaque_callback_data"] = OURS
    return {name: value for name, value in (base | parts).items() if value is not None}


def error(code: Any, **words: Any) -> dict[str, Any]:
    return {"code": code, "title": "Title", "message": "Message", **words}


def statuses(*told: Any, **parts: Any) -> tuple[Status, ...]:
    return receive_all(payload(change(statuses=list(told), **parts))).statuses


@pytest.mark.parametrize("kind", ["sent", "delivered", "read", "played"])
def test_whatever_comes_after_acceptance_says_that_the_bubble_was_sent(kind: str) -> None:
    assert statuses(status(kind)) == (Status(ANA, OURS, "sent", "", "wamid.9", kind, 1_760_000_000.0),)


@pytest.mark.parametrize(
    ("errors", "outcome", "reason"),
    [
        ([error(131026)], "failed", "131026: this person cannot get WhatsApp messages from this number"),
        ([error(131000, error_data={"details": "Something\nwent wrong"})], "again", "131000: Something went wrong"),
        ([error(131000)], "again", "131000: Message"),
        ([error(131000, message=None)], "again", "131000: Title"),
        ([error(190, message="Malformed access token EAAGm0PX4ZCpsBO1234")], "halted", "190: Malformed access token *"),
        ([error(131000, message="\ud800")], "again", "131000: ?"),
        ([error(131000, message="a\x1b[31m\u202eb")], "again", "131000: a?[31m?b"),
        ([error(131000, message=None, title={})], "again", "131000: no reason given"),
        ([error("131026"), error(True), 5], "failed", "0: no reason given"),
        ([], "failed", "0: no reason given"),
        (None, "failed", "0: no reason given"),
        ("x", "failed", "0: no reason given"),
        ([error(1), error(131047)], "parked", "131047: the person last wrote more than 24 hours ago; until"),
    ],
)
def test_a_failure_names_its_code_and_a_closed_window_is_none(errors: Any, outcome: str, reason: str) -> None:
    [found] = statuses(status("failed", errors=errors))

    assert (found.conversation, found.reference, found.outcome, found.bubble) == (ANA, OURS, outcome, "wamid.9")
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("parts", "user"),
    [
        ({"recipient_id": None, "recipient_user_id": "ES.abc123"}, "ES.abc123"),
        ({"recipient_id": "", "recipient_user_id": "ES:ENT:1"}, "ES-ENT-1"),
        ({"recipient_user_id": "ES.abc123"}, "34600111222"),
    ],
)
def test_a_status_finds_the_conversation_in_which_the_person_writes(parts: dict[str, Any], user: str) -> None:
    """The same name as in the person's messages, or the status would settle nothing."""
    sender = {"from": parts.get("recipient_id", "34600111222"), "from_user_id": parts["recipient_user_id"]}
    received = receive_all(payload(change(text(**sender), contacts=[], statuses=[status(**parts)])))

    assert received.statuses[0].conversation == f"whatsapp:{NUMBER}:{user}"
    assert received.messages[0].conversation == received.statuses[0].conversation


@pytest.mark.parametrize(
    "reference",
    [None, "", "another product's", "0123456789AB.7.0", "0123456789abc.7.0", "0123456789ab.7", "0123456789ab.7.0\n",
     "0123456789ab.--7.0", "0123456789ab.7.-1", "0123456789ab.\u0667.0", f"0123456789ab.{'9' * 5000}.0"],
    ids=range(11),
)  # fmt: skip
def test_a_bubble_without_a_reference_of_ours_is_nothing_to_us(
    reference: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert statuses(status(biz_opaque_callback_data=reference)) == ()
    assert statuses(status(biz_opaque_callback_data="0123456789ab.-7.12"))
    assert caplog.records == []


@pytest.mark.parametrize("told", [status("warning"), status("deleted"), status("of_next_year"), status(status=None)])
def test_an_unknown_kind_is_skipped(told: Any) -> None:
    assert statuses(told) == ()


def test_statuses_of_another_number_or_field_are_not_ours() -> None:
    assert statuses(status(), number="999") == ()
    assert statuses(status(), field="standby") == ()


def test_every_status_of_every_change_of_every_entry_is_read_in_its_order() -> None:
    told = [status(biz_opaque_callback_data=f"0123456789ab.{turn}.0") for turn in range(6)]
    body = {"entry": [{"changes": [change(statuses=told[:2]), change(text(), statuses=told[2:4])]}]}
    body["entry"].append({"changes": [change(statuses=told[4:])]})
    received = receive_all(body)

    assert [found.reference for found in received.statuses] == [f"0123456789ab.{turn}.0" for turn in range(6)]
    assert [found.id for found in received.messages] == ["wamid.1"]


BROKEN = {
    "no object": "sent",
    "a number as reference": status(biz_opaque_callback_data=5),
    "a list as status": status(status=[]),
    "nobody": status(recipient_id=None),
    "a number as person": status(recipient_id=34600111222),
    "half a character": status(recipient_id="\ud800"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_status_holds_up_nothing_and_is_counted(broken: Any, caplog: pytest.LogCaptureFixture) -> None:
    received = receive_all(payload(change(text(), statuses=[broken, status()])))

    assert [found.id for found in received.messages] == ["wamid.1"]
    assert [found.reference for found in received.statuses] == [OURS]
    assert "1 WhatsApp statuses in one body cannot be read" in caplog.text


@pytest.mark.parametrize("broken", [[*BROKEN.values()], "sent", {"0": status()}], ids=["all", "text", "an object"])
def test_a_body_of_broken_statuses_is_accepted(broken: Any) -> None:
    """It is no message of anybody's, and Meta would only send the same again."""
    received = receive_all(payload(change(statuses=broken)))

    assert received == Received()


def test_a_broken_message_does_not_hold_up_a_status(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        received = receive_all(payload(change(text(id=None), statuses=[status()])))

    assert [found.outcome for found in received.statuses] == ["sent"]
    assert "1 of 1 WhatsApp messages" in caplog.text


FIELDS = ["status", "recipient_id", "recipient_user_id", "biz_opaque_callback_data", "errors", "timestamp", "id"]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4), st.sampled_from(["sent", "failed"]))
@settings(max_examples=150, deadline=None)
def test_no_status_ends_in_an_error(parts: dict[str, Any], kind: str) -> None:
    body = json.dumps(payload(change(text(), statuses=[status(kind) | parts]))).encode()
    if b"Infinity" in body or b"NaN" in body:
        return  # no JSON at all
    received = receive_all(body)

    assert len(received.messages) == 1
    for found in received.statuses:
        f"{found.conversation} {found.reason}".encode()
