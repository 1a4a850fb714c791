"""Our side of the benches of receivers, each in a process of its own: python bench/_servers.py NAME PORT"""

from __future__ import annotations

import sys

from bot import web
from bot.logs import setup_logs
from bot.settings import load_settings


def recado(port: int) -> None:
    """The product as it is shipped."""
    setup_logs("INFO", "text")
    web.serve(load_settings(port=port))


def uncounted(port: int) -> None:
    """The product, but its receiver counts nothing: what the counting costs is the difference."""

    class Uncounted:
        def __getattr__(self, _: str) -> Uncounted:
            return self

        def labels(self, *_: str) -> Uncounted:
            return self

        def inc(self, _: float = 1) -> None:
            """Counts nothing."""

    web.Metrics = lambda *_: Uncounted()  # type: ignore[assignment,misc]
    recado(port)


def bare_flask(port: int) -> None:
    """The floor: a Flask view that returns nothing, on the same server with the same settings."""
    from flask import Flask
    from waitress import serve

    setup_logs("INFO", "text")
    app = Flask("bare")
    app.add_url_rule("/webhook/telegram", "bare", lambda: "", methods=["POST"])
    serve(app, host="127.0.0.1", port=port, **web.WAITRESS)


SERVERS = {"recado": recado, "uncounted": uncounted, "bare Flask": bare_flask}

if __name__ == "__main__":
    SERVERS[sys.argv[1]](int(sys.argv[2]))
