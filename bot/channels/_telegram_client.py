"""python-telegram-bot behind a synchronous face: its Bot speaks over a wire that never suspends, and needs no loop."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from telegram import Bot, InputFile, LinkPreviewOptions, Message, MessageEntity
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)

from bot.channels._telegram_files import TelegramFiles
from bot.channels._telegram_menu import button
from bot.channels._telegram_wire import NEVER_SENT, Wire, finished
from bot.errors import Blocked, DeliveryError, Gone, RateLimited, Refused, TooLarge, Undelivered, Unknown
from bot.message import Piece

READ_SECONDS = 20.0
EDIT_SECONDS = 5.0
"""An edit may be repeated, so that it need not be waited for; whoever grows a bubble would stall."""

_TOO_MANY_SECONDS = 5.0
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_NOT_MODIFIED = "message is not modified"
_FILE_TOO_BIG = "file is too big"
_BUBBLE_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")
_CHAT_GONE = ("chat not found", "peer_id_invalid", "chat_write_forbidden", "no rights to send", "rights to send text")
_WRONG_BOT = (
    "Telegram does not take TELEGRAM_BOT_TOKEN. Ask @BotFather for the bot's token (/mybots) and put it into .env."
)

Result = TypeVar("Result")


class TelegramClient:
    """Sends from any thread. Errors are ours (DeliveryError); the library's stay in here."""

    def __init__(self, token: str, api_url: str) -> None:
        os.environ.setdefault("PTB_TIMEDELTA", "1")  # the library's switch to times that are timedelta
        for name in ("httpx", "httpcore", "telegram", "urllib3"):  # they log addresses, which hold the token, and texts
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.WARNING))
        request = Wire(api_url, READ_SECONDS)
        files = f"{api_url}/file/bot"
        self._files = TelegramFiles(f"{files}{token}")
        self._bot = Bot(
            token, base_url=f"{api_url}/bot", base_file_url=files, request=request, get_updates_request=request
        )
        self._request = request
        self._moved: dict[int, int] = {}
        """Groups that have become supergroups, as far as Telegram told us: to which."""
        self._closed = False

    def send(self, chat: int, thread: int | None, piece: Piece) -> str:
        """Send one bubble; its text alone if its entities are not taken. Returns the bubble's id.

        In a group that has become a supergroup it appears there, and its id names that chat too: ``chat/id``.
        """
        place, sent = self._following(chat, lambda place: self._send(place, thread, piece))
        return sent if place == chat else f"{place}/{sent}"

    def edit(self, chat: int, bubble: str, piece: Piece) -> None:
        """Let a bubble read ``piece``; its text alone if its entities are not taken.

        Raises Gone when it is no longer there. A supergroup numbers its messages anew: what was sent to
        the group before is gone, and its number may be another bubble's.
        """
        moved_to, _, number = bubble.rpartition("/")
        place = (int(moved_to or chat), int(number))
        if place[0] in self._moved:
            raise Gone("it was said before the group became a supergroup")
        try:
            self._formatted(piece, lambda entities: self._edit(*place, piece, entities))
        except Refused as refused:
            if isinstance(refused.__cause__, ChatMigrated):
                raise Gone(str(refused)) from refused
            raise

    def type(self, chat: int, thread: int | None) -> None:
        """Show "typing" for the next five seconds."""
        self._following(
            chat, lambda place: self._call(self._bot.send_chat_action(place, "typing", message_thread_id=thread))
        )

    def name(self) -> str:
        """The bot's user name with its @, asked of Telegram."""
        return f"@{self._call(self._bot.get_me()).username}"

    def announce(self, menu: dict[str, Any]) -> None:
        """Let Telegram show these commands, as setMyCommands takes them."""
        self._call(self._bot.set_my_commands(**menu))

    def fetch(self, file_id: str, most: int) -> bytes:
        """The bytes of a file. Raises TooLarge beyond ``most``, or beyond what Telegram gives (20 MB)."""
        try:
            found = self._call(self._bot.get_file(file_id))
        except Refused as refused:
            raise TooLarge(str(refused)) if _FILE_TOO_BIG in str(refused).lower() else refused from None
        if (found.file_size or 0) > most:
            raise TooLarge(f"a file has {found.file_size} bytes, and {most} are the most")
        return self._files.read(found.file_path or "", most)

    def close(self) -> None:
        """Close the connections. Calls afterwards are Undelivered."""
        self._files.close()
        self._closed = True
        finished(self._request.shutdown())

    def _following(self, chat: int, do: Callable[[int], Result]) -> tuple[int, Result]:
        """Do it in a chat, or where that has moved to; where it was done, and what came of it."""
        place = self._moved.get(chat, chat)
        try:
            return place, do(place)
        except Refused as refused:
            if not isinstance(moved := refused.__cause__, ChatMigrated):
                raise
        place = self._moved[chat] = moved.new_chat_id
        return place, do(place)

    def _send(self, chat: int, thread: int | None, piece: Piece) -> str:
        say = self._say_with_file if piece.file else self._say
        return str(self._formatted(piece, lambda entities: say(chat, thread, piece, entities)).message_id)

    async def _say(self, chat: int, thread: int | None, piece: Piece, entities: Sequence[MessageEntity]) -> Message:
        return await self._bot.send_message(
            chat,
            piece.text,
            entities=entities or None,
            message_thread_id=thread,
            link_preview_options=_NO_PREVIEW,
            reply_markup=button(piece.stop),
        )

    async def _say_with_file(
        self, chat: int, thread: int | None, piece: Piece, entities: Sequence[MessageEntity]
    ) -> Message:
        return await self._bot.send_document(
            chat,
            InputFile(piece.file.encode(), piece.file_name),
            caption=piece.text,
            caption_entities=entities or None,
            message_thread_id=thread,
        )

    async def _edit(self, chat: int, message: int, piece: Piece, entities: Sequence[MessageEntity]) -> None:
        try:
            await self._bot.edit_message_text(
                piece.text,
                chat,
                message,
                entities=entities or None,
                reply_markup=button(piece.stop),
                link_preview_options=_NO_PREVIEW,
                read_timeout=EDIT_SECONDS,
            )
        except BadRequest as error:
            if _NOT_MODIFIED not in str(error).lower():
                raise

    def _formatted(self, piece: Piece, say: Callable[[Sequence[MessageEntity]], Coroutine[Any, Any, Result]]) -> Result:
        """Say it with the piece's entities, or else without them where Telegram does not take those."""
        try:
            return self._call(say([MessageEntity(**entity) for entity in piece.entities]))
        except Refused as refused:
            if not piece.entities or not isinstance(refused.__cause__, BadRequest):
                raise
        return self._call(say([]))

    def _call(self, call: Coroutine[Any, Any, Result]) -> Result:
        if self._closed:
            call.close()
            raise Undelivered("the connection to Telegram is already closed")
        try:
            return finished(call)
        except TelegramError as error:
            raise translate(error) from error
        except Exception as error:  # the answer was a success that the library cannot read
            raise Unknown(f"Telegram's answer cannot be read ({type(error).__name__})") from error


def translate(error: TelegramError) -> DeliveryError:
    """The library's error as ours: what it means for the bubble that was to be sent.

    A 5xx, or a connection lost after the request, may or may not have sent it. Sources:
    ``telegram/request/_baserequest.py`` and https://core.telegram.org/bots/api#responseparameters.
    """
    reason = str(error)[:200]
    if isinstance(error, RetryAfter):
        return RateLimited(reason, _seconds(error.retry_after))
    if isinstance(error, Forbidden | BadRequest | ChatMigrated):
        return _refusal(error, reason)
    if isinstance(error, InvalidToken):
        return Undelivered(_WRONG_BOT)
    if isinstance(error.__cause__, NEVER_SENT):
        return Undelivered(f"Telegram was not reached: {reason}. Is TELEGRAM_API_URL right, and the network up?")
    if "too many requests" in reason.lower():
        return RateLimited(reason, _TOO_MANY_SECONDS)
    return Unknown(reason)


def _refusal(error: Forbidden | BadRequest | ChatMigrated, reason: str) -> Blocked | Gone | Refused:
    if isinstance(error, ChatMigrated):
        return Refused(f"the group became a supergroup, {error.new_chat_id}: people must write there")
    said = reason.lower()
    if isinstance(error, BadRequest) and any(words in said for words in _BUBBLE_GONE):
        return Gone(reason)
    gone = isinstance(error, Forbidden) or any(words in said for words in _CHAT_GONE)
    return Blocked(reason) if gone else Refused(reason)


def _seconds(pause: float | timedelta) -> float:
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)
