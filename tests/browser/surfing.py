"""A real browser without a way out: what it asks for is written down, and only this machine answers."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Response

ROOT = Path(__file__).parents[2]
AXE = ROOT / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
GUARD = Path(__file__).with_name("guard")
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HERE = ("127.0.0.1", "localhost")
OURS = ("data", "blob", "about")
"""The schemes that ask nobody."""
BROWSERS_OWN = re.compile(r"[\w.-]*(?<!fonts)\.(?:google|googleapis|gvt1)\.com")
"""Where Chromium itself asks for updates, the time or settings, whatever the page; by other names in each version.
What a page asks for there is written down by ``Surfer``, too, and what pages ask for most, fonts, is none of it."""

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1100, "height": 800}
LEAVING = ("BodyStreamBuffer was aborted", "Connection errored out", "signal is aborted without reason")
"""How Gradio's script complains of a request that was open when its page was left, for it ends its own then
(Client.close on beforeunload, in Gradio 6.31's index.js); which of them depends on how far the request had come.
Any other that fails is ``refused``."""
PATIENCE_MS = 15_000
"""For what must happen; nothing is judged by it."""


def required() -> bool:
    """Whether the tests may not be left out, as in CI."""
    return os.environ.get("BROWSER_TESTS") == "required"


def missing(*modules: str) -> list[str]:
    """What these tests need and is not installed here, beside ``modules``."""
    there = {name: importlib.util.find_spec(name) is not None for name in ("playwright", *modules)}
    there |= {"chromium": bool(chromium_path()), "axe-core": AXE.exists()}
    return [name for name, found in there.items() if not found]


def chromium_path() -> str:
    """The browser of this machine; empty: there is none."""
    return next((found for name in CHROMIUMS if (found := shutil.which(name))), "")


class _Refusal(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        asked = self.rfile.readline(4096).decode(errors="replace").strip()
        _method, url, *_ = [*asked.split(" "), ""]
        host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
        if not BROWSERS_OWN.fullmatch(host):
            self.server.asked.append(asked)  # type: ignore[attr-defined]
        self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


class Wall(socketserver.ThreadingTCPServer):
    """A proxy that lets nobody through. ``asked`` is who wanted to, but for the browser's own wishes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Refusal)
        self.asked: list[str] = []

    @contextmanager
    def standing(self) -> Iterator[str]:
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{self.server_address[1]}"
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


@contextmanager
def browsing() -> Iterator[tuple[Browser, Wall]]:
    """Headless Chromium whose every way to another machine ends at the wall."""
    from playwright.sync_api import sync_playwright

    wall = Wall()
    with wall.standing() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=[
                f"--proxy-server={address}",  # loopback passes it by
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-dev-shm-usage",
                "--font-render-hinting=none",
            ],
        )
        try:
            yield browser, wall
        finally:
            browser.close()


class Surfer:
    """Opens pages, each in a context (cookies, storage) of its own, and remembers what they asked for.

    ``asked`` are the addresses of all requests and sockets, ``refused`` those that were answered by 4xx, 5xx or not
    at all, ``errors`` what the pages' scripts broke on or complained of.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.asked: list[str] = []
        self.refused: list[str] = []
        self.errors: list[str] = []
        self._contexts: list[BrowserContext] = []

    def context(self, *, language: str = "es", dark: bool = False, **options: Any) -> BrowserContext:
        """A new person's browser: ``language`` is what it asks pages for."""
        found = self._browser.new_context(
            locale={"es": "es-ES", "en": "en-GB"}.get(language, language),
            color_scheme="dark" if dark else "light",
            **{"viewport": DESK, "reduced_motion": "reduce", **options},
        )
        found.set_default_timeout(PATIENCE_MS)
        found.on("request", self._request)
        found.on("response", self._response)
        found.on("requestfailed", self._failed)
        found.on("console", self._console)
        found.on("weberror", lambda error: self._complaint(str(error.error)))
        found.on("page", lambda page: page.on("websocket", lambda one: self.asked.append(one.url)))
        self._contexts.append(found)
        return found

    def open(self, url: str, *, language: str = "es", dark: bool = False, **options: Any) -> Page:
        """A page in a browser of its own."""
        page = self.context(language=language, dark=dark, **options).new_page()
        page.goto(url)
        return page

    @property
    def outside(self) -> list[str]:
        """What was asked of any other machine."""
        split = [(urlsplit(url), url) for url in self.asked]
        return [url for parts, url in split if parts.scheme not in OURS and parts.hostname not in HERE]

    def forgive(self) -> None:
        """What failed until now was to fail."""
        self.refused.clear()
        self.errors.clear()

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.refused.append(f"{response.status} {response.url}")

    def _failed(self, request: Request) -> None:
        if request.failure and "ERR_ABORTED" not in request.failure:  # a page that is left ends its own requests
            self.refused.append(f"{request.failure} {request.url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complaint(message.text)

    def _complaint(self, text: str) -> None:
        if not any(words in text for words in LEAVING):
            self.errors.append(text)


def expect(what: Locator | Page) -> Any:
    """Playwright's assertions, which wait for what they say; with patience for a slow machine."""
    from playwright.sync_api import expect as playwright_expects

    playwright_expects.set_options(timeout=PATIENCE_MS)
    return playwright_expects(what)


def is_wider(page: Page) -> bool:
    """Whether the page is wider than its window, so that one has to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def guarded(log: Path) -> Mapping[str, str]:
    """The environment of processes that reach nothing outside, and write into ``log`` what they wanted there."""
    return {"PYTHONPATH": str(GUARD), "OUTSIDE_LOG": str(log)}
