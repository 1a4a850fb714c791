"""How the Bot API words its objects and its refusals, and what it takes for a message.

The words of the refusals are those of tdlib/telegram-bot-api; formatting by ``parse_mode`` is not
applied (the text stays as it came), entities are checked and kept.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from werkzeug.wrappers import Request

from simulator.calls import Outcome

TEXT_UNITS: Final = 4096
CAPTION_UNITS: Final = 1024
CALLBACK_BYTES: Final = 64
JSON_PARAMS: Final = (
    "entities",
    "caption_entities",
    "reply_parameters",
    "link_preview_options",
    "reply_markup",
    "commands",
    "scope",
    "allowed_updates",
)
ERRORS: Final = {
    400: "Bad Request: can't parse entities",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    429: "Too Many Requests: retry after 1",
    500: "Internal Server Error",
    502: "Bad Gateway",
}
NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
TOO_OLD: Final = "query is too old and response timeout expired or query ID is invalid"
MIGRATED: Final = "Bad Request: group chat was upgraded to a supergroup chat"
WORDS_OF_CONFLICT: Final = {
    "webhook": "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first",
    "webhook set": "Conflict: terminated by setWebhook request",
    "another": ERRORS[409],
}
PORTS: Final = (443, 80, 88, 8443)
WRONG_PORT: Final = "Webhook can be set up only on ports 80, 88, 443 or 8443"
SUPERGROUPS: Final = -1_000_000_000_000
"""Supergroups' ids are lower than this; those between it and 0 are groups."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    name: str
    mime: str
    content: bytes


def refusal(status: int, description: str, **parameters: float) -> Outcome:
    """An error as the Bot API words it."""
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    return Outcome(body | ({"parameters": parameters} if parameters else {}), status)


def bad(reason: str) -> Outcome:
    """A 400 for this reason."""
    return refusal(400, f"Bad Request: {reason}")


def units(text: str) -> int:
    """The length in UTF-16 units, in which Telegram counts texts and entities."""
    return len(text.encode("utf-16-le")) // 2


def encode(update: dict[str, Any]) -> bytes:
    """JSON as Telegram sends it."""
    return json.dumps(update, ensure_ascii=False, separators=(",", ":")).encode()


def chat_object(chat_id: int, name: str) -> dict[str, Any]:
    """The Chat of an id."""
    if chat_id > 0:
        return {"id": chat_id, "type": "private", "first_name": name}
    return {"id": chat_id, "type": "supergroup" if chat_id < SUPERGROUPS else "group", "title": "Group"}


def params_of(request: Request) -> dict[str, Any]:
    """Parameters from the address, a form or a JSON body; in a form, structures are JSON text."""
    if request.mimetype == "application/json":
        found = request.get_json(silent=True)
        return dict(found) if isinstance(found, dict) else {}
    values: dict[str, Any] = request.values.to_dict()
    files = {name: Upload(file.filename or "", file.mimetype, file.read()) for name, file in request.files.items()}
    request.close()
    named = {key: files.pop(str(value).removeprefix("attach://"), value) for key, value in values.items()}
    return {key: json.loads(value) if key in JSON_PARAMS else value for key, value in named.items()} | files


def wrong_webhook(url: str, secret: str) -> str:
    """Why no webhook is set; empty when it may be. Besides https, http to this machine is taken."""
    if wrong := _wrong_secret(secret):
        return wrong
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        host = ""
    if not host:
        return "invalid webhook URL specified"
    if (parts.scheme, host) == ("http", "127.0.0.1"):
        return ""
    if parts.scheme != "https":
        return "bad webhook: An HTTPS URL must be provided for webhook"
    return _wrong_host(host) if port in PORTS else f"bad webhook: {WRONG_PORT}"


def _wrong_secret(secret: str) -> str:
    if len(secret) > 256:
        return "secret token is too long"
    return "" if re.fullmatch(r"[A-Za-z0-9_-]*", secret) else "secret token contains unallowed characters"


def _wrong_host(host: str) -> str:
    if host.endswith(".invalid"):  # RFC 2606: a name that never resolves
        return "bad webhook: Failed to resolve host: Name or service not known"
    with contextlib.suppress(ValueError):
        if not ip_address("127.0.0.1" if host == "localhost" else host).is_global:
            return f"bad webhook: IP address {host} is reserved"
    return ""


def wrong_chat(chat_id: str) -> str:
    """Why an id is no chat; empty when it may be one."""
    if not chat_id:
        return "chat_id is empty"
    return "" if re.fullmatch(r"-?[1-9]\d*", chat_id) else "chat not found"


def wrong_markup(markup: dict[str, Any] | None) -> str:
    """Why Telegram does not take these buttons; empty when it does."""
    for button in (button for row in (markup or {}).get("inline_keyboard", ()) for button in row):
        if not str(button.get("text", "")):
            return "can't parse inline keyboard button: Button text must be non-empty"
        data = button.get("callback_data")
        if data is not None and not 1 <= len(str(data).encode()) <= CALLBACK_BYTES:
            return "BUTTON_DATA_INVALID"
        if len(button) < 2:
            return "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
    return ""


def wrong_text(text: str, entities: list[dict[str, Any]], too_long: str, most: int = TEXT_UNITS) -> str:
    """Why Telegram does not take a text; empty when it does."""
    size = units(text)
    if not text.strip():
        return "message text is empty"
    if size > most:
        return too_long
    for entity in entities:
        start, length = int(entity.get("offset", -1)), int(entity.get("length", 0))
        if start < 0 or length <= 0:
            return f"receive an entity with incorrect {'offset' if start < 0 else 'length'}"
        if start + length > size:
            return f"entity beginning at UTF-16 offset {start} ends after the end of the text at UTF-16 offset {size}"
    return ""
