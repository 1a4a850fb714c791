"""What Meta's error codes mean, in an answer as in a status, and what they say to an operator.

Sources: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes, and for the codes below 1000
https://developers.facebook.com/docs/graph-api/guides/error-handling.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from bot.logs import redact

Meaning = Literal["token", "account", "busy", "pair", "service", "fault", "parked", "blocked", "failed", "unknown"]
"""token, account: nothing goes out from this number until somebody mends it. busy: the number, or pair: this person,
must wait. service, fault: trouble at Meta's, which passes, or perhaps does. parked: the person must write first.
blocked: this person gets nothing from us. failed: this bubble does not. unknown: no code that we know."""

Fate = Literal["failed", "parked", "halted", "again"]
"""What becomes of a bubble that Meta took and then says to have failed."""

WINDOW_CLOSED: Final = 131047
"""The person last wrote more than 24 hours ago."""

_MEANINGS: Final[dict[Meaning, tuple[int, ...]]] = {
    "token": (0, 3, 10, 190, *range(200, 300), 131005),
    "account": (368, 131031, 131037, 131042, 131045, 133010),
    "busy": (4, 80007, 130429),
    "pair": (131056,),
    "service": (2, 131016, 131057),
    "fault": (1, 131000, 135000),
    "parked": (WINDOW_CLOSED,),
    "blocked": (130497,),
    "failed": (
        33, 100, 130472, 131008, 131009, 131021, 131026, 131030, 131048, 131049, 131050, 131051, 131052, 131053, 131062,
        132000, 132001, 132005, 132007, 132012, 132015, 132016,
    ),
}  # fmt: skip
_MEANING: Final = {code: meaning for meaning, codes in _MEANINGS.items() for code in codes}
_FATES: Final[dict[Meaning, Fate]] = {
    "token": "halted", "account": "halted", "busy": "again", "pair": "again", "service": "again", "fault": "again",
    "parked": "parked",
}  # fmt: skip
_ALARMING: Final = frozenset({33, 100, 130497, *range(132000, 132100)})
"""Nothing that stops the number, and yet the owner can and should mend it; told once a day."""

REFUSED_WORDS: Final = (
    "Meta does not take this number's token (expired, or without permission for it). Make a system user's token with "
    "whatsapp_business_messaging in Meta Business Settings, put it into .env as WHATSAPP_TOKEN (a further number's "
    "into WHATSAPP_NUMBERS_FILE), and start the workers again."
)
_ACCOUNT_WORDS: Final = "Meta has restricted this number or its account. See Account Quality in Meta Business Suite."
_WORDS: Final = {
    33: "Meta does not know this number any more; is WHATSAPP_PHONE_NUMBER_ID right?",
    100: "Meta does not know an id or a value in the request; is WHATSAPP_PHONE_NUMBER_ID right?",
    130497: "this business may not write to people in that country",
    131026: "this person cannot get WhatsApp messages from this number",
    131030: "a test number writes only to people on its list in Meta's dashboard; add this one there",
    131037: "the number's display name is not approved yet; see WhatsApp Manager > Phone numbers",
    131042: "the account cannot pay; see Payment settings in Meta Business Suite",
    131045: "the number is not registered for the Cloud API; register it in Meta's dashboard, WhatsApp > API Setup",
    WINDOW_CLOSED: "the person last wrote more than 24 hours ago; until they write again WhatsApp takes templates only",
    132001: "there is no such template in that language; see WHATSAPP_TEMPLATE and WhatsApp Manager > Templates",
    132015: "the template is paused for its quality; see WhatsApp Manager > Templates",
    132016: "the template is disabled for its quality; see WhatsApp Manager > Templates",
    133010: "the number is not registered for the Cloud API; register it in Meta's dashboard, WhatsApp > API Setup",
}


def meaning_of(code: int) -> Meaning:
    """What a code means for whoever sends."""
    return _MEANING.get(code, "unknown")


def fate_of(code: int) -> Fate:
    """What becomes of a bubble whose status names this code."""
    return _FATES.get(meaning_of(code), "failed")


def is_alarming(code: int) -> bool:
    """Whether the owner should be told of it, although other bubbles go on."""
    return code in _ALARMING


def advice(code: int) -> str:
    """What to do about a number that is on hold for this code; empty where the code's own words say it."""
    if code in _WORDS:
        return ""
    return REFUSED_WORDS if meaning_of(code) == "token" else _ACCOUNT_WORDS


def explain(code: int, error: dict[str, Any]) -> str:
    """The code with our words for it, or else with Meta's own; ``error_data.details`` says more than the title."""
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    given = (_WORDS.get(code), details, error.get("message"), error.get("title"))
    words = next((words for words in given if isinstance(words, str) and words), "no reason given")
    known = redact(words)[:200]
    plain = "".join(one if one.isprintable() else " " if one.isspace() else "?" for one in known)
    return f"{code}: {' '.join(plain.split())}"
