"""One Telegram Message as ours. Field names: https://core.telegram.org/bots/api#message."""

from __future__ import annotations

import re
from typing import NamedTuple

from bot.channels._json import Object, number_in, object_in, objects_in, text_in
from bot.errors import Unreadable
from bot.message import Attachment, Conversation, Message
from bot.plain_words import asking_for_person

GENERAL_TOPIC = 1
"""A forum's first topic; messages to it carry no thread."""

GROUPS = ("group", "supergroup")
_COMMAND = re.compile(r"/[A-Za-z]\w{0,31}(?:@(\w+))?(?=\s|$)", re.ASCII)
_LONGEST_NAME = 2 * 66  # bytes; of what is longer no name comes
_LONGEST_QUOTE = 1000
_CALLED = re.compile(r"@(\w{1,64})", re.ASCII)
_FILES = ("animation", "document", "voice", "audio", "video", "video_note", "sticker")
_OTHERS = ("location", "venue", "contact", "poll", "dice", "story", "paid_media", "checklist")


class _Speaker(NamedTuple):
    """Who wrote: the platform's id, and what they call themselves."""

    id: str
    name: str


def of_person(
    message: Object, identity: str, raw: str, *, account: str, username: str, replaces: str = ""
) -> Message | None:
    """What a person wrote to the bot ``account``, called ``username`` ("": not known); None: nothing that counts.

    What people in a group say to each other is not addressed to us. What a bot wrote and what a platform reports
    about itself is no message. Raises Unreadable.
    """
    text, attachments = text_in(message, "text") or text_in(message, "caption"), _attachments(message)
    speaker, called = _speaker(message), _called(message, text)
    addressed = _is_addressed(message, text, called, account=account, username=username)
    album = text_in(message, "media_group_id")
    if not speaker or not (text or (attachments and (addressed or album))):
        return None
    return Message(
        identity,
        conversation_in(message, account),
        text,
        sent_at=float(number_in(message, "date")),
        person=speaker.name,
        language=text_in(object_in(message, "from"), "language_code"),
        reply_to=_reply_to(message),
        attachments=attachments,
        raw=raw,
        addressed=addressed,
        sender=speaker.id,
        bubble=bubble_of(message),
        replaces=replaces,
        album=album,
        called=called,
        quoted=_quoted(message, account),
        order=asking_for_person(text) if addressed and not attachments else "",
    )


def conversation_in(message: Object, account: str) -> str:
    """Where ``message`` belongs, or anything else that names its chat. Raises Unreadable where it names none."""
    chat = number_in(object_in(message, "chat"), "id")
    if not chat:
        raise Unreadable("a message has no chat")
    thread = number_in(message, "message_thread_id") if message.get("is_topic_message") is True else 0
    return str(Conversation("telegram", account, str(chat), str(thread) if thread > GENERAL_TOPIC else ""))


def bubble_of(message: Object) -> str:
    """Telegram's id of a message; empty where it has none."""
    return str(number_in(message, "message_id") or "")


def _speaker(message: Object) -> _Speaker | None:
    """Who wrote, if it was a person in a chat where we answer.

    Behind ``sender_chat`` is one too: an administrator who stays unnamed, or somebody in their channel's name. ``from``
    is then a bot of Telegram's own.
    """
    chat, sender = object_in(message, "chat"), object_in(message, "from")
    if text_in(chat, "type") not in {"private", *GROUPS}:
        return None
    if behind := object_in(message, "sender_chat"):
        name = text_in(message, "author_signature") or text_in(behind, "title")
        return _Speaker(str(number_in(behind, "id") or ""), name)
    if sender.get("is_bot") is True:
        return None
    return _Speaker(str(number_in(sender, "id") or ""), text_in(sender, "first_name"))


def _is_addressed(message: Object, text: str, called: tuple[str, ...], *, account: str, username: str) -> bool:
    """Whether a message is for the bot: all of a private chat's, and in groups its commands, replies and mentions.

    A command may name its bot (https://core.telegram.org/bots/features#commands); as long as ours has no known name,
    it counts. What a linked channel posts is for nobody.
    """
    if text_in(object_in(message, "chat"), "type") not in GROUPS:
        return True
    if message.get("is_automatic_forward") is True:
        return False
    if _COMMAND.match(text):
        return not called or not username or username in called
    return username in called or _is_reply_to(message, account) or _mentions(message, account)


def _called(message: Object, text: str) -> tuple[str, ...]:
    """The user names that a text calls; of a command's, whose it is. Offsets count UTF-16 units
    (https://core.telegram.org/bots/api#messageentity)."""
    if message.get("is_automatic_forward") is True:
        return ()
    if command := _COMMAND.match(text):
        return (command[1].lower(),) if command[1] else ()
    units, names = text.encode("utf-16-le", "surrogatepass"), []
    for entity in _entities(message):
        if entity.get("type") == "mention":
            start, length = 2 * number_in(entity, "offset"), min(2 * number_in(entity, "length"), _LONGEST_NAME)
            if found := _CALLED.fullmatch(units[start : start + length].decode("utf-16-le", "ignore")):
                names.append(found[1].lower())
    return tuple(dict.fromkeys(names))


def _entities(message: Object) -> list[Object]:
    return objects_in(message, "entities") + objects_in(message, "caption_entities")


def _is_reply_to(message: Object, account: str) -> bool:
    replied = object_in(message, "reply_to_message")
    return str(object_in(replied, "from").get("id")) == account and "forum_topic_created" not in replied


def _mentions(message: Object, account: str) -> bool:
    return any(str(object_in(entity, "user").get("id")) == account for entity in _entities(message))


def _reply_to(message: Object) -> str:
    """The message replied to. In a forum each message "replies" to the opening of its topic: none."""
    replied = object_in(message, "reply_to_message")
    number = number_in(replied, "message_id")
    return str(number) if number and "forum_topic_created" not in replied else ""


def _quoted(message: Object, account: str) -> str:
    """How our own bubble begins that this answers; what other people said is none of ours."""
    if not _is_reply_to(message, account):
        return ""
    replied = object_in(message, "reply_to_message")
    return (text_in(replied, "text") or text_in(replied, "caption"))[:_LONGEST_QUOTE]


def _attachments(message: Object) -> tuple[Attachment, ...]:
    found = [_file(kind, object_in(message, kind)) for kind in _FILES if kind in message]
    if sizes := objects_in(message, "photo"):
        found.append(_file("photo", sizes[-1]))  # the last one is the largest
    found += [Attachment(kind, "") for kind in _OTHERS if kind in message]
    return tuple(found)


def _file(kind: str, file: Object) -> Attachment:
    name, size = text_in(file, "file_name"), number_in(file, "file_size")
    return Attachment(kind, text_in(file, "file_id"), text_in(file, "mime_type"), name, size)
