"""One Telegram Update as messages of ours. Field names: https://core.telegram.org/bots/api#update."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.channels._json import Object, number_in, object_in, objects_in, read_object, text_in, write
from bot.errors import Unreadable
from bot.message import Attachment, Conversation, Message

GENERAL_TOPIC = 1
"""A forum's first topic; messages to it carry no thread."""

_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
"""JSON escapes from which alone a text that cannot be stored can come: halves of a pair, whole or not."""

_GROUPS = ("group", "supergroup")
_COMMAND = re.compile(r"/[A-Za-z]\w{0,31}(?:@(\w+))?(?=\s|$)", re.ASCII)
_FILES = ("animation", "document", "voice", "audio", "video", "video_note", "sticker")
_OTHERS = ("location", "venue", "contact", "poll", "dice", "story", "paid_media", "checklist")


class Updates:
    """Reads the Updates of one bot, and learns the bot's user name from those that carry it."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._username = ""

    def read(self, body: bytes) -> tuple[Message, ...]:
        """The message in an Update, if there is one. Raises Unreadable.

        What people in a group say to each other is not addressed to us. What a bot wrote, what was
        edited and what a platform reports about itself is no message.
        """
        update = read_object(body)
        if not isinstance(update.get("update_id"), int):
            raise Unreadable("there is no update_id")
        update_id, message = number_in(update, "update_id"), object_in(update, "message")
        if _HALF_CHARACTER.search(body):
            write(message)
        self._learn(message)
        text, attachments = text_in(message, "text") or text_in(message, "caption"), _attachments(message)
        addressed = self._is_addressed(message, text)
        if not _is_from_a_person(message) or not (text or (attachments and addressed)):
            return ()
        found = Message(str(update_id), _conversation(message, self._account), text, attachments=attachments)
        return (_with_details(found, message, body, addressed=addressed),)

    def _learn(self, message: Object) -> None:
        """A reply to the bot, or its arrival in a group, shows its name; the receiver itself asks nobody."""
        replied = object_in(object_in(message, "reply_to_message"), "from")
        for user in (replied, *objects_in(message, "new_chat_members")):
            if str(user.get("id")) == self._account:
                self._username = text_in(user, "username").lower() or self._username

    def _is_addressed(self, message: Object, text: str) -> bool:
        """Whether a message is for the bot: all of a private chat's, and in groups its commands, replies and mentions.

        A command may name its bot (https://core.telegram.org/bots/features#commands). A plain @mention is
        not looked at, for the bot's user name may not be known.
        """
        if text_in(object_in(message, "chat"), "type") not in _GROUPS:
            return True
        if command := _COMMAND.match(text):
            bot = (command[1] or "").lower()
            return not (bot and self._username) or bot == self._username
        return _is_reply_to(message, self._account) or _mentions(message, self._account)


def _with_details(found: Message, message: Object, body: bytes, *, addressed: bool) -> Message:
    sender = object_in(message, "from")
    return replace(
        found,
        sent_at=float(number_in(message, "date")),
        person=text_in(sender, "first_name"),
        language=text_in(sender, "language_code"),
        reply_to=_reply_to(message),
        raw=body.decode(),
        addressed=addressed,
    )


def _is_from_a_person(message: Object) -> bool:
    kind = text_in(object_in(message, "chat"), "type")
    return object_in(message, "from").get("is_bot") is not True and kind in {"private", *_GROUPS}


def _conversation(message: Object, account: str) -> str:
    chat = number_in(object_in(message, "chat"), "id")
    if not chat:
        raise Unreadable("a message has no chat")
    thread = number_in(message, "message_thread_id") if message.get("is_topic_message") is True else 0
    return str(Conversation("telegram", account, str(chat), str(thread) if thread > GENERAL_TOPIC else ""))


def _is_reply_to(message: Object, account: str) -> bool:
    replied = object_in(message, "reply_to_message")
    return str(object_in(replied, "from").get("id")) == account and "forum_topic_created" not in replied


def _mentions(message: Object, account: str) -> bool:
    entities = objects_in(message, "entities") + objects_in(message, "caption_entities")
    return any(str(object_in(entity, "user").get("id")) == account for entity in entities)


def _reply_to(message: Object) -> str:
    """The message replied to. In a forum each message "replies" to the opening of its topic: none."""
    replied = object_in(message, "reply_to_message")
    number = number_in(replied, "message_id")
    return str(number) if number and "forum_topic_created" not in replied else ""


def _attachments(message: Object) -> tuple[Attachment, ...]:
    found = [_file(kind, object_in(message, kind)) for kind in _FILES if kind in message]
    if sizes := objects_in(message, "photo"):
        found.append(_file("photo", sizes[-1]))  # the last one is the largest
    found += [Attachment(kind, "") for kind in _OTHERS if kind in message]
    return tuple(found)


def _file(kind: str, file: Object) -> Attachment:
    name, size = text_in(file, "file_name"), number_in(file, "file_size")
    return Attachment(kind, text_in(file, "file_id"), text_in(file, "mime_type"), name, size)
