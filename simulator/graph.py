"""How Meta's Graph API words webhooks, statuses and refusals for WhatsApp."""

from __future__ import annotations

import json
import random
import secrets
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.calls import Outcome

TEXT_CHARACTERS: Final = 4096
PAIR: Final = 131056
WINDOW: Final = 131047
UNDELIVERABLE: Final = 131026
NO_TEMPLATE: Final = 132001
BUSY: Final = frozenset({4, 80007, 130429})
CODES: Final = {400: 100, 401: 190, 403: 131031, 404: 100, 429: 130429, 500: 131000, 503: 131016}
"""The Graph error code that usually comes with each HTTP status."""

STATUSES: Final = {190: 401, 130429: 429, 80007: 429, 131000: 500, 131016: 503, 131031: 403, 368: 403, 131057: 500}
"""The HTTP status of a code, where it is not 400."""

TITLES: Final = {
    190: "Error validating access token: Session has expired",
    130429: "Rate limit hit",
    PAIR: "(Business Account, Consumer Account) pair rate limit hit",
    WINDOW: "Re-engagement message",
    UNDELIVERABLE: "Message undeliverable",
    4: "Application request limit reached",
    100: "Invalid parameter",
    368: "Temporarily blocked for policies violations",
    80007: "Rate limit issues",
    130472: "User's number is part of an experiment",
    130497: "Business account is restricted from messaging users in this country",
    131000: "Something went wrong",
    131016: "Service unavailable",
    131031: "Business account has been locked",
    131048: "Spam rate limit hit",
    131049: "Meta chose not to deliver",
    131050: "User has stopped marketing messages from this business",
    131057: "Account in maintenance mode",
    NO_TEMPLATE: "Template name does not exist in the translation",
    133010: "Phone number not registered",
    135000: "Generic user error",
}
"""https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes"""

SHAPES: Final = ("messages", "changes", "entries")
BUTTONS: Final = 3
ROWS: Final = 10


def wrong_message(params: dict[str, Any], to: str, text: str) -> str:
    """Why Meta does not take a message; empty when it does."""
    if params.get("messaging_product") != "whatsapp":
        return "The parameter messaging_product is required."
    if not to:
        return "The parameter to is required."
    if params.get("type", "text") == "text" and not text.strip():
        return "The parameter text['body'] is required."
    if len(text) > TEXT_CHARACTERS:
        return f"Param text['body'] must be at most {TEXT_CHARACTERS} characters long."
    return _wrong_choices((params.get("interactive") or {}).get("action") or {})


def _wrong_choices(action: Mapping[str, Any]) -> str:
    """https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-reply-buttons-messages."""
    if len(action.get("buttons") or ()) > BUTTONS:
        return f"Param interactive['action']['buttons'] must have at most {BUTTONS} elements."
    if sum(len(section.get("rows") or ()) for section in action.get("sections") or ()) > ROWS:
        return f"Total row count exceeds max allowed count: {ROWS}"
    return ""


def handshake(url: str, verify_token: str) -> bool:
    """Meta's test of a webhook's address: whether it echoes the challenge as plain text."""
    challenge = str(secrets.randbelow(10**9))
    query = {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": challenge}
    try:
        address = f"{url}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - the operator's own address
            return bool(answer.headers.get_content_type() == "text/plain" and answer.read().decode() == challenge)
    except OSError:
        return False


def refusal(status: int, code: int, message: str, **more: Any) -> Outcome:
    """An error as the Graph API words it."""
    error = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code, "fbtrace_id": "A1b2C3d4"}
    error["error_data"] = {"messaging_product": "whatsapp", "details": message}
    return Outcome({"error": error | more}, status)


def refusal_of(code: int) -> Outcome:
    """The refusal that belongs to an error code."""
    return refusal(STATUSES.get(code, 400), code, TITLES.get(code, "Told to fail"))


def encode(body: dict[str, Any]) -> bytes:
    r"""JSON as Meta sends and signs it: everything above U+007F as a \u escape."""
    return json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode()


def value(metadata: Mapping[str, str], **what: Any) -> dict[str, Any]:
    """The value of one change."""
    return {"messaging_product": "whatsapp", "metadata": metadata} | what


def webhook(values: Sequence[dict[str, Any]], shape: str = "changes", field: str = "messages") -> dict[str, Any]:
    """A whole body: the values as one for each number (``messages``), as several ``changes`` or ``entries``."""
    if shape == "messages":
        numbers = dict.fromkeys(one["metadata"]["phone_number_id"] for one in values)
        values = [
            _merged([one for one in values if one["metadata"]["phone_number_id"] == number]) for number in numbers
        ]
    changes = [{"value": one, "field": field} for one in values]
    entries = [[one] for one in changes] if shape == "entries" else [changes]
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "100000000000001", "changes": entry} for entry in entries],
    }


def _merged(values: Sequence[dict[str, Any]]) -> dict[str, Any]:
    known = {
        contact.get("wa_id", contact.get("user_id")): contact for one in values for contact in one.get("contacts", ())
    }
    messages = [message for one in values for message in one["messages"]]
    return {**values[0], "contacts": list(known.values()), "messages": messages}


@dataclass(frozen=True, slots=True)
class Told:
    """One status of a message: its kind, ``wait`` seconds after the message was taken, and why it failed."""

    kind: str
    wait: float = 0.0
    code: int = 0

    def body(
        self, wamid: str, recipient: Mapping[str, str], echoed: str, now: float, price: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What the webhook is told; ``echoed`` is the message's biz_opaque_callback_data."""
        told: dict[str, Any] = {"id": wamid, "status": self.kind, "timestamp": str(int(now)), **recipient}
        if echoed:
            told["biz_opaque_callback_data"] = echoed
        if self.kind == "failed":
            return told | {"errors": [self._error()]}
        return told | ({"pricing": price} if price and self.kind in {"sent", "delivered"} else {})

    def _error(self) -> Mapping[str, Any]:
        title = TITLES.get(self.code, "Told to fail")
        href = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"
        return {"code": self.code, "title": title, "message": title, "error_data": {"details": title}, "href": href}


@dataclass(slots=True)
class Statuses:
    """What is told of each message that was taken: ``kinds`` in this order.

    ``late``: how many seconds later, between two bounds. ``doubled``: the share of statuses that come
    twice. ``shuffled``: in any order, each for itself. ``failed``: the share of messages that never
    reach their person, of which a ``failed`` status with one of ``codes`` tells instead. The same
    seed and order of messages tell the same.
    """

    seed: int = 0
    late: tuple[float, float] = (0.0, 0.0)
    doubled: float = 0.0
    shuffled: bool = False
    failed: float = 0.0
    codes: tuple[int, ...] = (UNDELIVERABLE, WINDOW, PAIR)
    kinds: tuple[str, ...] = ("sent", "delivered")
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def next(self) -> list[Told]:
        """What is told of the next message, in the order in which it goes out."""
        if self._random.random() < self.failed:
            return self.failure(self._random.choice(self.codes))
        kinds = [kind for kind in self.kinds for _ in range(1 + (self._random.random() < self.doubled))]
        waits = [self._random.uniform(*self.late) for _ in kinds]
        if self.shuffled:
            self._random.shuffle(kinds)
        return [Told(kind, wait) for kind, wait in zip(kinds, sorted(waits), strict=True)]

    def failure(self, code: int) -> list[Told]:
        """That a message failed with this code."""
        return [Told("failed", self._random.uniform(*self.late), code)]
