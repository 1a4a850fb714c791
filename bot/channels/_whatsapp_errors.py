"""What Meta's error codes say to an operator, in an answer as in a status.

Source: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes.
"""

from __future__ import annotations

from typing import Any

WINDOW_CLOSED = 131047
"""The person last wrote more than 24 hours ago."""

_WORDS = {
    100: "Meta does not know an id or a value in the request; is WHATSAPP_PHONE_NUMBER_ID right?",
    131026: "this person cannot get WhatsApp messages from this number",
    131030: "a test number writes only to people on its list in Meta's dashboard; add this one there",
    WINDOW_CLOSED: "the person last wrote more than 24 hours ago; until they write again WhatsApp takes templates only",
}


def explain(code: int, error: dict[str, Any]) -> str:
    """The code with our words for it, or else with Meta's own; ``error_data.details`` says more than the title."""
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    given = (_WORDS.get(code), details, error.get("message"), error.get("title"))
    words = next((words for words in given if isinstance(words, str) and words), "no reason given")
    return f"{code}: {' '.join(words[:200].split())}".encode("utf-8", "replace").decode()
