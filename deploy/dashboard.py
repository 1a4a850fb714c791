"""rq-dashboard, to look at and not to touch: the queue and the workers behind DASHBOARD_PASSWORD.

As it comes, rq-dashboard 0.9 reads jobs with RQ's default serializer, which is pickle (its web.py), re-queues on a GET,
and shows a job's arguments, which are telephone numbers here. None of that is so with this file before it.
"""  # noqa: INP001 - a script

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from hmac import compare_digest
from typing import Annotated, Any

import typer
import waitress
from flask import Flask, Response, abort, request
from flask.json.provider import DefaultJSONProvider
from pydantic import SecretStr
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq.serializers import DefaultSerializer
from rq_dashboard import web

from bot import safety, wiring
from bot.cli import begin
from bot.cli import main as said_in_words
from bot.settings import require_secret
from bot.stores.connection import Store

PASSWORD = 12
"""The fewest characters of the dashboard's password."""

_WAY_OUT = "Set it in .env, for example to the output of `openssl rand -hex 24`."
_HIDDEN = "…"
_UNREADABLE: list[Any] = ["(unreadable)", None, [], {}]
_MARKUP = str.maketrans({"<": "(", ">": ")", '"': "'"})

READS = frozenset({
    "EXISTS", "GET", "HEXISTS", "HGET", "HGETALL", "HMGET", "INFO", "LLEN", "LPOS", "LRANGE", "PING", "PTTL", "SCARD",
    "SISMEMBER", "SMEMBERS", "TTL", "TYPE", "XLEN", "XRANGE", "XREVRANGE", "ZCARD", "ZCOUNT", "ZRANGE", "ZRANGEBYSCORE",
    "ZREVRANGE", "ZSCORE",
})  # fmt: skip
"""All that is ever said to Redis."""

PAGES = frozenset(
    ["static"]
    + [
        f"rq_dashboard.{name}"
        for name in (
            "favicon", "job_info", "job_view", "jobs_overview", "list_jobs", "list_queues", "list_workers",
            "queues_overview", "static", "workers_overview",
        )
    ]
)  # fmt: skip
"""What can be asked for; the rest of rq-dashboard deletes, empties, compacts and re-queues."""

_PLAIN = re.compile(r"[\w.:-]+|(?:css|js)/[\w.-]+")


class Plain:
    """RQ's serializer for a reader: JSON alone, and of a job's arguments nothing but that it has some."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        return json.dumps(value).encode()

    @staticmethod
    def loads(data: bytes) -> Any:
        try:
            value = json.loads(data)
        except ValueError:
            return _UNREADABLE
        if isinstance(value, list) and len(value) == 4:  # a call: function, instance, arguments by place and by name
            return [str(value[0]), None, [_HIDDEN], {}]
        return value


class Reader(Redis):
    """A client that only looks: what RQ would tidy up in passing is the workers' own, and is answered with 0."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return super().execute_command(*_reading(args), **options)  # type: ignore[no-untyped-call]

    def pipeline(self, *_: Any, **__: Any) -> Any:
        return Readers(self.connection_pool, self.response_callbacks, transaction=False, shard_hint=None)


class Readers(Pipeline):
    """A pipeline that only looks."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return super().execute_command(*_reading(args), **options)  # type: ignore[no-untyped-call]


def _reading(command: tuple[Any, ...]) -> tuple[Any, ...]:
    """The command, if it is one of READS; else one that finds nothing."""
    return command if str(command[0]).upper() in READS else ("EXISTS", "recado:nothing")


class Shown(DefaultJSONProvider):
    """JSON for pages that put it into HTML as it is: nothing in it opens or closes a tag or an attribute."""

    def dumps(self, obj: Any, **options: Any) -> str:
        return super().dumps(_harmless(obj), **options)


def _harmless(value: Any) -> Any:
    if isinstance(value, dict):
        return {_harmless(name): _harmless(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_harmless(one) for one in value]
    return value.translate(_MARKUP) if isinstance(value, str) else value


def create_app(store: Store, password: str) -> Flask:
    """The dashboard as a WSGI application. Raises SettingsError when the password is missing or weak."""
    secret = require_secret("DASHBOARD_PASSWORD", SecretStr(password), PASSWORD, _WAY_OUT).encode()
    for name in ("dumps", "loads"):  # whoever names no serializer gets this class, and whoever says "pickle" too
        setattr(DefaultSerializer, name, staticmethod(getattr(Plain, name)))
    reader = Reader(connection_pool=store.client.connection_pool)
    web.config.serializer = DefaultSerializer
    vars(web)["from_url"] = lambda *_, **__: (None, reader)  # it would open a connection for each request
    app = Flask("recado.dashboard", static_folder=None)
    app.json = Shown(app)
    app.config.update(RQ_DASHBOARD_REDIS_URL=("redis",), RQ_DASHBOARD_DISABLE_DELETE=True)
    app.redis_conn = reader  # type: ignore[attr-defined]
    app.add_url_rule("/static/<path:filename>", "static", lambda **_: abort(404))
    app.add_url_rule("/healthz", "healthz", lambda: Response("ok\n", mimetype="text/plain"))
    app.before_request(_guard(secret))
    app.after_request(_close)
    app.register_error_handler(RedisError, _away)
    app.register_blueprint(web.blueprint)
    return app


def _guard(secret: bytes) -> Callable[[], Response | None]:
    def look() -> Response | None:
        if request.endpoint == "healthz":
            return None
        given = request.authorization
        if given is None or not compare_digest((given.password or "").encode(), secret):
            realm = {"WWW-Authenticate": 'Basic realm="Recado", charset="UTF-8"'}
            return Response("a password is needed\n", 401, realm, mimetype="text/plain")
        if request.method not in {"GET", "HEAD"} or (request.endpoint and request.endpoint not in PAGES):
            return Response("this dashboard only shows\n", 403, mimetype="text/plain")
        asked = dict(request.view_args or {})
        if asked.pop("instance_number", 0) != 0 or not all(_PLAIN.fullmatch(str(one)) for one in asked.values() if one):
            abort(404)
        return None

    return look


def _close(response: Response) -> Response:
    response.headers.update({
        "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    })  # fmt: skip
    return response


def _away(_: RedisError) -> Response:
    return Response("Redis does not answer; try again soon\n", 503, mimetype="text/plain")


def refuse_pickles() -> None:
    """Let no pickle in this process name a class or a function, whoever reads it. It holds until the process ends."""

    def watch(event: str, _: object) -> None:
        if event == "pickle.find_class":
            raise RuntimeError("refused: data is not code")

    sys.addaudithook(watch)


def run(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 9181,
) -> None:
    """Show RQ's queue and workers on HOST and --port, behind DASHBOARD_PASSWORD."""
    settings = begin()
    store = wiring.open_store(settings, wiring.RECEIVER_TIMEOUT)
    safety.vet_address(store)
    app = create_app(store, os.environ.get("DASHBOARD_PASSWORD", ""))
    refuse_pickles()
    waitress.serve(app, host=settings.host, port=port, threads=4, ident=None)


if __name__ == "__main__":
    said_in_words(lambda: typer.run(run))
