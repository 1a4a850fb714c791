"""What people send on WhatsApp as words for the model, or as attachments where it has none.

Field names: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from bot.channels._json import Object, list_in, object_in, objects_in, text_in
from bot.message import Attachment

MEDIA: Final = frozenset({"image", "audio", "voice", "video", "document", "sticker"})
TYPES: Final = ("text", "button", "interactive", *sorted(MEDIA), "location", "contacts", "order", "reaction", "system",
                "edit", "revoke", "unsupported")  # fmt: skip
"""What a message's type may be known by that has no ``type``: the part of that name."""

TYPED: Final = frozenset({"text", "button", "interactive"})
"""What people say in words of their own, or by a button of ours; a command may be among them."""

_CALLED: Final = {"poll_creation": "poll"}
"""What Meta does not pass on, by our names for such attachments."""

_REPLIES: Final = ("button_reply", "list_reply")
_FLOW_TOKENS: Final = frozenset({"flow_token", "wa_flow_response_params"})
_MOST: Final = 60
"""So many items of an order, or fields of a form, are read out."""


def words_in(message: Object, kind: str) -> str:
    """What a message says. Raises Unreadable."""
    read = _WORDS.get(kind)
    return read(message, kind) if read else ""


def attachments_in(message: Object, kind: str, words: str) -> tuple[Attachment, ...]:
    """A message's file; or what it is, where it has no words for us. Raises Unreadable."""
    if kind not in MEDIA:
        return () if words or kind == "text" else (Attachment(_shown_kind(message, kind), ""),)
    file = object_in(message, kind)
    kind = "voice" if file.get("voice") is True else kind
    names = ("id", "mime_type", "filename", "sha256")
    identity, mime, name, sha256 = (text_in(file, key) for key in names)
    return (Attachment(kind, identity, mime, name, sha256=sha256),)


def _shown_kind(message: Object, kind: str) -> str:
    unsupported = message.get("unsupported") if kind == "unsupported" else None
    named = unsupported.get("type") if isinstance(unsupported, dict) else None
    return _CALLED.get(named, kind) if isinstance(named, str) else kind


def _text(message: Object, kind: str) -> str:
    return text_in(object_in(message, kind), "body")


def _caption(message: Object, kind: str) -> str:
    return text_in(object_in(message, kind), "caption")


def _button(message: Object, kind: str) -> str:
    button = object_in(message, kind)
    return text_in(button, "text") or text_in(button, "payload")


def _interactive(message: Object, kind: str) -> str:
    """The title of the button or row that was chosen, or what a form was filled in with."""
    part = object_in(message, kind)
    for name in _REPLIES:
        if chosen := object_in(part, name):
            return text_in(chosen, "title") or text_in(chosen, "id")
    if form := object_in(part, "nfm_reply"):
        return _form(form)
    if call := object_in(part, "call_permission_reply"):
        return f"📞 {text_in(call, 'response')}".strip()
    return ""


def _form(form: Object) -> str:
    """A form's fields, one a line: ``response_json`` is JSON inside a text."""
    try:
        filled = json.loads(text_in(form, "response_json") or "{}")
    except (ValueError, RecursionError):
        filled = {}
    pairs = filled.items() if isinstance(filled, dict) else ()
    fields = [
        f"{name}: {_value(value)}" for name, value in pairs if name not in _FLOW_TOKENS and value not in ("", None)
    ]
    return "\n".join(fields[:_MOST]) or text_in(form, "body")


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _location(message: Object, kind: str) -> str:
    place = object_in(message, kind)
    spoken = [text_in(place, name).strip() for name in ("name", "address")]
    at = [place.get(name) for name in ("latitude", "longitude")]
    where = ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in at) if _are_numbers(at) else ""
    words = ", ".join(word for word in spoken if word)
    return " ".join(part for part in ("📍", words, f"({where})" if where else "") if part) if words or where else ""


def _are_numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _contacts(message: Object, kind: str) -> str:
    """Each contact on a line: the name, and how to reach it."""
    return "\n".join(filter(None, map(_contact, objects_in(message, kind))))


def _contact(contact: Object) -> str:
    name = object_in(contact, "name")
    called = text_in(name, "formatted_name") or text_in(name, "first_name")
    ways = [text_in(way, key) for part, key in (("phones", "phone"), ("emails", "email"))
            for way in objects_in(contact, part)]  # fmt: skip
    words = [called, text_in(object_in(contact, "org"), "company"), *ways]
    return f"👤 {', '.join(word for word in words if word)}" if any(words) else ""


def _order(message: Object, kind: str) -> str:
    """What somebody put into the basket of a catalogue, and what they wrote with it."""
    order = object_in(message, kind)
    items = [_item(item) for item in list_in(order, "product_items") if isinstance(item, dict)]
    more = [f"… (+{len(items) - _MOST})"] if len(items) > _MOST else []
    note = text_in(order, "text")
    return "\n".join(["🛒", *items[:_MOST], *more, *([note] if note else [])]) if items or note else ""


def _item(item: Object) -> str:
    count, price, currency = (_plain(item.get(key)) for key in ("quantity", "item_price", "currency"))
    money = " ".join(part for part in (price, currency) if part)
    return f"{count or 1} \N{MULTIPLICATION SIGN} {_plain(item.get('product_retailer_id')) or '?'}" + (
        f" ({money})" if money else ""
    )


def _plain(value: Any) -> str:
    """A number or a text as it stands; Meta sends either."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


_WORDS: Final[Mapping[str, Callable[[Object, str], str]]] = {
    "text": _text,
    "button": _button,
    "interactive": _interactive,
    "location": _location,
    "contacts": _contacts,
    "order": _order,
    **dict.fromkeys(MEDIA, _caption),
}
