"""HTTP to model servers: the only place that knows httpx, and where its errors become ours."""

from __future__ import annotations

import functools
import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import ModuleType
from typing import Any, Final, TypeVar

import httpcore
import httpx

from bot.errors import Unavailable
from workers.backends._servers import Server
from workers.backends._watch import HungUp, Watch, WatchedNetwork

CONNECT_SECONDS: Final = 5.0
WRITE_SECONDS: Final = 30.0
ASK_SECONDS: Final = 5.0
"""How long a small question (which models are there?) may take."""
KEPT_CONNECTIONS: Final = 256
IDLE_SECONDS: Final = 4.0
"""Shorter than uvicorn's 5 s (its ``--timeout-keep-alive``), so that no request meets a closing connection."""
ERROR_BYTES: Final = 65536
LINE_BYTES: Final = 1 << 20
"""No model says so much at once."""

Lines = Generator[str, None, None]
Result = TypeVar("Result")

_here = threading.local()


def client(http: ModuleType, core: ModuleType, **options: Any) -> Any:
    """A client of httpx, or of its successor, whose connections obey the watch of the thread that uses them.

    Only connecting and writing have the client's own time limits. It knows no proxies, and keeps no cookies: they would
    be of all conversations together.
    """
    none = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    return http.Client(
        transport=_transport(http, core), timeout=limits(http), follow_redirects=False, cookies=none, **options
    )


def _transport(http: ModuleType, core: ModuleType) -> Any:
    """A pool for as many requests as there are turns; the libraries' own transport cannot be given its network."""
    pool = core.ConnectionPool(
        ssl_context=_trust(http),
        max_connections=None,
        max_keepalive_connections=KEPT_CONNECTIONS,
        keepalive_expiry=IDLE_SECONDS,
        network_backend=WatchedNetwork(core.SyncBackend()),
    )

    answers = Answers(http)

    class Body(http.SyncByteStream):  # type: ignore[misc,name-defined]
        def __init__(self, stream: Any) -> None:
            self._stream = stream
            answers.begin(stream)

        def __iter__(self) -> Iterator[bytes]:
            return Parts(answers, self._stream)

        def close(self) -> None:
            answers.end(self._stream)
            answers.end_forgotten()

        def __del__(self) -> None:
            answers.forget(self._stream)

    class Transport(http.BaseTransport):  # type: ignore[misc,name-defined]
        def handle_request(self, request: Any) -> Any:
            answers.end_forgotten()
            sent, extra = request.headers.raw, request.extensions
            asked = core.Request(
                request.method, str(request.url), headers=sent, content=request.stream, extensions=extra
            )
            while True:
                with suppress(HungUp):  # each time a kept connection is gone, and a new one is none
                    answer = _locking(pool.handle_request, asked)
                    return http.Response(answer.status, headers=answer.headers, stream=Body(answer.stream))

        def close(self) -> None:
            _locking(pool.close)

    return Transport()


class Answers:
    """The answers that the connections of one pool are giving.

    httpcore ends an answer under its pool's lock. The garbage collector ends what it finds in whatever thread it comes
    up: in one that holds that very lock, too, which would wait for itself then, and all others for it. Therefore no
    answer is garbage until it was closed here, and what is to be closed at such a moment is closed with the next one.
    """

    def __init__(self, http: ModuleType) -> None:
        self._http = http
        self._open: dict[Any, Iterator[bytes]] = {}
        self._late: deque[Any] = deque()

    def __len__(self) -> int:
        """How many are still to be ended."""
        return len(self._open)

    def begin(self, stream: Any) -> None:
        self._open[stream] = iter(stream)

    def read(self, stream: Any) -> bytes:
        """Its next part. Raises StopIteration, and the library's own errors."""
        if stream not in self._open:
            raise self._http.StreamClosed
        part: bytes = _locking(next, self._open[stream])
        return part

    def end(self, stream: Any) -> None:
        if getattr(_here, "locking", False):
            self._late.append(stream)
            return
        try:
            _locking(stream.close)
        finally:
            self._open.pop(stream, None)

    def forget(self, stream: Any) -> None:
        """Nobody reads it any more; whoever is told so waits for nothing."""
        if stream in self._open:
            self._late.append(stream)

    def end_forgotten(self) -> None:
        for _ in range(len(self._late)):
            with suppress(IndexError, OSError):  # another thread was faster; a connection that is gone is closed
                self.end(self._late.popleft())


class Parts(Iterator[bytes]):
    """One answer's body as it comes; it may be given up at any time and anywhere."""

    def __init__(self, answers: Answers, stream: Any) -> None:
        self._answers, self._stream = answers, stream

    def __next__(self) -> bytes:
        return self._answers.read(self._stream)


def _locking(call: Callable[..., Result], *args: Any) -> Result:
    """What ``call`` returns, which may lock a pool meanwhile."""
    _here.locking = True
    try:
        return call(*args)
    finally:
        _here.locking = False


@functools.cache
def _trust(http: ModuleType) -> ssl.SSLContext:
    """The certificates that this machine trusts: read once, for it takes a tenth of a second."""
    context: ssl.SSLContext = http.create_ssl_context()
    return context


def limits(http: ModuleType) -> Any:
    """Time limits for a request whose reading is watched."""
    return http.Timeout(None, connect=CONNECT_SECONDS, write=WRITE_SECONDS)


@contextmanager
def border(server: Server, watch: Watch, http: ModuleType = httpx, core: ModuleType = httpcore) -> Iterator[None]:
    """Everything that the HTTP library raises, or the core under it, becomes Unavailable here."""
    try:
        yield
    except core.TimeoutException as error:
        raise watch.verdict() or server.unreachable(type(error).__name__) from None
    except core.ConnectError as error:
        raise watch.verdict() or server.unreachable(error) from None
    except (core.NetworkError, core.ProtocolError, http.RequestError, http.StreamError) as error:
        raise watch.verdict() or Unavailable(
            f"{server.url} broke off ({type(error).__name__}): look into its log"
        ) from None


class Wire:
    """One pool of connections to model servers."""

    def __init__(self) -> None:
        self._client: httpx.Client = client(httpx, httpcore, headers={"Accept-Encoding": "identity"})

    def lines(
        self, server: Server, path: str, body: Any, watch: Watch, headers: Mapping[str, str] | None = None
    ) -> Lines:
        """POST ``body`` as JSON and read the answer's lines. Closing the iterator ends the request.

        Raises Unavailable, or Refusal for a 4xx status.
        """
        sent = server.headers | dict(headers or {})
        with (
            border(server, watch),
            self._client.stream("POST", server.url + path, json=body, headers=sent) as response,
        ):
            _judge(server, response)
            yield from _lines(server, response.iter_raw())

    def ask(self, server: Server, path: str, body: Any = None) -> dict[str, Any]:
        """A small question, by GET, or by POST with a ``body``: a JSON object. Raises as ``lines`` does."""
        watch = Watch(ASK_SECONDS, hint="look whether the model server is overloaded")
        method = "GET" if body is None else "POST"
        with (
            watch.on_this_thread(),
            border(server, watch),
            self._client.stream(method, server.url + path, json=body, headers=server.headers) as response,
        ):
            _judge(server, response)
            return as_object(server, response.read())

    def close(self) -> None:
        self._client.close()


def as_object(server: Server, text: str | bytes) -> dict[str, Any]:
    """A JSON object. Raises Unavailable: what else answers is no model server."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise server.garbage() from None
    if not isinstance(data, dict):
        raise server.garbage()
    return data


def drain(lines: Lines, watch: Watch) -> None:
    """Read a finished answer's connection to its end, so that the next request can use it."""
    watch.finish()
    with suppress(Unavailable):
        for _ in lines:
            pass


def _judge(server: Server, response: httpx.Response) -> None:
    if response.status_code == 200:
        return
    body = b""
    for chunk in response.iter_raw():
        body += chunk
        if len(body) >= ERROR_BYTES:
            break
    raise server.refuses(response.status_code, response.headers, body)


def _lines(server: Server, chunks: Iterable[bytes]) -> Iterator[str]:
    r"""Lines end with ``\n`` only: JSON may hold U+2028 and U+0085, at which str.splitlines would cut."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield line.decode(errors="replace").strip()
        if len(rest) > LINE_BYTES:
            raise server.garbage()
    if rest.strip():
        yield rest.decode(errors="replace").strip()
