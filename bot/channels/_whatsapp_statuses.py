"""What Meta tells later of our bubbles. A status is told by the reference that we gave the bubble.

Field names: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/status.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Literal

from bot.channels._json import Object, list_in, text_in, write
from bot.channels._whatsapp_errors import WINDOW_CLOSED, Fate, advice, explain, fate_of
from bot.channels._whatsapp_message import time_of
from bot.channels._whatsapp_names import named
from bot.errors import Unreadable
from bot.received import Price, Status

_log = logging.getLogger(__name__)
_OURS = re.compile(r"[0-9a-f]{12}\.-?[0-9]{1,18}\.[0-9]{1,9}")
_SENT = frozenset({"sent", "delivered", "read", "played"})
_BILLED = "regular"
"""The type of what is billed, where Meta no longer says ``billable``
(https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing)."""


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
    called = named(status, "recipient_id", "recipient_user_id", "recipient_parent_user_id").conversations(number)
    if not called:
        raise Unreadable("a status names nobody")
    bubble = text_in(status, "id")
    write([*called, bubble])
    outcome, reason, code = _outcome(kind, status)
    at, price, also = time_of(status), _price(status), called[1:]
    return [Status(called[0], reference, outcome, reason, bubble, kind, at, price, code, also)]


def _price(status: Object) -> Price | None:
    """What the bubble costs; None where Meta does not say, or not in a way that can be read."""
    pricing = status.get("pricing")
    if not isinstance(pricing, dict):
        return None
    category, rate = (_word(pricing.get(key)) for key in ("category", "type"))
    billable = pricing.get("billable")
    if not isinstance(billable, bool):
        if not rate:
            return None
        billable = rate == _BILLED
    return Price(billable, category, rate)


def _word(value: Any) -> str:
    """A name of Meta's, such as ``service`` or ``free_customer_service``."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_]{1,64}", value) else ""


def _outcome(kind: str, status: Object) -> tuple[Fate | Literal["sent"], str, int]:
    """What became of a bubble, why it failed, and Meta's code for that; a closed window counts before all else."""
    if kind in _SENT:
        return "sent", "", 0
    errors = status.get("errors")
    known = {
        error["code"]: error
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, dict) and type(error.get("code")) is int
    }
    if not known:
        return "failed", explain(0, {}), 0
    code = WINDOW_CLOSED if WINDOW_CLOSED in known else next(iter(known))
    what_to_do = f". {advice(code)}" if fate_of(code) == "halted" and advice(code) else ""
    return fate_of(code), f"{explain(code, known[code])}{what_to_do}", code
