"""What people send on WhatsApp, as Meta words it: the part of a message that says what it is.

Shapes: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

Part = dict[str, Any]
"""``type`` and what belongs to it."""

NOT_SUPPORTED: Final = 131051
NOT_AVAILABLE: Final = 131060


def text(body: str) -> Part:
    return _part("text", {"body": body})


def reaction(message_id: str, emoji: str) -> Part:
    """An empty ``emoji`` takes a reaction back."""
    return _part("reaction", {"message_id": message_id} | ({"emoji": emoji} if emoji else {}))


def location(latitude: float, longitude: float, name: str = "", address: str = "") -> Part:
    more = {key: value for key, value in (("name", name), ("address", address)) if value}
    return _part("location", {"latitude": latitude, "longitude": longitude} | more)


def contacts(name: str, phone: str) -> Part:
    """A card of an address book."""
    card = {"name": {"formatted_name": name, "first_name": name}, "phones": [{"phone": f"+{phone}", "type": "CELL"}]}
    return {"type": "contacts", "contacts": [card]}


def order(catalog: str, items: Mapping[str, int], *, price: float = 1.0, words: str = "") -> Part:
    """What was chosen from a catalogue: how many of each article."""
    chosen = [
        {"product_retailer_id": article, "quantity": number, "item_price": price, "currency": "EUR"}
        for article, number in items.items()
    ]
    return _part("order", {"catalog_id": catalog, "product_items": chosen, "text": words})


def button(words: str, payload: str = "") -> Part:
    """A button of a template was pressed."""
    return _part("button", {"payload": payload or words, "text": words})


def reply_button(words: str, identity: str = "1") -> Part:
    """A button of ours was pressed."""
    return _part("interactive", {"type": "button_reply", "button_reply": {"id": identity, "title": words}})


def list_choice(words: str, identity: str = "1", description: str = "") -> Part:
    """A row of a list of ours was chosen."""
    row = {"id": identity, "title": words} | ({"description": description} if description else {})
    return _part("interactive", {"type": "list_reply", "list_reply": row})


def media(kind: str, identity: str, mime: str, sha256: str, *, caption: str = "", name: str = "") -> Part:
    """A file: image, audio, video, document or sticker. A voice note is ``voice``, which Meta calls audio."""
    about: Part = {"mime_type": mime, "sha256": sha256, "id": identity}
    about |= {key: value for key, value in (("caption", caption), ("filename", name)) if value}
    if kind in {"audio", "voice"}:
        return _part("audio", about | {"voice": kind == "voice"})
    return _part(kind, about | ({"animated": False} if kind == "sticker" else {}))


def unsupported(what: str = "poll_creation", code: int = NOT_SUPPORTED) -> Part:
    """What Meta does not pass on, and why."""
    title = "Message type unknown" if code == NOT_SUPPORTED else "Message is not available"
    error = {"code": code, "title": title, "message": title, "error_data": {"details": title}}
    return _part("unsupported", {"type": what}) | {"errors": [error]}


def edit(message_id: str, new: Part) -> Part:
    return _part("edit", {"original_message_id": message_id, "message": new})


def revoke(message_id: str) -> Part:
    return _part("revoke", {"original_message_id": message_id})


def welcome() -> Part:
    """Somebody opened the chat for the first time, and has written nothing."""
    return {"type": "request_welcome"}


def new_number(name: str, old: str, new: str, user_id: str = "") -> Part:
    """Somebody has another telephone number now, and with it perhaps another user id."""
    said: Part = {"body": f"User {name} changed from {old} to {new}", "type": "user_changed_number", "wa_id": new}
    return _part("system", said | ({"user_id": user_id} if user_id else {}))


def new_user_id(name: str, old: str, new: str, phone: str = "") -> Part:
    """Somebody has another business-scoped user id now (since August 2026)."""
    said: Part = {
        "body": f"User {name} changed from {old} to {new}",
        "type": "user_changed_user_id",
        "user_id": new,
        "previous_user_id": old,
    }
    return _part("system", said | ({"wa_id": phone} if phone else {}))


def read_back(params: Mapping[str, Any]) -> str:
    """What a person reads of a message of the business: its words, a file's caption or name, a template's name."""
    kind = str(params.get("type") or "text")
    about = params.get(kind)
    if not isinstance(about, dict):
        return ""
    if kind == "interactive":
        about = about.get("body") or {}
        return str(about.get("text", ""))
    names: Sequence[str] = ("body", "caption", "filename", "name", "emoji")
    return str(next((about[name] for name in names if about.get(name)), ""))


def _part(kind: str, about: Part) -> Part:
    return {"type": kind, kind: about}
