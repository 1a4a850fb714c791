"""What Meta tells later of our bubbles. A status is told by the reference that we gave the bubble.

Field names: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/status.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Literal

from bot.channels._json import Object, list_in, text_in, write
from bot.channels._whatsapp_errors import WINDOW_CLOSED, explain
from bot.errors import Unreadable
from bot.message import Conversation, Status

_log = logging.getLogger(__name__)
_OURS = re.compile(r"[0-9a-f]{12}\.-?[0-9]{1,18}\.[0-9]{1,9}")
_SENT = frozenset({"sent", "delivered", "read", "played"})


def conversation_with(number: str, user: str) -> str:
    """The conversation of our ``number`` with a person: a phone number, or a business-scoped user id."""
    return str(Conversation("whatsapp", number, user.replace(":", "-")))


def read_statuses(value: Object, number: str) -> list[Status]:
    """The statuses of bubbles that ``number`` sent with a reference of ours; the others are nothing to us.

    What cannot be read is counted in the log and skipped: Meta would only send the same again.
    """
    good: list[Status] = []
    bad: list[Unreadable] = []
    for status in _each(value, bad):
        try:
            good += _status(status, number)
        except Unreadable as error:
            bad.append(error)
    if bad:
        _log.warning("%d WhatsApp statuses in one body cannot be read: %s", len(bad), bad[0])
    return good


def _each(value: Object, bad: list[Unreadable]) -> list[Any]:
    try:
        return list_in(value, "statuses")
    except Unreadable as error:
        bad.append(error)
        return []


def _status(status: Any, number: str) -> list[Status]:
    """The status as ours, or none where it is of another bubble or of another kind."""
    if not isinstance(status, dict):
        raise Unreadable("a status is no object")
    reference, kind = text_in(status, "biz_opaque_callback_data"), text_in(status, "status")
    if not _OURS.fullmatch(reference) or kind not in _SENT | {"failed"}:
        return []
    user = text_in(status, "recipient_id").strip() or text_in(status, "recipient_user_id").strip()
    if not user:
        raise Unreadable("a status names nobody")
    write(user)
    conversation = conversation_with(number, user)
    if kind in _SENT:
        return [Status(conversation, reference, "sent")]
    bubble = text_in(status, "id")
    write(bubble)
    return [Status(conversation, reference, *_failure(status), bubble)]


def _failure(status: Object) -> tuple[Literal["failed", "parked"], str]:
    """Why a bubble failed; a closed window only means that it must wait."""
    errors = status.get("errors")
    known = {
        error["code"]: error
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, dict) and type(error.get("code")) is int
    }
    if WINDOW_CLOSED in known:
        return "parked", explain(WINDOW_CLOSED, known[WINDOW_CLOSED])
    return "failed", next((explain(*each) for each in known.items()), explain(0, {}))
