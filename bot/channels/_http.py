"""What both platforms' clients know of httpx: its errors, and how a file is read with it."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from bot.errors import RateLimited, Refused, TooLarge, Undelivered

NEVER_SENT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError,
    httpx.InvalidURL, UnicodeError,
)  # fmt: skip
"""With these no request has left this machine; an address that nobody can parse is one of them."""

FETCH_SECONDS = 60.0
"""However slowly it trickles, a file is there after so long or not at all."""

_TOO_MANY_SECONDS = 5.0


def download(
    http: httpx.Client, url: str, most: int, platform: str, judge: Callable[[int], None] = lambda _: None
) -> bytes:
    """A file of ``most`` bytes at most; ``judge`` is shown the answer's status first. No error names the address.

    Raises DeliveryError, and what ``judge`` raises.
    """
    try:
        with http.stream("GET", url, follow_redirects=False, headers={"Accept-Encoding": "identity"}) as response:
            judge(response.status_code)
            _judge(response, most, platform)
            return _all(response, most)
    except httpx.HTTPError as error:
        reason = type(error).__name__
    except (httpx.InvalidURL, UnicodeError):
        reason = "InvalidURL"
    except RuntimeError:  # httpx' word for a client that was closed meanwhile
        reason = "the connection is closed"
    raise Undelivered(f"a file could not be fetched from {platform} ({reason})")


def _judge(response: httpx.Response, most: int, platform: str) -> None:
    status = response.status_code
    if status == 429:
        raise RateLimited(f"{platform} wants a pause before files are fetched", _TOO_MANY_SECONDS)
    if 300 <= status < 500:
        raise Refused(f"{platform} does not give a file: HTTP {status}")
    if status != 200:
        raise Undelivered(f"{platform} did not give a file: HTTP {status}")
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise TooLarge(f"a file has {length} bytes, and {most} are the most")


def _all(response: httpx.Response, most: int) -> bytes:
    until, data = time.monotonic() + FETCH_SECONDS, bytearray()
    for chunk in response.iter_raw():
        data += chunk
        if len(data) > most:
            raise TooLarge(f"a file has more than {most} bytes")
        if time.monotonic() > until:
            raise Undelivered(f"a file did not come within {FETCH_SECONDS:.0f} s")
    return bytes(data)
