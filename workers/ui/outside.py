"""The border of the chat page: what is asked for from outside, and what is named of it.

Gradio's server has more doors than this page needs (uploads, files, a proxy, an API), and its page names hosts on the
internet. Only what is listed here is let through, what goes out names nobody, and the browser is told to load nothing
from anywhere else (Content-Security-Policy, https://www.w3.org/TR/CSP3/).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

Scope = dict[str, Any]
Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

BODY_MOST: Final = 1 << 20
"""Bytes of what a browser may send at once; a message that is too long is still told so in words."""
PATH_MOST: Final = 200
"""Characters of a path: the longest of Gradio 6.31 has 69, and no file system takes any length."""
SIGN_IN_MOST: Final = 4096
"""Bytes of what somebody may send whom nobody knows yet."""

_DOCUMENT: Final = re.compile(r"/(es|en)/")
_OPEN: Final = re.compile(
    r"/|/(?:es|en)/?|/login|/healthz|/news|/page\.(?:js|css)|/icon\.svg"
    r"|/(?:es|en)/(?:assets/[\w.-]+|static/[\w./-]+|theme\.css|config|favicon\.ico)"
    r"|/(?:es|en)/gradio_api/(?:info|app_id|startup-events|queue/data|heartbeat/\w+)"
)
_WRITES: Final = re.compile(r"/login|/(?:es|en)/gradio_api/(?:queue/join|cancel|reset)")
_VISITED: Final = re.compile(r"/|/(?:es|en)/?|/login")
"""Where somebody may come to from another site."""

_HEADERS: Final = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # with none, a browser does not say either who signs in
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
_CLOSED: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self'; form-action 'self'; base-uri 'self'; "
    "frame-ancestors 'none'"
)
_SOCIAL: Final = re.compile(r"<meta\s+(?:property|name)=\"(?:og|twitter):[^>]*>\s*")
_MANIFEST: Final = re.compile(r"<link rel=\"manifest\"[^>]*>\s*")
_GRADIO: Final = re.compile(rb"access-control-|server$")


class Frame(NamedTuple):
    """What stands around Gradio's page in one language: its ``title``, as HTML, and what comes into its ``<head>``,
    to ``<html>`` and before everything else into its ``<body>``."""

    head: str
    attributes: str
    top: str


class Outside:
    """Lets an ASGI application's page through (https://asgi.readthedocs.io/en/latest/specs/www.html)."""

    def __init__(self, app: App, frames: Mapping[str, Frame], hosts: Iterable[str] = ()) -> None:
        """``hosts`` are the names under which it may be asked for; none: any name."""
        self._app, self._frames, self._hosts = app, frames, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        elif refused := self._refused(scope["method"], scope["path"], _named(scope["headers"])):
            await answer(partial(_guarded, send, _CLOSED), *refused)
        elif scope["method"] == "GET" and (found := _DOCUMENT.fullmatch(scope["path"])):
            await self._document(found[1], scope, receive, send)
        else:
            await self._app(scope, receive, partial(_guarded, send, _CLOSED))

    def _refused(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Why this is not let through, as status and words."""
        if self._hosts and _host(headers.get("host", "")) not in self._hosts:
            return 400, "The chat page is not served under this name. Open it as its start says, or set UI_PASSWORD."
        passed = _WRITES if method == "POST" else _OPEN if method in {"GET", "HEAD"} else None
        if passed is None or len(path) > PATH_MOST or ".." in path or not passed.fullmatch(path):
            return 404, "There is nothing here."
        if not _is_own(headers) and (method == "POST" or not _VISITED.fullmatch(path)):
            return 403, "Another site asked for this."
        most = SIGN_IN_MOST if path == "/login" else BODY_MOST
        if method == "POST" and not 0 <= _number(headers.get("content-length", "")) <= most:
            return 413, "That is too much at once."
        return None

    async def _document(self, language: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Gradio's page, whole: it comes uncompressed, or it could not be read."""
        plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        start: Event = {}
        body = bytearray()

        async def collect(event: Event) -> None:
            if event["type"] == "http.response.start":
                start.update(event)
            else:
                body.extend(event.get("body", b""))

        await self._app({**scope, "headers": plain}, receive, collect)
        nonce, policy = secrets.token_urlsafe(16), _CLOSED
        if start["status"] == 200:
            body[:] = framed(body.decode(), self._frames[language], nonce).encode()
            policy = _POLICY.format(nonce=nonce)
        headers = [pair for pair in start["headers"] if pair[0] not in {b"content-length", b"cache-control"}]
        headers += [
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"set-cookie", f"{LANGUAGE}={language}; Path=/; Max-Age=31536000; SameSite=Lax".encode()),
        ]
        await _guarded(send, policy, {**start, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(body)})


LANGUAGE: Final = "recado-language"
"""The cookie that says in which language the page was opened last."""


def framed(html: str, frame: Frame, nonce: str) -> str:
    """Gradio's page with our head around it, naming no outside host; its scripts are known by ``nonce``."""
    html = _MANIFEST.sub("", _SOCIAL.sub("", html))
    html = re.sub(r"<html\s+lang=\"\w+\"", lambda _: f"<html {frame.attributes}", html, count=1)
    html = html.replace("<style>", f"{frame.head}<style>", 1)
    html = re.sub(r"<body[^>]*>", lambda found: found[0] + frame.top, html, count=1)
    return html.replace("<script", f'<script nonce="{nonce}"')


async def answer(send: Send, status: int, words: str, headers: Iterable[tuple[str, str]] = ()) -> None:
    """A short answer in plain words."""
    told = [(b"content-type", b"text/plain; charset=utf-8"), *((a.encode(), b.encode()) for a, b in headers)]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": f"{words}\n".encode()})


async def whole(receive: Receive) -> bytes:
    """What was sent; how much that may be is judged before."""
    body, more = bytearray(), True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    return bytes(body)


def replayed(body: bytes, receive: Receive) -> Receive:
    """``body``, and after it whatever comes of ``receive``."""
    left = [body]

    async def give() -> Event:
        return {"type": "http.request", "body": left.pop(), "more_body": False} if left else await receive()

    return give


async def _guarded(send: Send, policy: str, event: Event) -> None:
    if event["type"] == "http.response.start":
        headers: Headers = [pair for pair in event.get("headers", ()) if not _GRADIO.match(pair[0].lower())]
        headers += [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
        event = {**event, "headers": [*headers, (b"content-security-policy", policy.encode())]}
    await send(event)


def _named(headers: Headers) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _host(header: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _is_own(headers: Mapping[str, str]) -> bool:
    """Whether this page asked, and no other site: browsers say so (https://www.w3.org/TR/fetch-metadata/), else by
    the origin."""
    if site := headers.get("sec-fetch-site"):
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    if not origin:
        return True
    return origin.partition("://")[2] in {headers.get("host"), headers.get("x-forwarded-host")}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
