"""Those who collect errors and traces, on this machine: they take everything, and keep it as it came."""

from __future__ import annotations

import gzip
import importlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(slots=True)
class Collector:
    """``url`` is a collector of traces, ``dsn`` a project at a collector of errors; both keep what was posted."""

    url: str
    posted: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        return self.url.replace("://", "://0123456789abcdef0123456789abcdef@") + "/42"

    @property
    def raw(self) -> bytes:
        """All that came, unpacked."""
        return b"\n".join(body for _, body in list(self.posted))

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The events in what came (https://develop.sentry.dev/sdk/data-model/envelopes/)."""
        items = [body.split(b"\n") for path, body in list(self.posted) if path == "/api/42/envelope/"]
        return [
            json.loads(parts[at + 1])
            for parts in items
            for at in range(1, len(parts) - 1, 2)
            if json.loads(parts[at])["type"] == "event"
        ]

    @property
    def spans(self) -> list[tuple[Span, dict[str, str | int]]]:
        """The spans in what came, each with its attributes."""
        requests = [
            ExportTraceServiceRequest.FromString(body) for path, body in list(self.posted) if path == "/v1/traces"
        ]
        found = [
            span
            for one in requests
            for resource in one.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return [(span, {one.key: _value(one.value) for one in span.attributes}) for span in found]


def _brotli(body: bytes) -> bytes:
    """As Sentry's client packs where another package has brought brotli."""
    return bytes(importlib.import_module("brotli").decompress(body))


_UNPACK = {"gzip": gzip.decompress, "br": _brotli}


def _value(value: Any) -> str | int:
    kind = value.WhichOneof("value")
    found: str | int = getattr(value, kind)
    return found


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that is there as long as the context."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            chunked = self.headers.get("Transfer-Encoding") == "chunked"
            assert not chunked
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packed = self.headers.get("Content-Encoding")
            body = _UNPACK[packed](body) if packed else body
            found.posted.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
