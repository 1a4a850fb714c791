"""What the chat page lets in and out, whatever stands behind it."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from workers.ui.outside import BODY_MOST, App, Event, Frame, Outside, Receive, Scope, Send, framed

FRAME = Frame("<title>Chez X</title>", 'lang="es" data-x="1"', "<header>top</header>")
PAGE = """<!doctype html>
<html
	lang="en" style="margin: 0">
<head><meta property="og:image" content="https://outside.example/a.png" />
<meta
	name="twitter:card" content="x"
/>
<style>a{}</style><script>window.a = "\\u003cscript>";</script><script type="module" src="./a.js"></script>
<link rel="manifest" href="/manifest.json" /></head>
<body
	style="x"
>in</body></html>"""


class Behind:
    """An application that says what it was asked for, with headers as Gradio's."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["method"], scope["path"], headers))
        page = scope["path"] in {"/es/", "/en/"}
        told = [(b"content-type", b"text/html"), (b"access-control-allow-origin", b"*"), (b"server", b"x")]
        await send({"type": "http.response.start", "status": 200, "headers": told})
        first, last = (PAGE[:90], PAGE[90:]) if page else ("be", "hind")
        await send({"type": "http.response.body", "body": first.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": last.encode()})


@pytest.fixture
def behind() -> Behind:
    return Behind()


def ask(app: App, method: str, path: str, host: str = "127.0.0.1:7860", **options: Any) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.request(method, path, **options)

    return asyncio.run(once())


def door(behind: Behind, *hosts: str) -> Outside:
    return Outside(behind, {"es": FRAME, "en": FRAME}, hosts)


# -- what is let in --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"), ("GET", "/es/"), ("GET", "/page.js"), ("GET", "/en/assets/index-Dx_1.js"), ("GET", "/es/config"),
        ("GET", "/es/static/fonts/A/B.woff2"), ("GET", "/es/theme.css"), ("GET", "/es/gradio_api/queue/data"),
        ("POST", "/en/gradio_api/queue/join"), ("POST", "/login"), ("GET", "/healthz"), ("HEAD", "/es/"),
        ("GET", "/news"),
    ],
)  # fmt: skip
def test_what_the_page_needs_is_let_through(behind: Behind, method: str, path: str) -> None:
    assert ask(door(behind), method, path, content=b"{}" if method == "POST" else None).status_code == 200
    assert behind.asked[0][:2] == (method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/es/gradio_api/file=/etc/passwd"), ("POST", "/es/gradio_api/upload"), ("GET", "/es/monitoring"),
        ("GET", "/es/gradio_api/proxy=https://evil.example"), ("POST", "/es/gradio_api/call/look"), ("GET", "/docs"),
        ("POST", "/es/gradio_api/run/predict"), ("POST", "/es/gradio_api/component_server"), ("GET", "/fr/"),
        ("GET", "/es/gradio_api/runs"), ("GET", "/es/static/../secret"), ("GET", "/es/gradio_api/heartbeat/a/b"),
        ("PUT", "/es/gradio_api/queue/join"), ("DELETE", "/"), ("OPTIONS", "/es/gradio_api/queue/join"),
        ("POST", "/es/"), ("GET", "/openapi.json"), ("GET", "/es/gradio_api/stream/a/b/c/playlist.m3u8"),
        ("GET", "/es/static/" + "a" * 300),
    ],
)  # fmt: skip
def test_everything_else_is_not_there(behind: Behind, method: str, path: str) -> None:
    """Files, uploads, a proxy and an API are Gradio's; nobody needs them here."""
    assert ask(door(behind), method, httpx.URL(path)).status_code == 404
    assert behind.asked == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", ""])
def test_another_name_for_this_machine_is_none(behind: Behind, host: str) -> None:
    """A site that leads its own name to 127.0.0.1 is not let in (DNS rebinding)."""
    answer = ask(door(behind, "localhost", "127.0.0.1", "::1"), "GET", "/es/", headers={"Host": host})
    assert (answer.status_code, behind.asked) == (400, [])


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "LOCALHOST", "[::1]:7860"])
def test_its_own_names_are(behind: Behind, host: str) -> None:
    app = door(behind, "localhost", "127.0.0.1", "::1")
    assert ask(app, "GET", "/es/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:7860"},
    ],
)  # fmt: skip
def test_another_site_says_nothing_here(behind: Behind, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/es/gradio_api/queue/join"), ("POST", "/login"), ("GET", "/es/config")):
        assert ask(door(behind), method, path, headers=headers).status_code == 403
    assert behind.asked == []
    assert ask(door(behind), "GET", "/es/", headers=headers).status_code == 200  # a link to the page is one


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:7860"}, {"Sec-Fetch-Site": "same-origin"}, {},
        {"Origin": "https://chat.my-shop.com", "X-Forwarded-Host": "chat.my-shop.com"},
    ],
)  # fmt: skip
def test_the_page_itself_does(behind: Behind, headers: dict[str, str]) -> None:
    assert ask(door(behind), "POST", "/es/gradio_api/queue/join", headers=headers, content=b"{}").status_code == 200


def test_nobody_sends_more_than_a_message(behind: Behind) -> None:
    join = "/es/gradio_api/queue/join"

    async def endless() -> Any:
        yield b"x"

    assert ask(door(behind), "POST", join, content=b"x" * BODY_MOST).status_code == 200
    assert ask(door(behind), "POST", join, content=b"x" * (BODY_MOST + 1)).status_code == 413
    assert ask(door(behind), "POST", join, content=endless()).status_code == 413  # it does not say how much it is
    assert len(behind.asked) == 1


def test_a_web_socket_is_closed(behind: Behind) -> None:
    sent: list[Event] = []

    async def send(event: Event) -> None:
        sent.append(event)

    async def receive() -> Event:
        return {"type": "websocket.connect"}

    asyncio.run(door(behind)({"type": "websocket", "path": "/es/"}, receive, send))
    assert sent == [{"type": "websocket.close"}]


# -- what goes out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/es/", "/page.js", "/nothing"])
def test_every_answer_is_guarded(behind: Behind, path: str) -> None:
    """No script or picture of others, no frame around it, nobody told whence a link was followed."""
    headers = ask(door(behind), "GET", path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert not {name for name in headers if name.startswith("access-control") or name == "server"}


def test_only_the_pages_own_scripts_run(behind: Behind) -> None:
    """Each is known by a word that nobody can guess, another one each time; none may be made of text."""
    first, second = (ask(door(behind), "GET", "/es/") for _ in range(2))
    policy = first.headers["content-security-policy"]
    (nonce,) = re.findall(r"'nonce-([\w-]{20,})'", policy)

    assert first.text.count(f'<script nonce="{nonce}"') == 2
    assert "<script>" not in first.text
    assert nonce not in second.text
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'nonce" in policy
    assert "http" not in policy
    assert "*" not in policy


def test_the_page_is_whole_in_its_language_and_names_nobody(behind: Behind) -> None:
    answer = ask(door(behind), "GET", "/es/", headers={"Accept-Encoding": "br, gzip"})

    assert "accept-encoding" not in behind.asked[0][2]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["cache-control"] == "no-store"
    assert '<html lang="es" data-x="1" style' in answer.text
    assert "<title>Chez X</title><style>" in answer.text
    assert re.search(r"<body[^>]*><header>top</header>in", answer.text)
    assert not re.search(r"outside\.example|og:|twitter|manifest", answer.text)


def test_what_stands_around_it_is_taken_as_it_is() -> None:
    r"""A business may be called \1."""
    odd = Frame(r"<title>\1 \g<0></title>", r'lang="es" data-x="\1"', r"<header>\2</header>")
    page = framed(PAGE, odd, "n")

    assert r"<title>\1 \g<0></title>" in page
    assert r'data-x="\1"' in page
    assert r"<header>\2</header>" in page


def test_a_page_that_is_refused_behind_is_passed_on(behind: Behind) -> None:
    async def closed(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 303, "headers": [(b"location", b"/login")]})
        await send({"type": "http.response.body", "body": b"sign in"})

    answer = ask(Outside(closed, {"es": FRAME}), "GET", "/es/")
    assert (answer.status_code, answer.text, answer.headers["location"]) == (303, "sign in", "/login")
