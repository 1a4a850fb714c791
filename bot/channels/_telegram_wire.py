"""How python-telegram-bot's requests go out: over urllib3, in the thread that calls.

The library's own way is httpx on an event loop. That pool looks at each of its connections before and after each
request, and each call wakes another thread: two thirds of all that a worker computed.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Coroutine
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
import urllib3
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData
from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
    ProxySchemeUnknown,
    SSLError,
)
from urllib3.exceptions import TimeoutError as NoAnswer
from urllib3.util import make_headers, parse_url

from bot.errors import SettingsError


class Distrusted(HTTPError):
    """Raised when the server's certificate is not one that we trust, or it speaks no TLS."""


class TooMuch(HTTPError):
    """Raised when an answer has no end."""


NEVER_SENT: Final = (
    ConnectTimeoutError, NewConnectionError, ProxyError, LocationParseError, LocationValueError, ClosedPoolError,
    Distrusted,
)  # fmt: skip
"""With these no request has left this machine; an address that nobody can parse is one of them."""

_NO_TLS: Final = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNSUPPORTED_PROTOCOL"}

POOL_SIZE: Final = 128
"""So many connections are kept; a call beyond them opens one of its own."""

CONNECT_SECONDS: Final = 5.0

CALL_SECONDS: Final = 60.0
"""An answer that trickles is given up after so long."""

ANSWER_MOST: Final = 16 << 20
"""Bytes of an answer: a hundred updates are less."""

_FORM: Final = {"User-Agent": "Recado", "Content-Type": "application/x-www-form-urlencoded"}

Result = TypeVar("Result")


class Wire(BaseRequest):
    """One attempt for each request, never a second. May be used from many threads at once."""

    def __init__(self, api_url: str, read_seconds: float) -> None:
        self._read_seconds = read_seconds
        self._pool = _pool(api_url)

    @property
    def read_timeout(self) -> float:
        return self._read_seconds

    async def initialize(self) -> None:
        """Nothing to open before the first call."""

    async def shutdown(self) -> None:
        self._pool.clear()

    async def do_request(  # noqa: PLR0917 - the library's own signature
        self, url: str, method: str, request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE, write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE, pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:  # fmt: skip
        """Status and body of the answer. It never suspends: see ``finished``. Raises NetworkError, TimedOut."""
        read = self._read_seconds if read_timeout is BaseRequest.DEFAULT_NONE else read_timeout
        try:
            return self._exchange(method, url, request_data, urllib3.Timeout(connect=CONNECT_SECONDS, read=read))
        except NoAnswer as error:
            raise TimedOut(f"no answer ({type(error).__name__})") from error
        except SSLError as error:
            raise NetworkError(str(cause := _distrusted(error) or error)) from cause
        except ProxyError as error:
            # urllib3 forgets that it had reached the proxy when that hangs up on a request.
            cut = isinstance(error.original_error, ConnectionError)
            raise NetworkError(type(error).__name__) from (error.original_error if cut else error)
        except HTTPError as error:  # its words may hold the address, which holds the token
            raise NetworkError(type(error).__name__) from error

    def _exchange(self, method: str, url: str, data: RequestData | None, limits: urllib3.Timeout) -> tuple[int, bytes]:
        options: dict[str, Any] = {"headers": _FORM, "body": urlencode(data.json_parameters) if data else None}
        if data and data.contains_files:
            fields = {**data.json_parameters, **data.multipart_data}
            options = {"headers": {"User-Agent": "Recado"}, "fields": fields, "encode_multipart": True}
        answer = self._pool.request(
            method, url, timeout=limits, retries=False, redirect=False, preload_content=False, **options
        )
        until, body = time.monotonic() + CALL_SECONDS, bytearray()
        try:
            while part := answer.read1():
                body += part
                if time.monotonic() > until:
                    raise NoAnswer("the answer trickles")
                if len(body) > ANSWER_MOST:
                    raise TooMuch
            answer.release_conn()
        finally:
            answer.close()
        return answer.status, bytes(body)


def _distrusted(error: SSLError) -> Distrusted | None:
    """What went wrong before there was a connection; None: it broke later."""
    cause = error.args[0] if error.args else None
    early = isinstance(cause, ssl.SSLCertVerificationError) or getattr(cause, "reason", "") in _NO_TLS
    return Distrusted(f"no trusted connection ({getattr(cause, 'reason', '') or 'certificate'})") if early else None


def _pool(api_url: str) -> urllib3.PoolManager:
    """A pool that trusts whom httpx trusts, and obeys HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.

    Raises SettingsError for a proxy that is none.
    """
    parts = urlsplit(api_url)
    options: dict[str, Any] = {"maxsize": POOL_SIZE, "ssl_context": httpx.create_ssl_context()}
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return urllib3.PoolManager(**options)
    try:
        return _proxied(proxy if "://" in proxy else f"http://{proxy}", options)
    except (ProxySchemeUnknown, LocationValueError):
        name = f"{parts.scheme}_proxy".upper()
        raise SettingsError(f"{name}: no proxy for Telegram. It looks like http://user:password@proxy:3128.") from None


def _proxied(proxy: str, options: dict[str, Any]) -> urllib3.ProxyManager:
    """Through a proxy, with the name and password that stand in its address."""
    login = unquote(parse_url(proxy).auth or "")
    return urllib3.ProxyManager(proxy, proxy_headers=make_headers(proxy_basic_auth=login or None), **options)


def finished(call: Coroutine[Any, Any, Result]) -> Result:
    """What the library's coroutine returns. Over a Wire it waits for nothing, so that it needs no event loop."""
    try:
        call.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    call.close()
    raise RuntimeError("python-telegram-bot waits for something else than its request")
