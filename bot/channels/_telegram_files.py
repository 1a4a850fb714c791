"""Files that people sent, from the Bot API's own address and no other (https://core.telegram.org/bots/api#getfile)."""

from __future__ import annotations

import re
import time

import httpx

from bot.errors import RateLimited, Refused, TooLarge, Undelivered

READ_SECONDS = 20.0
FETCH_SECONDS = 60.0
"""However slowly it trickles, a file is there after so long or not at all."""

_PATH = re.compile(r"(?!.*\.\.)\w[\w./-]{0,255}", re.ASCII)
_TOO_MANY_SECONDS = 5.0


class TelegramFiles:
    """Downloads below ``root``, which holds the token: no error and no log names an address."""

    def __init__(self, root: str) -> None:
        self._root = f"{root}/"
        self._http = httpx.Client(
            follow_redirects=False,
            timeout=httpx.Timeout(READ_SECONDS, connect=5.0),
            headers={"Accept-Encoding": "identity"},
        )

    def read(self, url: str, most: int) -> bytes:
        """The file that getFile places at ``url``. Raises DeliveryError; TooLarge beyond ``most`` bytes."""
        if not url.startswith(self._root) or not _PATH.fullmatch(url.removeprefix(self._root)):
            raise Refused("Telegram names a file that is not below TELEGRAM_API_URL: run its server without --local")
        try:
            with self._http.stream("GET", url) as response:
                _judge(response, most)
                return _read(response, most)
        except httpx.HTTPError as error:
            reason = type(error).__name__
        except httpx.InvalidURL:
            reason = "InvalidURL"
        except RuntimeError:  # httpx' word for a client that was closed meanwhile
            reason = "the connection is closed"
        raise Undelivered(f"a file could not be fetched from Telegram ({reason})")

    def close(self) -> None:
        self._http.close()


def _judge(response: httpx.Response, most: int) -> None:
    status = response.status_code
    if status == 429:
        raise RateLimited("Telegram wants a pause before files are fetched", _TOO_MANY_SECONDS)
    if 400 <= status < 500:
        raise Refused(f"Telegram does not give a file: HTTP {status}")
    if status != 200:
        raise Undelivered(f"Telegram did not give a file: HTTP {status}")
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise TooLarge(f"a file has {length} bytes, and {most} are the most")


def _read(response: httpx.Response, most: int) -> bytes:
    until, data = time.monotonic() + FETCH_SECONDS, bytearray()
    for chunk in response.iter_raw():
        data += chunk
        if len(data) > most:
            raise TooLarge(f"a file has more than {most} bytes")
        if time.monotonic() > until:
            raise Undelivered(f"a file did not come within {FETCH_SECONDS:.0f} s")
    return bytes(data)
