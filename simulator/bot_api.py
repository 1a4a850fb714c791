"""How the Bot API words its objects and its refusals, and what it takes for a message.

The words of the refusals are those of tdlib/telegram-bot-api; formatting by ``parse_mode`` is not
applied (the text stays as it came), entities are checked and kept.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from werkzeug.wrappers import Request

from simulator.calls import Outcome

TEXT_UNITS: Final = 4096
JSON_PARAMS: Final = ("entities", "reply_parameters", "link_preview_options", "reply_markup", "commands", "scope")
ERRORS: Final = {
    400: "Bad Request: can't parse entities",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request",
    429: "Too Many Requests: retry after 1",
    500: "Internal Server Error",
    502: "Bad Gateway",
}
NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
MIGRATED: Final = "Bad Request: group chat was upgraded to a supergroup chat"
SUPERGROUPS: Final = -1_000_000_000_000
"""Supergroups' ids are lower than this; those between it and 0 are groups."""


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
        return dict(request.get_json(silent=True) or {})
    values: dict[str, Any] = request.values.to_dict()
    return {key: json.loads(value) if key in JSON_PARAMS else value for key, value in values.items()}


def wrong_chat(chat_id: str) -> str:
    """Why an id is no chat; empty when it may be one."""
    if not chat_id:
        return "chat_id is empty"
    return "" if re.fullmatch(r"-?[1-9]\d*", chat_id) else "chat not found"


def wrong_text(text: str, entities: list[dict[str, Any]], too_long: str) -> str:
    """Why Telegram does not take a text; empty when it does."""
    size = units(text)
    if not text.strip():
        return "message text is empty"
    if size > TEXT_UNITS:
        return too_long
    for entity in entities:
        start, length = int(entity.get("offset", -1)), int(entity.get("length", 0))
        if start < 0 or length <= 0:
            return f"receive an entity with incorrect {'offset' if start < 0 else 'length'}"
        if start + length > size:
            return f"entity beginning at UTF-16 offset {start} ends after the end of the text at UTF-16 offset {size}"
    return ""
