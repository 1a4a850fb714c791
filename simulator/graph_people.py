"""Who people are on WhatsApp: a telephone number, a business-scoped user id, or both; and how that changes.

Source: https://developers.facebook.com/docs/whatsapp/business-scoped-user-ids.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any, Final

USER_ID: Final = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")


@dataclass(slots=True)
class Contact:
    """A person. ``chat`` is the name by which the simulator knows them for good, whatever changes.

    Who has no ``phone`` hides it; who has no ``user_id`` comes as before user ids were.
    """

    chat: str
    phone: str = ""
    user_id: str = ""
    name: str = "Ana"
    username: str = ""

    def about(self, *, profile: bool = True) -> dict[str, Any]:
        """As ``contacts`` names them."""
        shown: dict[str, Any] = {"name": self.name} | ({"username": self.username} if self.username else {})
        return ({"profile": shown} if profile else {}) | self._marked("wa_id", "user_id")

    def sender(self) -> dict[str, str]:
        """As a message names who wrote it."""
        return self._marked("from", "from_user_id")

    def recipient(self) -> dict[str, str]:
        """As a status names who it is about."""
        return self._marked("recipient_id", "recipient_user_id")

    def target(self) -> dict[str, str]:
        """As an echo names whom the business wrote to."""
        return self._marked("to", "to_user_id")

    def _marked(self, phone: str, user_id: str) -> dict[str, str]:
        return {name: value for name, value in ((phone, self.phone), (user_id, self.user_id)) if value}


class Contacts:
    """Everybody who has written or was met."""

    def __init__(self) -> None:
        self._known: dict[str, Contact] = {}
        self._reached: dict[str, Contact] = {}
        self._past: set[str] = set()

    def of(self, name: str) -> Contact:
        """Whoever is known as ``name`` here: a chat's name, else whoever has that number or user id now, else somebody
        new with it."""
        if found := self._known.get(name) or self.at(name):
            return found
        return self.meet(name) if not USER_ID.fullmatch(name) else self.meet("", name)

    def at(self, address: str) -> Contact | None:
        """Whom a message to this number or user id reaches now."""
        return self._reached.get(address)

    def meet(self, phone: str, user_id: str = "", *, name: str = "Ana", username: str = "") -> Contact:
        """A new person. Whose number belonged to somebody before has a chat of their own, ``34600~1``."""
        first = chat = phone or user_id
        number = 0
        while chat in self._known:
            number += 1
            chat = f"{first}~{number}"
        self._known[chat] = Contact(chat, phone, user_id, name, username)
        self._reached |= dict.fromkeys({phone, user_id} - {""}, self._known[chat])
        return self._known[chat]

    def move(self, contact: Contact, *, phone: str, user_id: str) -> None:
        """From now on somebody has these; what they had before is nobody's."""
        before = {contact.phone, contact.user_id} - {""}
        self._past |= before
        self._reached = {name: one for name, one in self._reached.items() if name not in before}
        contact.phone, contact.user_id = phone, user_id
        self._reached |= dict.fromkeys({phone, user_id} - {""}, contact)

    def gone(self, address: str) -> bool:
        """Whether a number or user id was somebody's and is nobody's now."""
        return address in self._past and address not in self._reached


def some_user_id(country: str = "ES") -> str:
    """A business-scoped user id that nobody has."""
    return f"{country}.{secrets.randbelow(10**18):018d}"
