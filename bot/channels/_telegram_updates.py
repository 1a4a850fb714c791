"""One Telegram Update as what it means for us. Field names: https://core.telegram.org/bots/api#update."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bot.channels._json import Object, number_in, object_in, objects_in, read_object, text_in, write
from bot.channels._telegram_message import GROUPS, bubble_of, conversation_in, of_person
from bot.errors import Unreadable
from bot.message import Message
from bot.received import Alias, Received

STOP = "stop"
"""What the button under a growing bubble says when it is pressed."""

_OUTSIDE = frozenset({"left", "kicked"})
_INSIDE = frozenset({"member", "administrator"})

_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
"""JSON escapes from which alone a text that cannot be stored can come: halves of a pair, whole or not."""


class Updates:
    """Reads the Updates of one bot, and learns the bot's user name from those that carry it."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._username = ""
        self._served: dict[str, Callable[[Object, str, str], Received]] = {
            "message": self._written,
            "edited_message": self._edited,
            "callback_query": self._pressed,
            "my_chat_member": self._joined,
        }

    def read(self, body: bytes) -> Received:
        """What an Update says to us. Raises Unreadable.

        What people write or put right, and a group that moves or that we join; everything else that Telegram tells
        is either nothing to answer, or unserved.
        """
        update = read_object(body)
        if not isinstance(update.get("update_id"), int):
            raise Unreadable("there is no update_id")
        identity, parts = str(number_in(update, "update_id")), {kind: object_in(update, kind) for kind in self._served}
        if _HALF_CHARACTER.search(body):
            write(parts)
        for kind, read in self._served.items():
            if part := parts[kind]:
                return read(part, identity, body.decode())
        others = update.keys() - self._served.keys() - {"update_id"}
        return Received(unserved=any(update[kind] is not None for kind in others))

    def _written(self, message: Object, identity: str, raw: str) -> Received:
        self._learn(object_in(object_in(message, "reply_to_message"), "from"))
        for user in objects_in(message, "new_chat_members"):
            self._learn(user)
        if alias := self._moved(message):
            return Received(aliases=(alias,))
        found = of_person(message, identity, raw, account=self._account, username=self._username)
        return Received((found,) if found else ())

    def _edited(self, message: Object, identity: str, raw: str) -> Received:
        bubble = bubble_of(message)
        found = of_person(message, identity, raw, account=self._account, username=self._username, replaces=bubble)
        return Received((found,) if found and bubble else ())

    def _pressed(self, query: Object, identity: str, raw: str) -> Received:
        """A press is always answered, or the button would turn for ever. Only one on a bubble that is there counts:
        of another one Telegram does not tell the thread (https://core.telegram.org/bots/api#inaccessiblemessage)."""
        number, under = text_in(query, "id"), object_in(query, "message")
        if not number:
            raise Unreadable("a press has no id")
        self._learn(object_in(under, "from"))
        answer = write({"method": "answerCallbackQuery", "callback_query_id": number})
        if query.get("data") != STOP or not number_in(under, "date"):
            return Received(answer=answer)
        stop = _order("/stop", object_in(query, "from"), under, identity, raw, account=self._account)
        return Received((replace(stop, pressed=True, reply_to=bubble_of(under)),), answer=answer)

    def _joined(self, change: Object, identity: str, raw: str) -> Received:
        """Who takes us into a group is greeted there."""
        before, now = object_in(change, "old_chat_member"), object_in(change, "new_chat_member")
        user = object_in(now, "user")
        self._learn(user)
        arrives = text_in(before, "status") in _OUTSIDE and text_in(now, "status") in _INSIDE
        is_group = text_in(object_in(change, "chat"), "type") in GROUPS
        if not (arrives and is_group and str(user.get("id")) == self._account):
            return Received()
        return Received((_order("/start", object_in(change, "from"), change, identity, raw, account=self._account),))

    def _moved(self, message: Object) -> Alias | None:
        """The group that became a supergroup; both tell of it (https://core.telegram.org/bots/api#message)."""
        to, came_from = number_in(message, "migrate_to_chat_id"), number_in(message, "migrate_from_chat_id")
        if not (to or came_from):
            return None
        here = number_in(object_in(message, "chat"), "id")
        old, new = ({"chat": {"id": chat}} for chat in ((here, to) if to else (came_from, here)))
        return Alias(conversation_in(old, self._account), conversation_in(new, self._account))

    def _learn(self, user: Object) -> None:
        """Whatever shows the bot shows its name; the receiver itself asks nobody."""
        if str(user.get("id")) == self._account:
            self._username = text_in(user, "username").lower() or self._username


def _order(text: str, who: Object, where: Object, identity: str, raw: str, *, account: str) -> Message:
    """A command that nobody typed."""
    return Message(
        identity,
        conversation_in(where, account),
        text,
        sent_at=float(number_in(where, "date")),
        person=text_in(who, "first_name"),
        language=text_in(who, "language_code"),
        sender=str(number_in(who, "id") or ""),
        raw=raw,
    )
