"""The numbers of a business on WhatsApp, who writes to them, and the signed webhooks that tell of it."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import re
import secrets
from collections import deque
from collections.abc import Sequence
from time import monotonic, time
from typing import Any, Final

from simulator import graph_shapes as shapes
from simulator.delivery import Parcel, Said
from simulator.graph import encode, handshake, value, webhook
from simulator.graph_files import Files
from simulator.graph_numbers import Number
from simulator.graph_people import Contact, Contacts
from simulator.packing import Packer
from simulator.platforms import Platform
from simulator.post import Answer

REMEMBERED: Final = 10_000
_NUMBER: Final = re.compile(rb'"phone_number_id":"(\d+)"')


class WhatsAppFeed(Platform):
    """Chats with the numbers of a business; ``number`` is a phone number id, the first one's if empty.

    A person is called by their telephone number or user id (see Contacts). A chat's name is that, and for a further
    number of the business that number before it: ``1065/34600``. ``ahead`` is by how many seconds Meta's clock differs
    from this machine's; ``heard`` is when (by that clock) somebody last wrote in a chat. ``delivered`` are the last
    bodies that the webhook was sent, with what it answered.
    """

    def __init__(
        self, first: Number, webhook_url: str, verify_token: str, *, retry_seconds: float, redeliver: float
    ) -> None:
        super().__init__(webhook_url, retry_seconds=retry_seconds, redeliver=redeliver)
        self.numbers = {first.phone_number_id: first}
        self.first = first
        self.verify_token = verify_token
        self.batch = (1, 1)
        self.ahead = 0.0
        self.contacts = Contacts()
        self.files = Files(self.url, self.now)
        self.heard: dict[str, float] = {}
        self.delivered: deque[tuple[Answer, bytes]] = deque(maxlen=REMEMBERED)
        self._closed_windows: dict[str, bool] = {}
        self._packer = Packer(self)
        self._ids, self._series = itertools.count(1), secrets.token_hex(6)

    # who there is

    def add_number(self, phone_number_id: str, token: str, *, app_secret: str = "", display: str = "") -> Number:
        """A further number of the business, of the same app unless it has an ``app_secret`` of its own."""
        shown = display or f"+34 6{len(self.numbers):02d} 000 000"
        number = Number(phone_number_id, token, app_secret or self.first.app_secret, shown)
        self.numbers[phone_number_id] = number
        self.further.add(phone_number_id)
        return number

    def number(self, phone_number_id: str = "") -> Number:
        return self.numbers[phone_number_id] if phone_number_id else self.first

    def chat_with(self, contact: Contact, number: str = "") -> str:
        """The name of somebody's chat with a number."""
        further = number if number != self.first.phone_number_id else ""
        return f"{further}/{contact.chat}" if further else contact.chat

    def know(self, contact: Contact, chat: str) -> None:
        """The product may call a chat by its person's user id as well."""
        if contact.user_id not in {"", contact.chat}:
            self.moved[chat] = chat.removesuffix(contact.chat) + contact.user_id

    def parties(self, chat: str) -> tuple[Number, Contact]:
        """Whose chat it is, by its name; whoever has a slash in their own is with the first number."""
        further, _, name = chat.partition("/")
        if further not in self.further:
            return self.first, self.contacts.of(chat)
        return self.number(further), self.contacts.of(name)

    def now(self) -> float:
        """Meta's clock, in seconds since 1970."""
        return time() + self.ahead

    # webhooks

    def body(self, messages: Sequence[tuple[str, str]], name: str = "Ana") -> dict[str, Any]:
        """A webhook body with text messages to the first number, not yet delivered."""
        people = [self.contacts.of(wa_id) for wa_id, _ in messages]
        for contact in people:
            contact.name = name
        said = [self._message(contact, shapes.text(text)) for contact, (_, text) in zip(people, messages, strict=True)]
        known = {contact.chat: contact.about() for contact in people}
        return webhook([value(self.first.metadata, contacts=list(known.values()), messages=said)])

    def deliver(self, body: dict[str, Any] | str | bytes) -> int:
        """One signed POST, now; the status, 0 without an answer. Text and bytes go out as they are."""
        raw = encode(body) if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
        return self.post(raw)[0]

    def webhook_headers(self, body: bytes) -> dict[str, str]:
        """Signed by the app of the number that the body is about."""
        found = _NUMBER.search(body)
        number = self.numbers.get(found[1].decode(), self.first) if found else self.first
        signature = hmac.new(number.app_secret.encode(), body, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}

    def bring(self, body: bytes) -> Answer:
        answer = super().bring(body)
        self.delivered.append((answer, body))
        return answer

    def verify(self) -> bool:
        """Meta's test of the address: whether the webhook echoes the challenge as plain text."""
        return handshake(self.webhook_url, self.verify_token)

    def _bring(self, chat: str, body: dict[str, Any], identity: str, text: str) -> Said:
        """Deliver what no person said, in the order of a chat."""
        said = Said(chat, identity, text, monotonic())
        self.delivery.put(chat, Parcel(encode(body), (said,)))
        return said

    def _tell_system(self, contact: Contact, message: dict[str, Any]) -> dict[str, Any]:
        """Every number that the person has written to hears of it; a system message names no contacts."""
        told = [number for number in self.numbers.values()
                if self.chat_with(contact, number.phone_number_id) in self.heard] or [self.first]  # fmt: skip
        for number in told:
            body = webhook([value(number.metadata, messages=[message | self._stamp()])])
            self.carry(self.chat_with(contact, number.phone_number_id), encode(body))
        return body

    def _message(self, contact: Contact, part: shapes.Part, quotes: str = "") -> dict[str, Any]:
        context = {"context": {"from": contact.phone, "id": quotes}} if quotes else {}
        return contact.sender() | self._stamp() | part | context

    def _stamp(self) -> dict[str, str]:
        return {"id": self._wamid(), "timestamp": str(int(self.now()))}

    def _open_window(self, chat: str) -> None:
        self._closed_windows.pop(chat, None)
        self.heard[chat] = self.now()

    def _wamid(self) -> str:
        return f"wamid.{self._series}{next(self._ids):08d}"
