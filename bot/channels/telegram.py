"""Telegram: https://core.telegram.org/bots/api.

The half that receives reads JSON only; the half that speaks loads python-telegram-bot on first use.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from bot.channels import Channel
from bot.channels._once import Once
from bot.channels._telegram_updates import Updates
from bot.errors import Blocked, Forged, Gone, Refused, SettingsError, TooLarge
from bot.message import Attachment, Conversation, Limit, Piece
from bot.received import Received
from bot.settings import Settings, require_secret
from bot.texts import Language, Text

if TYPE_CHECKING:
    from bot.channels._telegram_client import TelegramClient

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header

_TOKEN = re.compile(r"([0-9]+):[A-Za-z0-9_-]{30,}")
_DOCUMENTED = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"
"""The token in Telegram's own documentation (https://core.telegram.org/bots/api#authorizing-your-bot)."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{32,256}")
_BUBBLE = re.compile(r"(?:-[0-9]{1,18}/)?[0-9]{1,18}")
_AT_ONCE_SECONDS = 5
"""A chat's bubbles of so many seconds may follow each other closely."""

_HOW_TO_GET_ONE = (
    "TELEGRAM_BOT_TOKEN is not a bot's token. It looks like 123456789:AbC-dEf and @BotFather gives it: "
    "send it /newbot, or /mybots for a bot that you already have."
)
_HOW_TO_MAKE_ONE = (
    "Leave TELEGRAM_WEBHOOK_SECRET empty to have one derived from the token, or make one: "
    'python -c "import secrets; print(secrets.token_urlsafe(32))"'
)


def webhook_secret(settings: Settings) -> str:
    """What Telegram must send with each webhook: the setting, or else derived from the token by HMAC-SHA256.

    Raises SettingsError when the setting is short, an example's, or has characters that Telegram does not take.
    """
    if not settings.telegram_webhook_secret.get_secret_value():
        token = settings.telegram_bot_token.get_secret_value().strip()
        return hmac.new(token.encode(), b"recado telegram webhook secret", sha256).hexdigest()
    secret = require_secret("TELEGRAM_WEBHOOK_SECRET", settings.telegram_webhook_secret, 32, _HOW_TO_MAKE_ONE)
    if not _SECRET.fullmatch(secret):
        raise SettingsError(f"TELEGRAM_WEBHOOK_SECRET may have A-Z a-z 0-9 _ - only, at most 256. {_HOW_TO_MAKE_ONE}")
    return secret


class Telegram(Channel):
    """One bot. ``account`` is its id, ``webhook_secret`` what Telegram must prove itself with."""

    name = "telegram"
    edits = True
    fetches = True
    sends_files = True
    follows = False  # the client itself learns where a group has moved
    seen_hours = 27  # Telegram gives up 24 h after the message was sent

    def __init__(
        self, token: str, api_url: str, webhook_secret: str, *, per_second: float = 30, chat_per_second: float = 1,
        group_per_minute: float = 20,
    ) -> None:  # fmt: skip
        self.account = token.partition(":")[0]
        self.webhook_secret = webhook_secret
        self._token = token
        self._api_url = api_url
        self._overall = Limit(f"{self.name}:{self.account}", per_second, 1)
        self._chat_per_second = chat_per_second
        self._group_per_minute = group_per_minute
        self._updates = Updates(self.account)
        self._username = ""
        self._client: Once[TelegramClient] = Once(self._connect)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        token = settings.telegram_bot_token.get_secret_value().strip()
        if not token:
            return None
        if not _TOKEN.fullmatch(token) or token == _DOCUMENTED:
            raise SettingsError(_HOW_TO_GET_ONE)
        return cls(
            token,
            settings.telegram_api_url,
            webhook_secret(settings),
            per_second=settings.telegram_messages_per_second,
            chat_per_second=settings.telegram_chat_messages_per_second,
            group_per_minute=settings.telegram_group_messages_per_minute,
        )

    def admit(self, headers: Mapping[str, str]) -> None:
        given = headers.get(SECRET_HEADER, "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self.webhook_secret.encode()):
            raise Forged(f"{SECRET_HEADER} is missing or wrong")

    def receive(self, headers: Mapping[str, str], body: bytes) -> Received:
        self.admit(headers)
        return self.read(body)

    def read(self, body: bytes, origin: str = "") -> Received:
        """What is in one Update that we fetched ourselves, and need not doubt. Raises Unreadable."""
        return self._updates.read(body)

    def render(self, text: str) -> tuple[Piece, ...]:
        from bot.channels._telegram_markup import render  # noqa: PLC0415 - heavy, and not for the receiver

        return render(text)

    def limits(self, conversation: str) -> tuple[Limit, ...]:
        """Telegram's limits on all bubbles, on those to one chat (a few at once may pass) and to one group.

        Source: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
        """
        chat = Conversation.parse(conversation).chat
        name = f"{self._overall.name}:{chat}"
        limits = (self._overall, Limit(f"{name}:second", _AT_ONCE_SECONDS * self._chat_per_second, _AT_ONCE_SECONDS))
        return (*limits, Limit(name, self._group_per_minute, 60)) if _is_group(chat) else limits

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        """Send one bubble. Telegram echoes no ``reference``."""
        return self._client.get().send(*_address(conversation), piece)

    def edit(self, conversation: str, bubble: str, piece: Piece) -> None:
        if not _BUBBLE.fullmatch(bubble):
            raise Gone(f"{bubble!r} is no message on Telegram")
        self._client.get().edit(_address(conversation)[0], bubble, piece)

    def edit_seconds(self, conversation: str) -> float:
        """Edits count as messages do (https://github.com/tdlib/td/issues/3034); a group has 20 a minute for all."""
        return 3.5 if _is_group(Conversation.parse(conversation).chat) else 1.2

    def show_typing(self, conversation: str, message_id: str) -> None:
        self._client.get().type(*_address(conversation))

    def fetch(self, conversation: str, attachment: Attachment, most: int) -> bytes:
        """A file, asked for anew by its id: the link that Telegram gives holds for an hour only."""
        if attachment.size > most:
            raise TooLarge(f"a file has {attachment.size} bytes, and {most} are the most")
        return self._client.get().fetch(attachment.id, most)

    def is_group(self, conversation: str) -> bool:
        return _is_group(Conversation.parse(conversation).chat)

    def username(self) -> str:
        """The bot's user name, asked of Telegram once."""
        self._username = self._username or self.check().removeprefix("@").lower()
        return self._username

    def announce(
        self, commands: Mapping[str, Text], owners: Mapping[str, Text], admins: Sequence[str], default: Language
    ) -> None:
        """An admin who has never written to the bot has no chat with it, and no menu of their own yet."""
        from bot.channels._telegram_menu import menus  # noqa: PLC0415 - heavy, and not for the receiver

        ids = [channel in {"", self.name} and chat for channel, _, chat in (one.rpartition(":") for one in admins)]
        chats = [int(chat) for chat in ids if chat and chat.lstrip("-").isdecimal()]
        for menu in menus(commands, owners, chats, default):
            try:
                self._client.get().announce(menu)
            except (Blocked, Refused):
                if "scope" not in menu:
                    raise

    def warm_up(self) -> None:
        self.render("*")
        self._client.get()

    def check(self) -> str:
        """The bot's user name, as Telegram gives it."""
        return self._client.get().name()

    def close(self) -> None:
        self._client.close()

    def _connect(self) -> TelegramClient:
        from bot.channels._telegram_client import TelegramClient  # noqa: PLC0415 - heavy, and not for the receiver

        return TelegramClient(self._token, self._api_url)


def _is_group(chat: str) -> bool:
    return chat.startswith("-")


def _address(conversation: str) -> tuple[int, int | None]:
    """Chat and thread of a conversation. Raises Refused for what is none of Telegram's."""
    try:
        place = Conversation.parse(conversation)
        return int(place.chat), int(place.thread) if place.thread else None
    except ValueError:
        raise Refused(f"{conversation!r} is no conversation on Telegram") from None
