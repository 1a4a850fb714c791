"""Who is meant: people on WhatsApp have a phone number, a business-scoped user id, or both.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import NamedTuple

from bot.channels._json import Object, object_in, text_in, write
from bot.errors import Unreadable
from bot.message import Conversation
from bot.received import Alias

NOBODY: Object = {}
_CHANGES = frozenset({"user_changed_number", "customer_changed_number", "user_changed_user_id"})
_NO_NAME = re.compile(r"[:\s]")


class Names(NamedTuple):
    """What one person is called."""

    phone: str = ""
    user: str = ""

    def conversations(self, number: str) -> tuple[str, ...]:
        """The person's conversation with our ``number`` under each name, the phone number's first."""
        return tuple(conversation_with(number, name) for name in self if name)

    def __or__(self, other: Names) -> Names:
        """These, and the other's where there is none."""
        return Names(self.phone or other.phone, self.user or other.user)


def conversation_with(number: str, user: str) -> str:
    """The conversation of our ``number`` with a person: a phone number, or a business-scoped user id.

    Raises Unreadable for half a character.
    """
    if not user.isascii():
        write(user)
    return str(Conversation("whatsapp", number, _NO_NAME.sub("-", user)))


def named(found: Object, phone: str, user: str, parent: str) -> Names:
    """The names under these keys: a phone number without its plus, a user id or else the one that linked businesses
    share. Raises Unreadable for what is no text."""
    given, own, shared = text_in(found, phone), text_in(found, user), text_in(found, parent)
    return Names(given.strip().lstrip("+"), own.strip() or shared.strip())


def of_sender(message: Object) -> Names:
    """Who wrote, as the message itself says it."""
    return named(message, "from", "from_user_id", "from_parent_user_id")


def of_contact(contact: Object) -> Names:
    """Who stands beside the messages of a body."""
    return named(contact, "wa_id", "user_id", "parent_user_id")


def of_recipient(echo: Object) -> Names:
    """To whom the business wrote from its own telephone."""
    return named(echo, "to", "to_user_id", "to_parent_user_id")


class Contacts:
    """Who is who beside the messages of a body; one that cannot be read is nobody's."""

    def __init__(self, listed: object) -> None:
        self._known = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        self._named: dict[str, Object] = {}
        for contact in self._known:
            with suppress(Unreadable):
                self._named.update((name, contact) for name in of_contact(contact) if name not in self._named)

    def of(self, sender: Names) -> Object:
        """The contact of whoever wrote; the only one there is where a message names nobody, else NOBODY."""
        for name in sender:
            if name and name in self._named:
                return self._named[name]
        return self._known[0] if len(self._known) == 1 and not any(sender) else NOBODY


def aliases(message: Object, number: str, at: float) -> list[Alias]:
    """What a system message says of a person whose number or user id is another from now on.

    With the number the user id changes too, so that both pairs come in one message
    (https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system);
    a new name without an old one of its kind takes the other's place. The user id comes first, for nobody else ever
    gets the old one. Raises Unreadable.
    """
    system = object_in(message, "system")
    kind, sender, identity = text_in(system, "type"), of_sender(message), text_in(message, "id")
    if kind not in _CHANGES:
        return []
    new = named(system, "wa_id", "user_id", "parent_user_id") | named(system, "new_wa_id", "user_id", "parent_user_id")
    before = named(system, "previous_wa_id", "previous_user_id", "previous_parent_user_id")
    phone = "" if kind == "user_changed_user_id" else before.phone or sender.phone
    old = Names(phone, before.user or (sender.user if sender.user != new.user else ""))
    write([old, new, identity])
    pairs = ((old.user or old.phone, new.user), (old.phone or old.user, new.phone))
    return [
        Alias(conversation_with(number, gone), conversation_with(number, name), freed=True, at=at, id=identity)
        for gone, name in pairs
        if gone and name and gone != name
    ]
