"""The receiver in its real server: slow, silent and malformed clients keep nobody waiting."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Installation, installation


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A receiver alone, for all of these tests."""
    one = installation(tmp_path_factory.mktemp("receiver") / "installation")
    try:
        one.start("receiver")
        yield one
    finally:
        one.close()


@pytest.fixture
def crowd(receiver: Installation) -> Iterator[None]:
    """64 half requests, 64 slow bodies and 300 clients who say nothing, held open."""
    head = b"POST /webhook/telegram HTTP/1.1\r\nHost: x\r\n"
    openings = [head] * 64 + [head + b"Content-Length: 1000\r\n\r\n{"] * 64 + [b""] * 300
    with ExitStack() as held:
        for opening in openings:
            one = held.enter_context(socket.create_connection(("127.0.0.1", receiver.processes.port)))
            one.sendall(opening)
        yield


def ask(one: Installation, request: bytes) -> int:
    """The status of the answer to a raw request."""
    with socket.create_connection(("127.0.0.1", one.processes.port), timeout=10) as link:
        link.sendall(request)
        return int(link.recv(4096).split(b" ")[1])


def post(one: Installation, headers: str, body: bytes) -> int:
    path = urlsplit(one.telegram.webhook_url).path
    secret = f"X-Telegram-Bot-Api-Secret-Token: {one.telegram.webhook_secret}\r\n"
    return ask(one, f"POST {path} HTTP/1.1\r\nHost: x\r\n{secret}{headers}\r\n".encode() + body)


@pytest.mark.usefixtures("crowd")
def test_nobody_waits_for_the_slow_and_the_silent(receiver: Installation) -> None:
    """Twenty updates are acknowledged while all of them hang on the line, which they may for 15 s."""
    took = []
    for number in range(20):
        started = time.monotonic()
        assert receiver.telegram.deliver(receiver.telegram.update(number + 1, "hola")) == 200
        took.append(time.monotonic() - started)
    assert max(took) < 5


def test_a_chunked_body_that_is_too_long_is_refused_whole(receiver: Installation) -> None:
    """Never cut at the limit and accepted."""
    before = sorted(receiver.store.client.keys())
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    assert post(receiver, "Transfer-Encoding: chunked\r\n", chunk * 17 + b"0\r\n\r\n") == 413
    assert sorted(receiver.store.client.keys()) == before


def test_a_body_without_a_length_is_refused(receiver: Installation) -> None:
    assert post(receiver, "", b"") == 411


@pytest.mark.parametrize("headers", ["Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n"])
def test_broken_framing_is_refused(receiver: Installation, headers: str) -> None:
    """Chunk sizes that are none, and encodings that nobody speaks."""
    assert post(receiver, headers, b"zz\r\nnonsense\r\n0\r\n\r\n") in {400, 501}


def test_a_forged_request_with_a_huge_body_is_refused(receiver: Installation) -> None:
    request = b"POST /webhook/telegram HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
    assert ask(receiver, request + b"x" * 1000) in {403, 413}


def test_a_small_limit_of_open_files_is_raised(install: Callable[..., Installation]) -> None:
    """Many systems start a process with 1024 files or fewer; the receiver takes what it needs, if it may."""
    one, (before, hard) = install(), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        one.start("receiver")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))
    allowed, _ = resource.prlimit(one.processes.running["receiver"].pid, resource.RLIMIT_NOFILE)
    assert allowed == (9256 if hard == resource.RLIM_INFINITY else min(9256, hard))
