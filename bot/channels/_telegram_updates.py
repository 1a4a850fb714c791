"""One Telegram Update as messages of ours. Field names: https://core.telegram.org/bots/api#update."""

from __future__ import annotations

import re

from bot.channels._json import Object, number_in, object_in, objects_in, read_object, text_in, write
from bot.errors import Unreadable
from bot.message import Attachment, Conversation, Message

GENERAL_TOPIC = 1
"""A forum's first topic; messages to it carry no thread."""

_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
"""JSON escapes from which alone a text that cannot be stored can come: halves of a pair, whole or not."""

_FILES = ("animation", "document", "voice", "audio", "video", "video_note", "sticker")
_OTHERS = ("location", "venue", "contact", "poll", "dice", "story", "paid_media", "checklist")


def read_update(body: bytes, account: str) -> list[Message]:
    """The message to answer in an Update, if there is one. Raises Unreadable.

    In groups only commands and replies to the bot are for us. What a bot wrote, what was edited and
    what a platform reports about itself is not answered.
    """
    update = read_object(body)
    if not isinstance(update.get("update_id"), int):
        raise Unreadable("there is no update_id")
    update_id, message = number_in(update, "update_id"), object_in(update, "message")
    if _HALF_CHARACTER.search(body):
        write(message)
    if not message:
        return []
    text = text_in(message, "text") or text_in(message, "caption")
    attachments = _attachments(message)
    if not (text or attachments) or not _is_for_us(message, text, account):
        return []
    sender = object_in(message, "from")
    return [
        Message(
            id=str(update_id),
            conversation=_conversation(message, account),
            text=text,
            sent_at=float(number_in(message, "date")),
            person=text_in(sender, "first_name"),
            language=text_in(sender, "language_code"),
            reply_to=_reply_to(message),
            attachments=attachments,
            raw=body.decode(),
        )
    ]


def _conversation(message: Object, account: str) -> str:
    chat = number_in(object_in(message, "chat"), "id")
    if not chat:
        raise Unreadable("a message has no chat")
    thread = number_in(message, "message_thread_id") if message.get("is_topic_message") is True else 0
    return str(Conversation("telegram", account, str(chat), str(thread) if thread > GENERAL_TOPIC else ""))


def _is_for_us(message: Object, text: str, account: str) -> bool:
    sender, kind = object_in(message, "from"), text_in(object_in(message, "chat"), "type")
    if sender.get("is_bot") is True:
        return False
    if kind in ("group", "supergroup"):
        return bool(Message("", "", text).command) or _is_addressed(message, account)
    return kind == "private"


def _is_addressed(message: Object, account: str) -> bool:
    """Whether a group's message answers the bot, or names it by its id.

    A plain @mention holds a user name, and the receiver, which calls nobody, does not know the bot's.
    """
    replied = object_in(message, "reply_to_message")
    if str(object_in(replied, "from").get("id")) == account and "forum_topic_created" not in replied:
        return True
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
