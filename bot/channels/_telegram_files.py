"""Files that people sent, from the Bot API's own address and no other (https://core.telegram.org/bots/api#getfile)."""

from __future__ import annotations

import re

import httpx

from bot.channels._http import download
from bot.errors import Refused

READ_SECONDS = 20.0
_PATH = re.compile(r"(?!.*\.\.)\w[\w./-]{0,255}", re.ASCII)


class TelegramFiles:
    """Downloads below ``root``, which holds the token: no error and no log names an address."""

    def __init__(self, root: str) -> None:
        self._root = f"{root}/"
        self._http = httpx.Client(timeout=httpx.Timeout(READ_SECONDS, connect=5.0))

    def read(self, url: str, most: int) -> bytes:
        """The file that getFile places at ``url``. Raises DeliveryError; TooLarge beyond ``most`` bytes."""
        if not url.startswith(self._root) or not _PATH.fullmatch(url.removeprefix(self._root)):
            raise Refused("Telegram names a file that is not below TELEGRAM_API_URL: run its server without --local")
        return download(self._http, url, most, "Telegram")

    def close(self) -> None:
        self._http.close()
