"""A small HTTP server on this machine: what every stand-in for the outside world is made of."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from waitress import wasyncore
from waitress.channel import ClientDisconnected as Cut
from waitress.server import create_server
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["Cut", "Server"]  # Cut, raised while answering, ends the connection there and then

CONNECTIONS = 2000
LOOK_SECONDS = 0.1


class Server(ABC):
    """A real HTTP server on 127.0.0.1 and a free port, answering from ``threads`` threads.

    It listens from construction on (``url`` is known at once), answers between ``start`` and
    ``close``, and is a context manager that does both.
    """

    def __init__(self, threads: int = 16) -> None:
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full line is what a busy test wants
        self.closing = threading.Event()
        self.changed = threading.Condition()
        self._server = _listen(self._answer, threads)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.effective_port}"

    @abstractmethod
    def respond(self, request: Request) -> Response:
        """The answer to one request. Raises Cut to end the connection without an answer."""

    def wait_until(self, check: Callable[[], bool], timeout: float = 10.0) -> bool:
        """Whether ``check`` became true within ``timeout`` seconds; it is asked whenever something happened here.

        And now and then, because a delivery may end after its last sign of life.
        """
        until = monotonic() + timeout
        with self.changed:
            while not check():
                if (left := until - monotonic()) <= 0:
                    return False
                self.changed.wait(min(left, LOOK_SECONDS))
            return True

    def start(self) -> Self:
        self._thread.start()
        return self

    def close(self) -> None:
        """Wake whoever waits in an answer, stop answering and give the port back."""
        self.closing.set()
        self._server.task_dispatcher.shutdown()
        self._stopped.set()
        self._server.pull_trigger()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)
        wasyncore.close_all(self._server._map, ignore_all=True)  # noqa: SLF001 - there is no public way to close it

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            wasyncore.loop(timeout=1, use_poll=True, map=self._server._map, count=1)  # noqa: SLF001 - as in close

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.respond(Request(environ))(environ, start_response)


def _listen(app: Any, threads: int) -> Any:
    return create_server(
        app,
        host="127.0.0.1",
        port=0,
        threads=threads,
        connection_limit=CONNECTIONS,
        backlog=CONNECTIONS,
        asyncore_use_poll=True,
        channel_request_lookahead=1,  # otherwise a client that leaves is noticed only after its answer
        clear_untrusted_proxy_headers=True,
    )
