"""In a group: who spoke, and whether to us."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.channels import Channel
from bot.errors import DeliveryError, Unavailable
from bot.message import Message
from bot.stores.mailbox import Mailbox
from bot.stores.taken import Think

NAME_SECONDS: Final = 5.0
NAME_MOST: Final = 40
"""Characters of a name that are shown."""

_COLONS: Final = "\u2236\ua789\u05c3\u0589\u02d0\u02f8"
"""What looks like a colon, and does not become one when it is normalised."""


def told(task: Think, conversation: str, channel: Channel | None, mailbox: Mailbox) -> Think:
    """The turn; in a group with a name for everybody who speaks, and with what is said to us known as such.

    Raises StoreUnavailable, and Unavailable while the platform does not say what we are called there.
    """
    if channel is None or not channel.is_group(conversation):
        return task
    messages = task.batch.messages
    try:
        ours = channel.username() if any(_depends(message) for message in messages) else ""
    except DeliveryError as error:
        raise Unavailable(f"{channel.name} does not say what we are called there: {error}", NAME_SECONDS) from error
    names = mailbox.names(conversation, [(message.sender or message.person, plain(message)) for message in messages])
    return replace(task, batch=replace(task.batch, messages=_heard(messages, names, ours), group=True))


def _heard(messages: Sequence[Message], names: Sequence[str], ours: str) -> tuple[Message, ...]:
    """Whoever sends several files at once says to whom they are with one of them."""
    albums = {message.album for message in messages if message.album and is_to_us(message, ours)}
    return tuple(
        replace(message, person=name, addressed=is_to_us(message, ours) or message.album in albums)
        for message, name in zip(messages, names, strict=True)
    )


def is_to_us(message: Message, username: str) -> bool:
    """Whether it is for the bot called ``username``: said to it, or calling it. A command that names a bot is that
    bot's alone."""
    if message.command and message.called:
        return username in message.called
    return message.addressed or username in message.called


def plain(message: Message) -> str:
    """What somebody calls themselves, as it may stand before a colon at the beginning of a line."""
    normal = unicodedata.normalize("NFKC", message.person)
    kept = (letter if letter.isprintable() and letter not in f":(){_COLONS}" else " " for letter in normal)
    return " ".join("".join(kept).split())[:NAME_MOST].strip() or message.sender or "?"


def _depends(message: Message) -> bool:
    """Whether our user name decides if it is for us."""
    return bool(message.called) and (not message.addressed or bool(message.command))
