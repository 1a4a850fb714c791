"""What people do on WhatsApp, and what the business does from its own telephone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from simulator import graph_shapes as shapes
from simulator.delivery import Said
from simulator.graph import encode, value, webhook
from simulator.graph_files import MIMES
from simulator.platforms import Bubble
from simulator.whatsapp_feed import WhatsAppFeed


class WhatsAppPeople(WhatsAppFeed):
    """Whoever writes is called by their telephone number or user id; ``number`` is whom they write to."""

    # what people do

    def say(self, wa_id: str, text: str, name: str = "Ana", *, number: str = "", quotes: str = "") -> dict[str, Any]:
        """A person writes; the webhook hears of it in the background. Returns the body, of this message alone."""
        return self.send(wa_id, shapes.text(text), text, number=number, quotes=quotes, name=name)

    def say_many(self, messages: Sequence[tuple[str, str]], name: str = "Ana") -> dict[str, Any]:
        """Several messages in one webhook; it waits its turn in all their chats."""
        with self.changed:
            body = self.body(messages, name)
            written = body["entry"][0]["changes"][0]["value"]["messages"]
            chats = [self.chat_with(self.contacts.of(wa_id)) for wa_id, _ in messages]
            said = tuple(Said(chat, one["id"], one["text"]["body"]) for chat, one in zip(chats, written, strict=True))
            for chat in chats:
                self._open_window(chat)
            self.carry(chats[0], encode(body), said)
        return body

    def send(
        self, wa_id: str, part: shapes.Part, text: str = "", *, number: str = "", quotes: str = "", name: str = "",
        forgets: tuple[str, ...] = (), silent: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """A person sends anything (see graph_shapes), of which ``text`` is what they see themselves. Returns the body.

        ``quotes`` is the message that it answers. ``forgets`` are fields that Meta leaves out this time, of the message
        or of the body's value (contacts). ``silent``: it is no message to be answered, and opens no window.
        """
        with self.changed:
            contact = self.contacts.of(wa_id)
            contact.name = name or contact.name
            chat, ours = self.chat_with(contact, number), self.number(number)
            self.know(contact, chat)
            message = self._message(contact, part, quotes)
            told = value(ours.metadata, contacts=[contact.about()], messages=[message])
            for where in (told, message):
                for one in forgets:
                    where.pop(one, None)
            said = () if silent else (Said(chat, message["id"], text),)
            if not silent:
                self._open_window(chat)
            if silent or self.batch[1] < 2:
                self.carry(chat, encode(webhook([told])), said)
            else:
                self._packer.pack(told, said, self.batch)
        return webhook([told])

    def send_file(
        self, wa_id: str, kind: str, content: bytes, *, caption: str = "", mime: str = "", name: str = "",
        number: str = "", serves: bytes = b"",
    ) -> dict[str, Any]:  # fmt: skip
        """A person sends a file: image, audio, voice, video, document or sticker. Returns the body.

        ``serves`` is what is fetched instead of what was sent: the hash is not that of this.
        """
        ours = self.number(number)
        file = self.files.keep(ours.phone_number_id, content, mime or MIMES[kind], name, serves)
        part = shapes.media(kind, file.id, file.mime, file.sha256, caption=caption, name=name)
        return self.send(wa_id, part, caption, number=number)

    def react(self, wa_id: str, message_id: str, emoji: str, *, number: str = "") -> dict[str, Any]:
        """Somebody reacts to a message, or with no emoji takes that back."""
        return self.send(wa_id, shapes.reaction(message_id, emoji), number=number, silent=True)

    def edit_said(self, wa_id: str, message_id: str, text: str, *, number: str = "") -> dict[str, Any]:
        """Somebody puts right what they wrote."""
        with self.changed:
            bubble = self.bubble(self.chat_with(self.contacts.of(wa_id), number), message_id)
            if bubble is None or bubble.who != "person":
                raise ValueError(f"{wa_id} did not write {message_id}")
            self.change(bubble, text, [])
            return self.send(wa_id, shapes.edit(message_id, shapes.text(text)), number=number, silent=True)

    def revoke(self, wa_id: str, message_id: str, *, number: str = "") -> dict[str, Any]:
        """Somebody takes back what they wrote; it goes from their chat."""
        with self.changed:
            contact = self.contacts.of(wa_id)
            chat = self.chat_with(contact, number)
            self.remove(chat, message_id)
            message = self._message(contact, shapes.revoke(message_id))
            told = value(self.number(number).metadata, contacts=[contact.about()], messages=[message])
            self.revoked[message_id] = self._bring(chat, webhook([told]), message["id"], "")
        return webhook([told])

    def change_number(self, wa_id: str, phone: str, user_id: str = "") -> dict[str, Any]:
        """Somebody has another telephone number from now on, and perhaps another user id. The old ones are nobody's."""
        with self.changed:
            contact = self.contacts.of(wa_id)
            part = shapes.new_number(contact.name, contact.phone, phone, user_id)
            message = {key: one for key, one in self._message(contact, part).items() if key != "from_user_id"}
            self.contacts.move(contact, phone=phone, user_id=user_id or contact.user_id)
            return self._tell_system(contact, message)

    def change_user_id(self, wa_id: str, user_id: str) -> dict[str, Any]:
        """Somebody has another business-scoped user id from now on."""
        with self.changed:
            contact = self.contacts.of(wa_id)
            part = shapes.new_user_id(contact.name, contact.user_id, user_id, contact.phone)
            message = {key: one for key, one in self._message(contact, part).items() if key != "from_user_id"}
            self.contacts.move(contact, phone=contact.phone, user_id=user_id)
            return self._tell_system(contact, message)

    def close_window(self, wa_id: str, *, by_status: bool = False, number: str = "") -> None:
        """Let the 24 hours after somebody's last message be over, until they write again.

        Messages are refused, or with ``by_status`` taken and then told to have failed.
        """
        with self.changed:
            self._closed_windows[self.chat_with(self.contacts.of(wa_id), number)] = by_status

    # what the business does, and others in its name

    def echo(self, wa_id: str, text: str, *, number: str = "") -> dict[str, Any]:
        """The business answers from its own telephone; the webhook hears of that too. Returns the body."""
        with self.changed:
            contact, ours = self.contacts.of(wa_id), self.number(number)
            chat = self.chat_with(contact, number)
            about = {"from": re.sub(r"\D", "", ours.display_phone_number), **contact.target()}
            message = about | self._stamp() | shapes.text(text)
            told = value(ours.metadata, contacts=[contact.about(profile=False)], message_echoes=[message])
            body = webhook([told], field="smb_message_echoes")
            self.show(chat, Bubble(message["id"], "business", text))
            self.echoed.append(self._bring(chat, body, message["id"], text))
        return body

    def stand_by(self, wa_id: str, text: str, *, number: str = "") -> dict[str, Any]:
        """A person writes while Meta's own assistant has the chat: we hear of it, and are not to answer."""
        with self.changed:
            contact = self.contacts.of(wa_id)
            message = self._message(contact, shapes.text(text))
            told = value(self.number(number).metadata, contacts=[contact.about()], messages=[message])
            body = webhook([told], field="standby")
            self.carry(self.chat_with(contact, number), encode(body))
        return body
