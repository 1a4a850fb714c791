"""The page as a Flask application: it answers its own browser on this machine, and nobody else.

Another site in the same browser can send requests here. It cannot read the page, and so has not the word that every
change must bear; nor does it come under one of our names when it has its own name point to this machine.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import redis
from flask import Flask, Response, abort, jsonify, render_template, request

from simulator.page.bags import Language
from simulator.page.words import LANGUAGES, words

if TYPE_CHECKING:
    from simulator.page.show import Show

LONGEST: Final = 4096
"""Characters of a message; Telegram's own bound (https://core.telegram.org/bots/api#message)."""
BODY_BYTES: Final = 65_536
WORD_HEADER: Final = "X-Page-Word"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(show: Show, url: str) -> Flask:
    """The application of a page that is opened at ``url``."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES
    word = secrets.token_urlsafe(32)
    app.before_request(_guard(url, word))
    app.after_request(_close)
    app.register_error_handler(redis.RedisError, lambda _: ("Redis does not answer.\n", 503))

    @app.get("/")
    def page() -> str:
        language = _language()
        return render_template("page.html", language=language, word=word, words=words(language))

    @app.get("/state")
    def state() -> Response:
        return jsonify(show.look())

    _add_changes(app, show)
    return app


def _add_changes(app: Flask, show: Show) -> None:
    @app.post("/say")
    def say() -> tuple[str, int]:
        phone, text = show.phones.get(_given("phone")), _given("text").strip()
        if phone is None or not text or len(text) > LONGEST:
            abort(400)
        if show.burst.running:
            abort(409)
        phone.say(text, _given_language())
        return "", 204

    @app.post("/press")
    def press() -> tuple[str, int]:
        phone = show.phones.get(_given("phone"))
        if phone is None or not phone.press(_given("bubble"), _given("data"), _given_language()):
            abort(409)
        return "", 204

    @app.post("/kill")
    def kill() -> tuple[str, int]:
        if show.staff.kill(_given("worker")) is None:
            abort(409)
        return "", 204

    @app.post("/burst")
    def burst() -> tuple[str, int]:
        if not show.burst.start(_given_language()):
            abort(409)
        return "", 204


def _guard(url: str, word: str) -> Callable[[], None]:
    """Turns away whoever does not come from the page itself."""
    _, _, host = url.partition("//")
    port = host.rpartition(":")[2]
    hosts = {host, f"localhost:{port}"}

    def guard() -> None:
        if request.host not in hosts:
            abort(403)
        opening = request.method == "GET" and request.path == "/"
        if not opening and request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            abort(403)
        if request.method in ("GET", "HEAD"):
            return
        origin = request.headers.get("Origin", f"http://{request.host}")
        given = request.headers.get(WORD_HEADER, "").encode()
        if origin != f"http://{request.host}" or not secrets.compare_digest(given, word.encode()):
            abort(403)

    return guard


def _close(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def _language() -> Language:
    """As chosen on the page, else the browser's own."""
    chosen = request.args.get("lang") or request.accept_languages.best_match(LANGUAGES)
    return "es" if chosen == "es" else "en"


def _given(name: str) -> str:
    """A text of the request's JSON; empty where there is none."""
    body: Any = request.get_json(silent=True)
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else ""


def _given_language() -> Language:
    return "en" if _given("language") == "en" else "es"
