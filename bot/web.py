"""The receiver: a platform's request becomes messages and outcomes in Redis, and only then a 200."""

from __future__ import annotations

import logging
import resource
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from threading import Event, Thread
from typing import Any, cast

from flask import Flask, Response, abort, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from waitress.server import create_server

from bot import wiring
from bot.channels import Channel
from bot.errors import Forged, RecadoError, SettingsError, StoreUnavailable, Unreadable
from bot.figures import QueueCollector
from bot.logs import pseudonym
from bot.received import Received
from bot.safety import Guard
from bot.settings import Settings
from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from bot.stores.meter import Calendar
from bot.stores.outbox import Outbox
from bot.telemetry import report_errors

CONNECTIONS = 9000
WAITRESS: dict[str, Any] = {
    "threads": 8, "connection_limit": CONNECTIONS, "backlog": 2048, "asyncore_use_poll": True, "channel_timeout": 15,
    "cleanup_interval": 5, "max_request_body_size": (4 << 20) + 1024, "ident": "",
    "clear_untrusted_proxy_headers": True,
}  # fmt: skip
"""The whole request is buffered before a thread is taken, so that a slow client costs a socket and nothing else."""

RETRY_AFTER_SECONDS = "5"
_FORGED = Response("this request does not prove where it comes from\n", 403, mimetype="text/plain")
_ACCEPTED = Response(status=200)

log = logging.getLogger("recado.receiver")


class Metrics:
    """What the receiver counts; the names are part of the outside surface."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("channel",)
        self.accepted = Counter("recado_messages_accepted", "Messages made durable", labels, registry=registry)
        self.duplicates = Counter("recado_messages_duplicate", "Messages delivered again", labels, registry=registry)
        self.statuses = Counter(
            "recado_statuses_received", "What became of bubbles", (*labels, "outcome"), registry=registry
        )
        self.refused = Counter("recado_requests_refused", "Requests refused", (*labels, "reason"), registry=registry)
        self.quarantined = Counter("recado_requests_quarantined", "Bodies nobody could read", labels, registry=registry)
        self.unserved = Counter(
            "recado_requests_unserved", "Bodies about something that is not served", labels, registry=registry
        )


def create_app(settings: Settings) -> Flask:
    """The receiver as a WSGI application.

    Raises SettingsError when a channel's secret is missing or weak, or Redis is not safe.
    """
    store = wiring.open_store(settings, wiring.RECEIVER_TIMEOUT, "receiver")
    guard = Guard(settings, store)
    with suppress(StoreUnavailable):  # it may come later than we do
        guard.check()
    mailbox, outbox = wiring.open_mailbox(settings, store), Outbox(store, hold_seconds=settings.whatsapp_hold_seconds)
    outbox.calendar = Calendar(settings)
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    registry.register(QueueCollector(store, settings))
    ProcessCollector(registry=registry)
    app = Flask("recado")
    for channel in wiring.open_channels(settings).values():
        _add_channel(app, channel, mailbox, outbox, metrics, guard=guard)
    _add_health(app, store, registry, guard)
    app.register_error_handler(StoreUnavailable, _unavailable)
    app.register_error_handler(SettingsError, _unavailable)
    return app


def _add_channel(
    app: Flask, channel: Channel, mailbox: Mailbox, outbox: Outbox, metrics: Metrics, *, guard: Guard
) -> None:
    path = f"/webhook/{channel.name}"
    keep = _keep(channel, mailbox, outbox, metrics, guard)
    app.add_url_rule(path, f"{channel.name}.post", _post(channel, mailbox, keep, metrics, guard), methods=["POST"])
    if type(channel).verify is not Channel.verify:
        app.add_url_rule(path, f"{channel.name}.get", _get(channel), methods=["GET"])


def _keep(
    channel: Channel, mailbox: Mailbox, outbox: Outbox, metrics: Metrics, guard: Guard
) -> Callable[[Received], None]:
    accepted, duplicates = metrics.accepted.labels(channel.name), metrics.duplicates.labels(channel.name)
    settled = cache(partial(metrics.statuses.labels, channel.name))

    def keep(received: Received) -> None:
        guard.check()
        for alias in received.aliases:
            mailbox.alias(*alias)
        new = mailbox.accept(
            received.messages, seen_hours=channel.seen_hours, raw_hours=channel.raw_hours, follows=channel.follows
        )
        accepted.inc(new)
        if new < len(received.messages):
            duplicates.inc(len(received.messages) - new)
        for status in received.statuses:
            outbox.settle(status)
            settled(status.outcome).inc()
            if status.outcome != "sent":
                who = {"conversation": pseudonym(status.conversation)}
                log.warning("a bubble was not delivered: %s: %s", status.outcome, status.reason, extra=who)

    return keep


def _post(
    channel: Channel, mailbox: Mailbox, keep: Callable[[Received], None], metrics: Metrics, guard: Guard
) -> Callable[[], Response]:
    quarantined, unserved = metrics.quarantined.labels(channel.name), metrics.unserved.labels(channel.name)
    away = metrics.refused.labels(channel.name, "unavailable")

    def refuse(status: int, reason: str) -> None:
        metrics.refused.labels(channel.name, reason).inc()
        abort(status, description=reason)

    def receive() -> Response:
        headers = cast("Mapping[str, str]", request.headers)
        try:
            channel.admit(headers)
            body = _body(channel.body_limit, refuse)
            received = channel.receive(headers, body)
        except Forged:
            metrics.refused.labels(channel.name, "forged").inc()
            return _FORGED
        except Unreadable as error:
            guard.check()
            mailbox.quarantine(channel.name, body, channel.origin(headers, body))
            quarantined.inc()
            log.warning("a %s body cannot be read and is kept in quarantine: %s", channel.name, error)
            return _ACCEPTED
        keep(received)
        if received.unreadable:
            mailbox.quarantine(channel.name, body, channel.origin(headers, body))
            quarantined.inc()
        if received.unserved:
            mailbox.keep(channel.name, body, channel.origin(headers, body))
            unserved.inc()
        return Response(received.answer, 200, mimetype="application/json") if received.answer else _ACCEPTED

    def receive_or_tell() -> Response:
        try:
            return receive()
        except (StoreUnavailable, SettingsError):
            away.inc()
            raise

    return receive_or_tell


def _body(limit: int, refuse: Callable[[int, str], None]) -> bytes:
    """The request's whole body, of ``limit`` bytes at most; ``refuse`` ends a request that has none such."""
    length = request.content_length
    if length is None:
        refuse(411, "no-length")
    elif length > limit:
        refuse(413, "too-large")
    body = request.get_data(cache=False)
    if len(body) != length:
        refuse(400, "too-short")
    return body


def _get(channel: Channel) -> Callable[[], Response]:
    def verify() -> Response:
        try:
            return Response(channel.verify(request.args), mimetype="text/plain")
        except Forged:
            return _FORGED

    return verify


def _add_health(app: Flask, store: Store, registry: CollectorRegistry, guard: Guard) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @app.get("/readyz")
    def readyz() -> Response:
        store.ping()
        guard.check()
        return Response("ready\n", mimetype="text/plain")

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _unavailable(error: RecadoError) -> Response:
    """Redis is away, or not safe: the platform keeps the message and comes back."""
    log.error("%s", error)
    return Response(f"{error}\n", 503, {"Retry-After": RETRY_AFTER_SECONDS}, mimetype="text/plain")


def _allow_many_connections() -> None:
    """A socket each for as many silent clients as the server bears; many systems start with 1024 files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def serve(settings: Settings) -> None:
    """Run the receiver until it is told to stop. Raises SettingsError when it cannot listen there."""
    report_errors(settings, "receiver")
    app = create_app(settings)
    _allow_many_connections()
    try:
        listening = create_server(app, host=settings.host, port=settings.port, **WAITRESS)
    except (OSError, ValueError) as error:
        where = f"HOST and PORT: nobody can listen on {settings.host}:{settings.port}"
        raise SettingsError(f"{where} ({error}). Is it already running? Choose another PORT.") from None
    log.info("listening on http://%s:%s", settings.host, settings.port)
    if settings.public_url and settings.telegram_bot_token.get_secret_value().strip():
        Thread(target=_register, args=[settings], name="webhook", daemon=True).start()
    listening.run()


def _register(settings: Settings) -> None:
    """Tell Telegram where we are, while messages are taken already."""
    from bot import webhook  # noqa: PLC0415 - it loads an HTTP client, for which no start waits

    webhook.keep_trying(settings, Event())
