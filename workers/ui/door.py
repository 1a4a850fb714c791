"""The door of a page that more than this machine can reach: whoever knows UI_PASSWORD comes in."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
import logging
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs

from bot.texts import Language
from workers.ui import words
from workers.ui.outside import App, Receive, Scope, Send, answer, whole

COOKIE: Final = "recado-door"
DAYS: Final = 7
"""So long nobody is asked again."""
PAUSE_SECONDS: Final = 1.0
"""After a wrong password; one is looked at at a time, whoever they come from."""
WAITING_MOST: Final = 20
_FREE: Final = frozenset({"/login", "/page.css", "/icon.svg", "/healthz"})

_SIGN_IN: Final = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/page.css"></head>
<body><main class="door"><h1>{title}</h1>{wrong}<form method="post" action="/login">
<label for="password">{password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button type="submit">{enter}</button></form></main></body></html>
"""

Speaks = Callable[[Mapping[str, str]], Language]
"""Which language whoever sends these headers reads."""


log = logging.getLogger("recado.ui")


class Door:
    """Stands before an ASGI application."""

    def __init__(self, app: App, password: str, key: bytes, title: Callable[[Language], str], speaks: Speaks) -> None:
        """``key`` is the installation's: who came in stays in when the page is started anew."""
        self._app, self._password, self._title, self._speaks = app, password.encode(), title, speaks
        self._key = hashlib.sha256(b"recado page\0" + key + b"\0" + self._password).digest()
        self._turn, self._waiting = asyncio.Lock(), 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path, method = scope["path"], scope["method"]
        if path == "/login" and method == "POST":
            await self._enter(headers, _is_safe(scope, headers), receive, send)
        elif path == "/login":
            await self._ask(send, self._speaks(headers))
        elif path in _FREE or self._knows(headers.get("cookie", "")):
            await self._app(scope, receive, send)
        elif method == "GET" and path in {"/", "/es", "/en", "/es/", "/en/"}:
            await answer(send, 303, "Please sign in.", [("location", "/login")])
        else:
            await answer(send, 401, "Please sign in.")

    async def _enter(self, headers: Mapping[str, str], safe: bool, receive: Receive, send: Send) -> None:
        given = parse_qs((await whole(receive)).decode(errors="replace")).get("password", [""])[0]
        if self._waiting >= WAITING_MOST:
            await answer(send, 429, "Too many wrong passwords. Please wait a moment.", [("retry-after", "20")])
        elif await self._is_right(given):
            cookie = f"{COOKIE}={self._pass()}; Path=/; Max-Age={DAYS * 86_400}; HttpOnly; SameSite=Lax"
            await answer(send, 303, "Welcome.", [("location", "/"), ("set-cookie", cookie + "; Secure" * safe)])
        else:
            await self._ask(send, self._speaks(headers), status=403)

    async def _is_right(self, given: str) -> bool:
        self._waiting += 1
        try:
            async with self._turn:
                right = hmac.compare_digest(given.encode(), self._password)
                if not right:
                    log.warning("somebody gave a wrong password")
                    await asyncio.sleep(PAUSE_SECONDS)
                return right
        finally:
            self._waiting -= 1

    def _pass(self) -> str:
        until = str(int(time.time()) + DAYS * 86_400)
        return f"{until}.{self._signed(until)}"

    def _knows(self, cookies: str) -> bool:
        until, _, signed = _cookie(cookies).partition(".")
        return hmac.compare_digest(signed.encode(), self._signed(until).encode()) and int(until) > time.time()

    def _signed(self, until: str) -> str:
        return hmac.new(self._key, until.encode(), hashlib.sha256).hexdigest()

    async def _ask(self, send: Send, language: Language, status: int = 200) -> None:
        wrong = f'<p role="alert">{html.escape(words.WRONG.to(language))}</p>' if status != 200 else ""
        page = _SIGN_IN.format(
            language=language, title=html.escape(self._title(language)), wrong=wrong,
            password=html.escape(words.PASSWORD.to(language)), enter=html.escape(words.ENTER.to(language)),
        )  # fmt: skip
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": page.encode()})


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _is_safe(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether the browser came by https: then it says the cookie nowhere else."""
    return "https" in {scope.get("scheme"), headers.get("x-forwarded-proto")}
