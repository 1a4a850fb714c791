"""Optional hooks: errors to Sentry, turns to an OpenTelemetry collector; never with a person's words or name.

Their packages are extras and loaded only where a setting asks for them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from bot.errors import SettingsError
from bot.logs import redact
from bot.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

Process = Literal["receiver", "worker", "poller", "page"]
Trace = Callable[[float, Mapping[str, str | int]], None]
"""Tells of a turn that is over: for how many seconds it went on, and what is known of it."""

OURS = "recado"
"""The name above all our logs, and in the collector."""

EXPORT_SECONDS = 2.0
"""A collector that is away may delay a process's end by so much."""

_SENTRY = "SENTRY_DSN is set, and the package for it is missing: make install EXTRAS=sentry, or leave it empty."
_OTEL = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, and the packages for it are missing: make install EXTRAS=otel, or leave it"
    " empty."
)


def report_errors(settings: Settings, process: Process) -> None:
    """From here on what this process logs as an error is reported to SENTRY_DSN, if there is one.

    Raises SettingsError.
    """
    dsn = settings.sentry_dsn.get_secret_value().strip()
    if not dsn:
        return
    try:
        import sentry_sdk  # noqa: PLC0415 - an extra
        from sentry_sdk.integrations import atexit, dedupe, excepthook  # noqa: PLC0415
        from sentry_sdk.integrations import logging as logs  # noqa: PLC0415
        from sentry_sdk.utils import BadDsn  # noqa: PLC0415
    except ImportError:
        raise SettingsError(_SENTRY) from None
    watching = [
        logs.LoggingIntegration(level=None, event_level=logging.ERROR, sentry_logs_level=None),
        excepthook.ExcepthookIntegration(),
        dedupe.DedupeIntegration(),
        atexit.AtexitIntegration(callback=lambda *_: None),
    ]
    try:
        sentry_sdk.init(
            dsn, before_send=lambda event, hint: _told(event, hint, process), integrations=watching,
            default_integrations=False, auto_enabling_integrations=False, auto_session_tracking=False,
            max_breadcrumbs=0, include_local_variables=False, include_source_context=False, send_client_reports=False,
        )  # fmt: skip
    except BadDsn:
        raise SettingsError("SENTRY_DSN is no address of a project: copy it again from its settings.") from None


def open_traces(settings: Settings) -> Trace | None:
    """What sends each turn to OTEL_EXPORTER_OTLP_ENDPOINT, beside whoever calls it; None without one.

    Raises SettingsError.
    """
    if not settings.otel_exporter_otlp_endpoint:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise SettingsError(_OTEL) from None
    # The path is the standard's: https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp
    exporter = OTLPSpanExporter(endpoint=f"{settings.otel_exporter_otlp_endpoint}/v1/traces", timeout=EXPORT_SECONDS)
    provider = TracerProvider(resource=Resource.create({"service.name": OURS}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer(OURS)

    def trace(seconds: float, told: Mapping[str, str | int]) -> None:
        ended = time.time_ns()
        about = {f"{OURS}.{name}": value for name, value in told.items()}
        tracer.start_span("turn", start_time=ended - int(seconds * 1e9), attributes=about).end(ended)

    return trace


def _told(event: Event, hint: Hint, process: Process) -> Event:
    """An event made anew of what may be told of it: our own words, the kind of an error, and where in the code."""
    record: logging.LogRecord | None = hint.get("log_record")
    told: Event = {"tags": {"process": process}}
    for name in ("event_id", "timestamp", "level", "platform", "logger", "release", "environment"):
        if name in event:
            told[name] = event[name]
    if record is not None:
        ours = record.name.partition(".")[0] == OURS
        told["logentry"] = {"formatted": redact(record.getMessage()) if ours else f"{record.name}: an error"}
        if who := getattr(record, "conversation", ""):
            told["tags"]["conversation"] = str(who)
    if raised := event.get("exception", {}).get("values"):
        told["exception"] = {"values": [_kind(one) for one in raised]}
    return told


def _kind(raised: Mapping[str, Any]) -> dict[str, Any]:
    """An exception without its words, which may be a person's."""
    frames = (raised.get("stacktrace") or {}).get("frames", ())
    where = [{part: frame[part] for part in ("filename", "function", "module", "lineno", "in_app") if part in frame}
             for frame in frames]  # fmt: skip
    return {"type": raised.get("type"), "module": raised.get("module"), "stacktrace": {"frames": where}}
