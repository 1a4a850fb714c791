"""What people do on Telegram, and the updates that tell of it."""

from __future__ import annotations

import itertools
import re
import secrets
from time import time
from typing import Any, Final

from simulator.bot_api import SUPERGROUPS, chat_object, encode, units
from simulator.delivery import Said
from simulator.telegram_feed import TelegramFeed
from simulator.telegram_files import Files

_COMMAND: Final = re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])", re.ASCII)
_MENTION: Final = re.compile(r"(?<!\w)@[A-Za-z0-9_]{4,32}\b", re.ASCII)

GENERAL_TOPIC: Final = 1
"""A forum's first topic (https://core.telegram.org/api/forum#forum-topics)."""


class TelegramPeople(TelegramFeed):
    """Chats with one bot. In a group (a negative id) ``sender`` says who does it, else it is always the same person.

    Every message of a group reaches the bot, as it does when its privacy mode is off.
    """

    def __init__(
        self, token: str, webhook_url: str, webhook_secret: str, *, retry_seconds: float, redeliver: float
    ) -> None:
        super().__init__(webhook_url, webhook_secret, retry_seconds=retry_seconds, redeliver=redeliver)
        self.token = token
        self.moved: dict[str, str] = {}
        self.files = Files()
        self.queries: dict[str, bool] = {}
        self._blocked: set[str] = set()
        self._update_ids = itertools.count(secrets.randbelow(800_000_000) + 100_000_000)
        self._message_ids = itertools.count(secrets.randbelow(100_000) + 1)
        self.me: dict[str, Any] = {
            "id": int(token.partition(":")[0]) if token.partition(":")[0].isdecimal() else 1,
            "is_bot": True,
            "first_name": "Recado",
            "username": "recado_bot",
        }

    # writing

    def say(
        self, chat_id: int, text: str, language: str = "es", name: str = "Ana", *,
        sender: int = 0, thread: int = 0, reply_to: int = 0, entities: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """A person writes (and blocks us no longer); the product hears of it in the background. Returns the update.

        ``reply_to`` is a message in this chat, ours or a person's. ``entities`` take the place of those that
        Telegram finds in the text by itself.
        """
        with self.changed:
            update = self.update(
                chat_id, text, language, name, sender=sender, thread=thread, reply_to=reply_to, entities=entities
            )
            self._hear(chat_id, update, text)
        return update

    def update(
        self, chat_id: int, text: str, language: str = "es", name: str = "Ana", *,
        sender: int = 0, thread: int = 0, reply_to: int = 0, entities: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """An Update as Telegram builds it, not yet delivered."""
        more = {"text": text} | _marked("entities", found_in(text) if entities is None else entities)
        more |= self._place(chat_id, thread, reply_to)
        return self._update(chat_id, more, self._user(chat_id, sender, name, language), thread)

    def send_file(
        self, chat_id: int, kind: str, content: bytes, *, caption: str = "", mime: str = "", name: str = "",
        album: str = "", sender: int = 0, thread: int = 0, reply_to: int = 0, size: int = 0,
        language: str = "es", person: str = "Ana",
    ) -> dict[str, Any]:  # fmt: skip
        """A person sends a file (photo, document, voice, audio, video), called ``name``. Returns the update.

        Those of one ``album`` were chosen together. ``size`` is what Telegram says of it, by default its true one.
        """
        with self.changed:
            more = {kind: self.files.keep(kind, content, mime=mime, name=name, size=size)}
            more |= {"media_group_id": album} if album else {}
            if caption:
                more |= {"caption": caption} | _marked("caption_entities", found_in(caption))
            more |= self._place(chat_id, thread, reply_to)
            update = self._update(chat_id, more, self._user(chat_id, sender, person, language), thread)
            self._hear(chat_id, update, caption)
        return update

    def edit_said(self, chat_id: int, message_id: int, text: str) -> dict[str, Any]:
        """A person puts right what they wrote (of a file: its caption). Returns the update."""
        with self.changed:
            bubble = self.bubble(str(chat_id), str(message_id))
            if bubble is None or bubble.who != "person":
                raise ValueError(f"nobody wrote {message_id} in {chat_id}")
            field, marks = ("text", "entities") if "text" in bubble.raw else ("caption", "caption_entities")
            left = {key: value for key, value in bubble.raw.items() if key != marks}
            changed = left | {field: text, "edit_date": int(time())} | _marked(marks, found_in(text))
            update = {"update_id": next(self._update_ids), "edited_message": changed}
            bubble.raw = changed
            self.change(bubble, text, changed.get(marks, []))
            self.tell(str(chat_id), update)
        return update

    def press(
        self, chat_id: int, message_id: int, data: str, *, sender: int = 0, language: str = "es", name: str = "Ana"
    ) -> dict[str, Any]:
        """A person presses a button under one of the bot's bubbles. Returns the update.

        It stands in a queue of that person's own, and so may overtake what is written. The button need not be there
        any more: people press what they see.
        """
        with self.changed:
            bubble = self.bubble(str(chat_id), str(message_id))
            if bubble is None or bubble.who != "assistant":
                raise ValueError(f"the bot has no bubble {message_id} in {chat_id}")
            user = self._user(chat_id, sender, name, language)
            number, instance = str(secrets.randbits(62)), str(secrets.randbits(62))
            query = {"id": number, "from": user, "message": bubble.raw, "chat_instance": instance, "data": data}
            self.queries[number] = False
            update = {"update_id": next(self._update_ids), "callback_query": query}
            self.tell(f"presses of {user['id']}", update)
        return update

    # coming and going

    def block(self, chat_id: int) -> None:
        """A person blocks the bot, until they write again or unblock it."""
        with self.changed:
            self._blocked.add(str(chat_id))

    def unblock(self, chat_id: int) -> None:
        """A person lets the bot write again."""
        with self.changed:
            self._blocked.discard(str(chat_id))

    def migrate(self, chat_id: int) -> int:
        """A group becomes a supergroup; both ids tell the product. Returns the new id; the old takes no calls."""
        with self.changed:
            new = SUPERGROUPS - next(self._message_ids)
            self.moved[str(chat_id)] = str(new)
            for chat, more in ((chat_id, {"migrate_to_chat_id": new}), (new, {"migrate_from_chat_id": chat_id})):
                self.tell(str(chat), self._update(chat, more, self._user(chat_id)))
        return new

    def deliver(self, update: dict[str, Any]) -> int:
        """One POST of an update, now; the status, 0 without an answer."""
        return self.post(encode(update))[0]

    # how it is told

    def _hear(self, chat_id: int, update: dict[str, Any], text: str) -> None:
        """Show what a person wrote, and tell of it."""
        message = update["message"]
        self._blocked.discard(str(chat_id))
        self.tell(str(chat_id), update, (Said(str(chat_id), str(message["message_id"]), text),))
        if bubble := self.bubble(str(chat_id), str(message["message_id"])):
            bubble.raw = message

    def _user(self, chat_id: int, sender: int = 0, name: str = "Ana", language: str = "es") -> dict[str, Any]:
        return {"id": sender or abs(chat_id), "is_bot": False, "first_name": name, "language_code": language}

    def _update(self, chat_id: int, more: dict[str, Any], user: dict[str, Any], thread: int = 0) -> dict[str, Any]:
        chat = chat_object(chat_id, str(user["first_name"]))
        chat |= {"is_forum": True} if thread else {}
        message = {"message_id": next(self._message_ids), "from": user, "chat": chat, "date": int(time())}
        return {"update_id": next(self._update_ids), "message": message | more}

    def _place(self, chat_id: int, thread: int, reply_to: int) -> dict[str, Any]:
        """Where a message stands; in a topic, what replies to nothing replies to the topic's opening.

        The general topic has no number and no opening.
        """
        thread = 0 if thread == GENERAL_TOPIC else thread
        place: dict[str, Any] = {"message_thread_id": thread, "is_topic_message": True} if thread else {}
        if reply_to:
            answered = self.bubble(str(chat_id), str(reply_to))
            if answered is None:
                raise ValueError(f"there is no message {reply_to} in {chat_id}")
            within = {"reply_to_message", "reply_markup"}
            place["reply_to_message"] = {key: value for key, value in answered.raw.items() if key not in within}
        elif thread:
            chat = chat_object(chat_id, "") | {"is_forum": True}
            opening = {"message_id": thread, "from": self._user(chat_id), "chat": chat, "date": int(time())}
            created = {"forum_topic_created": {"name": "Topic", "icon_color": 7322096}}
            place["reply_to_message"] = opening | place | created
        return place


def found_in(text: str) -> list[dict[str, Any]]:
    """The commands and mentions that Telegram itself finds in what people write."""
    found = [("bot_command", match) for match in _COMMAND.finditer(text)]
    found += [("mention", match) for match in _MENTION.finditer(text)]
    return [
        {"type": kind, "offset": units(text[: match.start()]), "length": units(match[0])}
        for kind, match in sorted(found, key=lambda one: one[1].start())
    ]


def _marked(field: str, entities: list[dict[str, Any]]) -> dict[str, Any]:
    return {field: entities} if entities else {}
