"""The whole page as one application: both languages, what stands around them, and the way from / to one of them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

import gradio as gr
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from bot.business import Business
from bot.errors import RecadoError
from bot.settings import Settings
from bot.texts import LANGUAGES, Language, Text, language_of
from workers.ui import words
from workers.ui.asked import Asked
from workers.ui.desk import Desk
from workers.ui.door import Door
from workers.ui.outside import LANGUAGE, App, Frame, Outside
from workers.ui.page import ChatPage, theme
from workers.ui.tab import TAB_HEADER, conversation_of
from workers.ui.watch import news

_STATIC: Final = {"page.js": "text/javascript", "page.css": "text/css", "icon.svg": "image/svg+xml"}
_NEVER_KEPT: Final = {"Cache-Control": "no-store"}
_ACCEPTED: Final = re.compile(r"([a-z]{2})\b[^,;]*(?:;\s*q=([\d.]+))?", re.IGNORECASE)


def create_app(settings: Settings, desk: Desk, business: Business, password: str = "") -> App:
    """The page of this business, behind ``password`` if there is one."""

    def speaks(headers: Mapping[str, str]) -> Language:
        return language_for(headers, settings.default_language)

    front = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _add_own(front, speaks)
    front.add_route("/news", _news(desk))
    for language in LANGUAGES:
        blocks = ChatPage(desk, business, language).build()
        gr.mount_gradio_app(
            front, blocks, f"/{language}", server_name=settings.ui_host, server_port=settings.ui_port, footer_links=[],
            run_history=False, show_error=False, ssr_mode=False, enable_monitoring=False, pwa=False, mcp_server=False,
            theme=theme(),
        )  # fmt: skip
    app: App = Asked(front)
    if password:
        app = Door(app, password, settings.key(), lambda language: words.title(business, language), speaks)
    hosts = () if password else {"localhost", "127.0.0.1", "::1", settings.ui_host}
    return Outside(app, {language: frame(business, language) for language in LANGUAGES}, hosts)


def language_for(headers: Mapping[str, str], default: Language) -> Language:
    """The language in which the page was opened last, else the browser's first that we speak."""
    if found := re.search(rf"(?:^|;\s*){LANGUAGE}=(\w+)", headers.get("cookie", "")):
        return language_of(found[1], default)
    accepted = _ACCEPTED.findall(headers.get("accept-language", ""))
    ours = [(float(share or 1), code.lower()) for code, share in accepted if code.lower() in LANGUAGES]
    return language_of(max(ours, key=lambda one: one[0])[1], default) if ours else default


def frame(business: Business, language: Language) -> Frame:
    """What stands around Gradio's page: its name, the other language, light or dark."""

    def say(text: Text) -> str:
        return html.escape(text.to(language))

    title = html.escape(words.title(business, language))
    other = next(one for one in LANGUAGES if one != language)
    head = (
        f'<title>{title}</title><link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/page.css">'
        '<script src="/page.js"></script>'
    )
    top = (
        f'<header id="head"><div><h1>{title}</h1><p>{say(words.LEAD)}</p></div>'
        f'<nav><a href="/{other}/" hreflang="{other}" lang="{other}">{say(words.OTHER)}</a>'
        f'<button type="button" id="dark" aria-pressed="false">{say(words.DARK)}</button></nav></header>'
        f"<noscript>{say(words.NO_SCRIPT)}</noscript>"
    )
    named = {
        "conversation": words.CONVERSATION, "you": words.YOU, "assistant": words.ASSISTANT, "copy": words.COPY,
        "gone": words.GONE, "comes-back": words.COMES_BACK,
    }  # fmt: skip
    data = " ".join(f'data-{name}="{say(text)}"' for name, text in named.items())
    return Frame(head, f'lang="{language}" {data}', top)


def _add_own(front: FastAPI, speaks: Any) -> None:
    async def enter(request: Request) -> Response:
        return RedirectResponse(f"/{speaks(request.headers)}/", 302, _NEVER_KEPT)

    async def alive(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    front.add_route("/", enter)
    front.add_route("/healthz", alive)
    for name, kind in _STATIC.items():
        content = resources.files("workers.ui").joinpath("static", name).read_bytes()
        front.add_route(f"/{name}", _file(content, kind))


def _news(desk: Desk) -> Any:
    """What a page at rest asks for, several times cheaper than a look through Gradio's queue."""

    async def give(request: Request) -> Response:
        try:
            told = await news(desk, conversation_of(request.headers.get(TAB_HEADER, "")))
        except ValueError:
            return PlainTextResponse("no tab", 400, _NEVER_KEPT)
        except RecadoError:
            return PlainTextResponse("away", 503, _NEVER_KEPT)
        return PlainTextResponse(told, headers=_NEVER_KEPT)

    return give


def _file(content: bytes, kind: str) -> Any:
    async def give(_: Request) -> Response:
        return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})

    return give
