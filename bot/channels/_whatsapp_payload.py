"""Meta's webhook body as ours: every message and every status of every change of every entry.

Field names: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from bot.channels._json import Object, list_in, object_in, objects_in, read_object, text_in, write
from bot.channels._whatsapp_statuses import conversation_with, read_statuses
from bot.errors import Unreadable
from bot.message import Attachment, Message, Received, Status

_log = logging.getLogger(__name__)
_MEDIA = frozenset({"image", "audio", "voice", "video", "document", "sticker"})
_TYPES = ("text", "button", "interactive", *sorted(_MEDIA), "location", "contacts", "order", "reaction", "system")
_NOT_ANSWERED = frozenset({"reaction", "system", "edit", "revoke", "request_welcome"})


@dataclass(frozen=True, slots=True)
class _Found:
    """One message where it stood in the body."""

    message: Object
    contacts: list[Object]
    metadata: Object


def read_payload(body: bytes, number: str) -> Received:
    """The messages to ``number`` (a phone number id) in the order in which they were sent, and its bubbles' statuses.

    Reactions, groups and what another number got are not answered. A message that cannot be read is
    counted in the log and does not hold up anything else; raises Unreadable when there is nothing else.
    """
    payload = read_object(body)
    good: list[Message] = []
    statuses: list[Status] = []
    bad: list[Unreadable] = []
    for value in _values(payload, number, bad):
        statuses += read_statuses(value, number)
        good += _messages(value, number, bad)
    if bad and not good and not statuses:
        raise bad[0]
    if bad:
        _log.warning(
            "%d of %d WhatsApp messages in one body cannot be read: %s", len(bad), len(bad) + len(good), bad[0]
        )
    return Received(tuple(_in_order(good)), tuple(statuses), len(bad))


def _values(payload: Object, number: str, bad: list[Unreadable]) -> Iterator[Object]:
    """What the body says about our number."""
    for entry in _each(list_in(payload, "entry"), bad):
        for change in _each(_list(entry, "changes", bad), bad):
            if change.get("field") != "messages":
                continue
            try:
                value = object_in(change, "value")
                mine = text_in(object_in(value, "metadata"), "phone_number_id") == number
            except Unreadable as error:
                bad.append(error)
                continue
            if mine:
                yield value


def _messages(value: Object, number: str, bad: list[Unreadable]) -> Iterator[Message]:
    try:
        contacts = objects_in(value, "contacts")
    except Unreadable as error:
        bad.append(error)
        return
    for message in _each(_list(value, "messages", bad), bad):
        try:
            yield from _message(_Found(message, contacts, object_in(value, "metadata")), number)
        except Unreadable as error:
            bad.append(error)


def _list(found: Object, key: str, bad: list[Unreadable]) -> list[object]:
    try:
        return list_in(found, key)
    except Unreadable as error:
        bad.append(error)
        return []


def _each(items: list[object], bad: list[Unreadable]) -> Iterator[Object]:
    for item in items:
        if isinstance(item, dict):
            yield item
        else:
            bad.append(Unreadable("something in a list is no object"))


def _message(found: _Found, number: str) -> list[Message]:
    """The message, or none where there is nothing to answer."""
    message, contact = found.message, _contact(found)
    kind = text_in(message, "type") or next((name for name in _TYPES if name in message), "unknown")
    if kind in _NOT_ANSWERED or text_in(message, "group_id"):
        return []
    identity = text_in(message, "id")
    if not identity:
        raise Unreadable("a message has no id")
    return [
        Message(
            id=identity,
            conversation=conversation_with(number, _user(message, contact)),
            text=_text(message, kind),
            sent_at=_sent_at(message),
            person=text_in(object_in(contact, "profile"), "name"),
            reply_to=text_in(object_in(message, "context"), "id"),
            attachments=_attachments(message, kind),
            raw=write({"message": message, "contacts": found.contacts, "metadata": found.metadata}),
        )
    ]


def _contact(found: _Found) -> Object:
    """The contact who wrote the message; the only one there is where nothing says otherwise."""
    ids = {text_in(found.message, key) for key in ("from", "from_user_id")} - {""}
    for contact in found.contacts:
        if ids & {text_in(contact, "wa_id"), text_in(contact, "user_id")}:
            return contact
    return found.contacts[0] if len(found.contacts) == 1 else {}


def _user(message: Object, contact: Object) -> str:
    """Who wrote: the phone number, or for people who hide it the business-scoped user id.

    Raises Unreadable where there is neither.
    """
    places = ((message, "from"), (contact, "wa_id"), (message, "from_user_id"), (contact, "user_id"))
    user = next((found for where, key in places if (found := text_in(where, key).strip())), "")
    if not user:
        raise Unreadable("a message has no sender")
    return user


def _sent_at(message: Object) -> float:
    stamp = message.get("timestamp")
    digits = str(stamp) if isinstance(stamp, str | int) and not isinstance(stamp, bool) else ""
    return float(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0.0


def _text(message: Object, kind: str) -> str:
    part = object_in(message, kind) if kind in _MEDIA | {"text", "button", "interactive"} else {}
    if kind == "text":
        return text_in(part, "body")
    if kind == "button":
        return text_in(part, "text")
    if kind == "interactive":
        replies = (object_in(part, name) for name in ("button_reply", "list_reply"))
        return next((text_in(reply, "title") for reply in replies if reply), "")
    return text_in(part, "caption")


def _attachments(message: Object, kind: str) -> tuple[Attachment, ...]:
    if kind in ("text", "button", "interactive"):
        return ()
    file = object_in(message, kind) if kind in _MEDIA else {}
    return (Attachment(kind, text_in(file, "id"), text_in(file, "mime_type"), text_in(file, "filename")),)


def _in_order(messages: list[Message]) -> list[Message]:
    """By the platform's clock, then by position; one without a time stays behind the one before it."""
    times, latest = [], 0.0
    for message in messages:
        latest = message.sent_at or latest
        times.append(latest)
    places = sorted(range(len(messages)), key=lambda place: (times[place], place))
    return [messages[place] for place in places]
