"""Meta's webhook body as ours: every message and every status of every change of every entry.

Whatever cannot be read holds up nothing that stands beside it; whatever is of no use to us is kept, not answered.
Field names: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator

from bot.channels._json import Object, list_in, object_in, read_object, text_in
from bot.channels._whatsapp_message import Told, read_echo, read_message
from bot.channels._whatsapp_names import Contacts
from bot.channels._whatsapp_statuses import read_statuses
from bot.errors import Unreadable
from bot.message import Message
from bot.received import Alias, Received, Status

MESSAGES, ECHOES = "messages", "smb_message_echoes"
"""The fields that are served; what people say to Meta's own agent (``standby``), what was said before we came
(``history``) and all others are kept."""

_log = logging.getLogger(__name__)


class _Reading:
    """What has been found in a body so far."""

    def __init__(self, numbers: Collection[str]) -> None:
        self.numbers = numbers
        self.messages: list[Message] = []
        self.statuses: list[Status] = []
        self.aliases: list[Alias] = []
        self.bad: list[Unreadable] = []
        self.unserved = False

    def each(self, found: Object, key: str) -> Iterator[Object]:
        """The objects in a list; what else is there, or is no list, counts as unreadable."""
        try:
            items = list_in(found, key)
        except Unreadable as error:
            self.bad.append(error)
            return
        for item in items:
            if isinstance(item, dict):
                yield item
            else:
                self.bad.append(Unreadable("something in a list is no object"))

    def change(self, change: Object) -> None:
        field = change.get("field")
        if field not in (MESSAGES, ECHOES):
            self.unserved = True
            return
        try:
            value = object_in(change, "value")
            metadata = object_in(value, "metadata")
            number = text_in(metadata, "phone_number_id")
        except Unreadable as error:
            self.bad.append(error)
            return
        if number not in self.numbers:
            self.unserved |= any(value.get(key) for key in ("messages", "message_echoes"))
        elif field == MESSAGES:
            self._messages(value, metadata, number)
        else:
            self._told(value, "message_echoes", lambda echo: read_echo(echo, metadata, number))

    def _messages(self, value: Object, metadata: Object, number: str) -> None:
        _report(value)
        self.unserved |= bool(value.get("calls"))
        self.statuses += read_statuses(value, number)
        contacts = Contacts(value.get("contacts"))
        self._told(value, "messages", lambda message: read_message(message, contacts, metadata, number))

    def _told(self, value: Object, key: str, read: Callable[[Object], Told]) -> None:
        for found in self.each(value, key):
            _report(found)
            try:
                told = read(found)
            except Unreadable as error:
                self.bad.append(error)
                continue
            self.aliases += told.aliases
            if told.message:
                self.messages.append(told.message)
            self.unserved |= not (told.message or told.aliases)


def read_payload(body: bytes, numbers: Collection[str]) -> Received:
    """What was said to our ``numbers`` (phone number ids) in the order in which it was sent, and its bubbles' statuses.

    Reactions, groups, other fields and what another number got are unserved. A message that cannot be read is
    counted in the log and does not hold up anything else; raises Unreadable when there is nothing else.
    """
    payload = read_object(body)
    found = _Reading(numbers)
    for entry in found.each(payload, "entry"):
        for change in found.each(entry, "changes"):
            found.change(change)
    bad, good = found.bad, len(found.messages)
    if bad and not (good or found.statuses or found.aliases or found.unserved):
        raise bad[0]
    if bad:
        _log.warning("%d of %d WhatsApp messages in one body cannot be read: %s", len(bad), len(bad) + good, bad[0])
    return Received(
        tuple(_in_order(found.messages)), tuple(found.statuses), len(bad), tuple(found.aliases), found.unserved
    )


def _report(found: Object) -> None:
    """Meta's errors about what it could not deliver to us: their codes, for their texts may quote a person."""
    errors = found.get("errors")
    if errors and isinstance(errors, list):
        codes = sorted(
            {error["code"] for error in errors if isinstance(error, dict) and type(error.get("code")) is int}
        )
        _log.warning("WhatsApp reports errors with what it delivers: %s", codes or "without a code")


def _in_order(messages: list[Message]) -> list[Message]:
    """By the platform's clock, then by position; one without a time stays behind the one before it."""
    if len(messages) < 2:
        return messages
    times, latest = [], 0.0
    for message in messages:
        latest = message.sent_at or latest
        times.append(latest)
    places = sorted(range(len(messages)), key=lambda place: (times[place], place))
    return [messages[place] for place in places]
