"""The menu of commands that Telegram shows (https://core.telegram.org/bots/api#setmycommands), and the stop button."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from telegram import BotCommand, BotCommandScopeChat, InlineKeyboardButton, InlineKeyboardMarkup

from bot.texts import LANGUAGES, Language, Text

STOP: Final = "stop"
"""What the button says to us when it is pressed."""


def button(label: str) -> InlineKeyboardMarkup | None:
    """A button that ends the answer above it; none without a label, which also takes away one that was there."""
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=STOP)]]) if label else None


def menus(
    commands: Mapping[str, Text], owners: Mapping[str, Text], chats: Sequence[int], default: Language
) -> Iterator[dict[str, Any]]:
    """The arguments of each call: for everybody, and with the ``owners`` commands in their ``chats``; each in all
    languages and once more for who speaks none of them."""
    for chat in (None, *chats):
        shown = commands if chat is None else {**commands, **owners}
        where = {} if chat is None else {"scope": BotCommandScopeChat(chat)}
        for language in (*LANGUAGES, None):
            lines = [BotCommand(name, text.to(language or default)) for name, text in shown.items()]
            yield {"commands": lines, "language_code": language, **where}
