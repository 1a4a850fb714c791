"""The owner: whoever runs the business reads in a chat of their own what they must know."""

from __future__ import annotations

import hashlib
import logging
from typing import Final, cast

from bot.errors import SettingsError
from bot.message import Piece, Reply
from bot.numbers import settings_of
from bot.settings import Settings
from bot.stores import outbox
from bot.stores.bell import bell
from bot.stores.connection import PREFIX, Script, Store, key, translated
from bot.texts import Language, Text, language_of

TOLD: Final = PREFIX + "told:"
TOLD_DAYS: Final = 40
"""So long it is remembered what was told: longer than a month, for what is told once a month."""

NO_TURN: Final = 0
"""The number of a reply that answers nothing."""

_HOW: Final = "OWNER_CHAT names one chat with the bot, such as telegram:555 or telegram:-100555 (a group)."

_owner = Script("owner", "ring", "post")

log = logging.getLogger("recado.owner")


def owner_of(settings: Settings) -> str:
    """The conversation that OWNER_CHAT names; empty where it names none. Raises SettingsError."""
    if not settings.owner_chat:
        return ""
    parts = settings.owner_chat.split(":")
    if len(parts) > 2 and all(parts):
        return settings.owner_chat
    channel, chat = (parts if len(parts) == 2 else ("telegram", parts[0])) if all(parts) else ("", "")
    account = {
        "telegram": settings.telegram_bot_token.get_secret_value().partition(":")[0],
        "whatsapp": settings.whatsapp_phone_number_id,
    }.get(channel)
    if account is None or not chat:
        raise SettingsError(f"{settings.owner_chat!r} is no chat. {_HOW}")
    if not account:
        raise SettingsError(f"OWNER_CHAT is a chat on {channel}, which is off: set its token too, or leave it empty.")
    return f"{channel}:{account}:{chat}"


def notice(text: str) -> str:
    """A bubble for the owner as the outbox keeps it: the words as they are, for they may be a customer's."""
    return outbox.pack(Reply(NO_TURN, (Piece(text),)))


class Owner:
    """Tells the owner of this installation, or of one of its numbers."""

    def __init__(self, store: Store, settings: Settings, *, silent: bool = False) -> None:
        self._store, self._settings, self._silent = store, settings, silent

    def conversation(self, account: str = "") -> str:
        """Where the owner of ``account`` reads; empty: nowhere. Raises SettingsError."""
        return owner_of(settings_of(self._settings, account))

    def language(self, account: str = "") -> Language:
        """The owner's language. Raises StoreUnavailable."""
        default = settings_of(self._settings, account).default_language
        return language_in(self._store, self.conversation(account), default)

    def tell(self, once: str, text: Text | str, account: str = "") -> bool:
        """Tell the owner of ``account``, at most once per ``once`` within forty days; True when it is told now.

        Without OWNER_CHAT the log has it, and it is counted; so no word of a person's may stand in it.
        Raises StoreUnavailable.
        """
        where = self.conversation(account)
        words = text if isinstance(text, str) else text.to(self.language(account) if where else "en")
        name = TOLD + hashlib.blake2b(once.encode(), digest_size=12).hexdigest()
        args: list[str | int] = [*bell(silent=self._silent), where, notice(words), TOLD_DAYS * 86_400_000]
        told = bool(self._store.run(_owner, [name], args))
        if told and not where:
            log.warning("OWNER_CHAT is empty, so nobody is told: %s", words)
        return told


def language_in(store: Store, conversation: str, default: Language) -> Language:
    """The language that somebody has chosen there, else their platform's. Raises StoreUnavailable."""
    if not conversation:
        return default
    with translated():
        known = cast("list[bytes | None]", store.client.hmget(key(conversation, "state"), ["chosen", "language"]))
    return language_of(next((code.decode() for code in known if code), ""), default)
