"""One message of a WhatsApp webhook as ours: a customer's, or one that the business wrote from its own telephone.

Field names: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from bot.channels import _whatsapp_names as names
from bot.channels._json import Object, object_in, text_in, write
from bot.channels._whatsapp_words import TYPED, TYPES, attachments_in, words_in
from bot.errors import Unreadable
from bot.message import Message
from bot.plain_words import order_in
from bot.received import Alias

_NOT_ANSWERED: Final = frozenset({"reaction", "system", "request_welcome"})
_NO_MESSAGES: Final = frozenset({"edit", "pin", "unpin", "poll_update", "reaction", "revoke", "keep_in_chat"})
"""What Meta may call unsupported without that somebody said something."""

_QUOTED_MOST: Final = 1000


class Told(NamedTuple):
    """What one message of a body comes to; neither: it is kept, and not answered."""

    message: Message | None = None
    aliases: tuple[Alias, ...] = ()


def read_message(message: Object, contacts: names.Contacts, metadata: Object, number: str) -> Told:
    """What a customer sent to our ``number``. Raises Unreadable."""
    kind = kind_of(message)
    if kind == "system":
        return Told(aliases=tuple(names.aliases(message, number, time_of(message))))
    if kind in _NOT_ANSWERED or text_in(message, "group_id") or _is_no_message(message, kind):
        return Told()
    sender = names.of_sender(message)
    contact = contacts.of(sender)
    called = (sender if all(sender) else sender | names.of_contact(contact)).conversations(number)
    if not called:
        raise Unreadable("a message has no sender")
    return Told(_message(message, kind, called, contact, metadata, ours=False))


def read_echo(echo: Object, metadata: Object, number: str) -> Told:
    """What the business wrote to a customer from its own telephone
    (https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_message_echoes).

    Raises Unreadable.
    """
    kind = kind_of(echo)
    if kind in _NOT_ANSWERED or kind in {"edit", "revoke"} or text_in(echo, "group_id") or _is_no_message(echo, kind):
        return Told()
    called = names.of_recipient(echo).conversations(number)
    if not called:
        raise Unreadable("an echo names nobody")
    return Told(_message(echo, kind, called, names.NOBODY, metadata, ours=True))


def kind_of(message: Object) -> str:
    """A message's type; where it has none, the part that it has. Raises Unreadable."""
    return text_in(message, "type") or next((name for name in TYPES if message.get(name) is not None), "unknown")


def _message(
    message: Object, kind: str, called: tuple[str, ...], contact: Object, metadata: Object, *, ours: bool
) -> Message:
    identity = text_in(message, "id")
    if not identity:
        raise Unreadable("a message has no id")
    said, replaces, revokes = _said(message, kind)
    spoken = kind_of(said) if said is not message else kind
    words = "" if revokes else words_in(said, spoken)
    return Message(
        identity,
        called[0],
        words,
        sent_at=time_of(message),
        person=_soft(object_or_none(contact, "profile"), "name"),
        reply_to=_soft(object_or_none(said, "context"), "id"),
        attachments=() if revokes else attachments_in(said, spoken, words),
        raw=_raw(message, contact, metadata),
        bubble=identity,
        replaces=replaces,
        quoted=_quoted(said),
        order="" if ours or spoken not in TYPED else order_in(words),
        also=called[1:],
        ours=ours,
        revokes=revokes,
    )


def _said(message: Object, kind: str) -> tuple[Object, str, str]:
    """Where the words are; which message they put right, and which one is taken back."""
    if kind not in {"edit", "revoke"}:
        return message, "", ""
    part = object_in(message, kind)
    original = text_in(part, "original_message_id")
    if not original:
        raise Unreadable(f"a message of type {kind} names no other")
    if kind == "revoke":
        return message, "", original
    inner = object_in(part, "message")
    if not inner:
        raise Unreadable("a message was put right with nothing")
    return inner, original, ""


def _is_no_message(message: Object, kind: str) -> bool:
    named = _soft(object_or_none(message, "unsupported"), "type") if kind == "unsupported" else ""
    return named in _NO_MESSAGES


def time_of(found: Object) -> float:
    """Meta's clock in seconds since 1970; 0 where there is none."""
    stamp = found.get("timestamp")
    digits = str(stamp) if isinstance(stamp, str | int) and not isinstance(stamp, bool) else ""
    return float(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0.0


def _quoted(message: Object) -> str:
    """The advertisement or the product from which somebody writes, where Meta tells it."""
    if "referral" not in message and "context" not in message:
        return ""
    referral, context = object_or_none(message, "referral"), object_or_none(message, "context")
    product = object_or_none(context, "referred_product")
    lines = [_soft(referral, "headline"), _soft(referral, "body"), _soft(product, "product_retailer_id")]
    return "\n".join(line for line in lines if line)[:_QUOTED_MOST]


def object_or_none(found: Object, key: str) -> Object:
    """What a message can do without: an object under ``key``, else an empty one."""
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def _soft(found: Object, key: str) -> str:
    """A text that a message can do without. Meta may cut a name in the middle of a character."""
    value: Any = found.get(key)
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _raw(message: Object, contact: Object, metadata: Object) -> str:
    """The platform's own words of this person alone. Raises Unreadable for what no store can hold."""
    parts = {"message": message, "metadata": {key: _soft(metadata, key) for key in _NUMBER if key in metadata}}
    if not contact:
        return write(parts)
    profile = object_or_none(contact, "profile")
    known = {key: _soft(contact, key) for key in ("wa_id", "user_id", "parent_user_id") if key in contact}
    own = {"profile": {key: _soft(profile, key) for key in ("name", "username") if key in profile}}
    return write({**parts, "contacts": [own | known]})


_NUMBER: Final = ("display_phone_number", "phone_number_id")
