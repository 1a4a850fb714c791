"""The wire under python-telegram-bot: one attempt in the caller's thread, over connections that are kept."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from telegram.error import NetworkError, TimedOut
from urllib3.exceptions import SSLError

from bot.channels import _telegram_wire
from bot.channels._telegram_wire import NEVER_SENT, Distrusted, Wire, _distrusted, finished
from bot.errors import SettingsError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Listener:
    """A bare TCP server that answers each request with the next of ``answers``, and counts connections."""

    def __init__(self, *answers: bytes, pause: float = 0) -> None:
        self._answers, self._pause = list(answers), pause
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        self.asked: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        with link, suppress(OSError):  # who asked may be gone
            while asked := link.recv(65536):
                self.asked.append(asked)
                if not self._answers:
                    return
                for part in self._pieces(self._answers.pop(0)):
                    link.sendall(part)

    def _pieces(self, answer: bytes) -> Iterator[bytes]:
        if not self._pause:
            yield answer
            return
        head, _, body = answer.partition(b"\r\n\r\n")
        yield head + b"\r\n\r\n"
        for number in range(len(body)):
            time.sleep(self._pause)
            yield body[number : number + 1]

    def close(self) -> None:
        self._socket.close()


@contextmanager
def listening(*answers: bytes, pause: float = 0) -> Iterator[Listener]:
    listener = Listener(*answers, pause=pause)
    try:
        yield listener
    finally:
        listener.close()


def ask(wire: Wire, url: str) -> tuple[int, bytes]:
    return finished(wire.do_request(url, "POST"))


def test_one_connection_serves_call_after_call() -> None:
    """A TLS handshake for each bubble would cost more than the bubble."""
    with listening(OK, OK, OK) as listener:
        url = f"http://127.0.0.1:{listener.port}"
        wire = Wire(url, 5)

        assert [ask(wire, f"{url}/botx/getMe") for _ in range(3)] == [(200, b"{}")] * 3
        assert listener.connections == 1


def test_a_request_that_may_have_arrived_is_not_sent_again() -> None:
    """The connection ends without an answer: only the caller knows whether a second bubble would do harm."""
    with listening() as listener:
        url = f"http://127.0.0.1:{listener.port}"
        with pytest.raises(NetworkError) as raised:
            ask(Wire(url, 5), f"{url}/bot1:secret/sendMessage")

        assert not isinstance(raised.value.__cause__, NEVER_SENT)
        assert "secret" not in str(raised.value)
        assert len(listener.asked) == 1


def test_an_answer_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_telegram_wire, "CALL_SECONDS", 0.1)
    with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + b"x" * 400, pause=0.01) as listener:
        url = f"http://127.0.0.1:{listener.port}"
        with pytest.raises(TimedOut):
            ask(Wire(url, 5), url)


def test_a_server_without_tls_was_never_sent_anything() -> None:
    """https where only http is spoken: the operator must be told, and the bubble waits."""
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as listener:
        url = f"https://127.0.0.1:{listener.port}"
        with pytest.raises(NetworkError) as raised:
            ask(Wire(url, 5), url)

    assert isinstance(raised.value.__cause__, NEVER_SENT)


def test_a_certificate_that_nobody_trusts_ends_it_before_the_request() -> None:
    assert isinstance(_distrusted(SSLError(ssl.SSLCertVerificationError(1, "self-signed"))), Distrusted)
    assert _distrusted(SSLError(ssl.SSLEOFError(8, "cut"))) is None


def test_a_proxy_of_the_environment_is_used_and_its_exceptions_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers behind a company's proxy reach Telegram through it, and what is near without it."""
    with listening(OK) as proxy, listening(OK) as near:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        far, home = "http://api.invalid", f"http://127.0.0.1:{near.port}"

        assert ask(Wire(far, 5), f"{far}/getMe") == (200, b"{}")
        assert ask(Wire(home, 5), f"{home}/getMe") == (200, b"{}")
        assert proxy.asked[0].startswith(b"POST http://api.invalid/getMe ")
        assert len(proxy.asked) == len(near.asked) == 1


def test_a_proxy_that_hangs_up_may_have_passed_the_request_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told as never sent, a bubble that is there would be said once more without being counted."""
    with listening() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        far = "http://api.invalid"
        with pytest.raises(NetworkError) as raised:
            ask(Wire(far, 5), f"{far}/sendMessage")

        assert len(proxy.asked) == 1
        assert not isinstance(raised.value.__cause__, NEVER_SENT)


def test_a_proxy_that_is_away_was_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as left:
        away = left.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{away}")
    with pytest.raises(NetworkError) as raised:
        ask(Wire("http://api.invalid", 5), "http://api.invalid/sendMessage")
    assert isinstance(raised.value.__cause__, NEVER_SENT)


def test_a_proxy_is_told_the_name_and_password_of_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(OK) as proxy:
        monkeypatch.setenv("http_proxy", f"http://shop:p%40ss@127.0.0.1:{proxy.port}")
        far = "http://api.invalid"
        assert ask(Wire(far, 5), f"{far}/getMe") == (200, b"{}")
        assert base64.b64encode(b"shop:p@ss") in proxy.asked[0]


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
def test_a_proxy_may_be_named_for_all_and_without_a_scheme(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(OK) as proxy:
        monkeypatch.setenv(name, f"127.0.0.1:{proxy.port}")
        far = "http://api.invalid"
        assert ask(Wire(far, 5), f"{far}/getMe") == (200, b"{}")


def test_a_proxy_that_is_none_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://me:hidden@127.0.0.1:1")
    with pytest.raises(SettingsError, match="HTTPS_PROXY") as raised:
        Wire("https://api.invalid", 5)
    assert "hidden" not in str(raised.value)


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever answers at that address, it does not take the process's memory."""
    monkeypatch.setattr(_telegram_wire, "ANSWER_MOST", 1000)
    with listening(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000) as listener:
        url = f"http://127.0.0.1:{listener.port}"
        with pytest.raises(NetworkError) as raised:
            ask(Wire(url, 5), url)
        assert isinstance(raised.value.__cause__, _telegram_wire.TooMuch)


def test_whatever_would_wait_for_an_event_loop_is_an_error_at_once() -> None:
    """A later version of the library that suspends must not hang or be taken for sent."""

    async def suspends() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waits"):
        finished(suspends())
