"""The ways in that there must not be: each request refused, nothing kept, nothing parsed, nothing told."""

from __future__ import annotations

import http.client
import io
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.channels import _json
from bot.stores import embedded
from bot.stores.connection import Store
from simulator.forgeries import META_HEADER, META_PATH, TELEGRAM_HEADER, TELEGRAM_PATH, Forgery, forged, sign
from simulator.processes import Processes
from tests.fuzz.receiving import (
    APP_SECRET,
    META_TOKEN,
    NUMBER,
    SECRET,
    TOKEN,
    VERIFY_TOKEN,
    Receiver,
    said,
    update,
    webhook,
)

UPDATE = json.dumps(update("¿mañana? 🎂")).encode()
WEBHOOK = json.dumps(webhook(said("wamid.1", "¿mañana? 🎂"))).encode()
FORGED = {
    "telegram": forged("telegram", UPDATE, secret=SECRET, token=TOKEN),
    "whatsapp": forged(
        "whatsapp", WEBHOOK, secret=APP_SECRET, token=META_TOKEN, verify_token=VERIFY_TOKEN, number=NUMBER
    ),
}
ALL = [one for requests in FORGED.values() for one in requests]
PATHS = {"telegram": TELEGRAM_PATH, "whatsapp": META_PATH}
TELLING = (SECRET, APP_SECRET, VERIFY_TOKEN, TOKEN, META_TOKEN, "1158")


def test_the_list_is_long() -> None:
    assert {name: len(requests) >= 60 for name, requests in FORGED.items()} == {"telegram": True, "whatsapp": True}
    assert len({(one.path, one.name) for one in ALL}) == len(ALL)


@pytest.mark.parametrize("one", ALL, ids=[f"{one.path[9:17]} {one.name}" for one in ALL])
def test_a_forged_request_is_refused_unread(
    receiver: Receiver, store: Store, monkeypatch: pytest.MonkeyPatch, one: Forgery
) -> None:
    """By its status, by an empty Redis, and by JSON that nobody looked at. The answer gives nothing away."""
    parsed: list[str] = []

    def watched(text: str, **options: Any) -> Any:
        parsed.append(text)
        return json.loads(text, **options)

    monkeypatch.setattr(_json, "json", SimpleNamespace(loads=watched, dumps=json.dumps))
    answer = receiver.client.open(one.path, method=one.method, headers=list(one.headers), data=one.body)

    assert answer.status_code in one.statuses
    assert (store.client.dbsize(), parsed) == (0, [])
    assert not [word for word in TELLING if word in answer.text]

    assert receiver.telegram(UPDATE) == 200
    assert len(parsed) == 1


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("telegram", "header missing"),
        ("telegram", "header: wrong"),
        ("telegram", "header: last letter gone"),
        ("whatsapp", "header missing"),
        ("whatsapp", "header: last letter gone"),
        ("whatsapp", "signature: sha1"),
    ],
)
def test_what_the_header_gives_away_is_refused_before_the_body(receiver: Receiver, channel: str, name: str) -> None:
    """Four megabytes from a stranger cost nothing: they are not even taken from the wire."""
    headers = next(one.headers for one in FORGED[channel] if one.name == name)
    stream = Untouched(b"x" * 1000)
    answer = receiver.client.post(PATHS[channel], headers=list(headers), input_stream=stream)

    assert (answer.status_code, stream.reads) == (403, 0)


class Untouched(io.BytesIO):
    """A body that counts who reads it."""

    reads = 0

    def read(self, *size: Any) -> bytes:
        self.reads += 1
        return super().read(*size)


def test_a_method_that_only_asks_changes_nothing(receiver: Receiver, store: Store) -> None:
    """OPTIONS and HEAD may be answered, to anybody, for they do nothing."""
    for path in PATHS.values():
        answer = receiver.client.options(path, data=UPDATE)
        assert (answer.status_code, answer.text, store.client.dbsize()) == (200, "", 0)


# -- over the wire, to the receiver as operators run it -------------------------------------------


@pytest.fixture(scope="module")
def process(redis_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    settings = {
        "REDIS_URL": f"unix://{embedded.socket_path(redis_dir)}",
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "WHATSAPP_TOKEN": META_TOKEN,
        "WHATSAPP_PHONE_NUMBER_ID": NUMBER,
        "WHATSAPP_APP_SECRET": APP_SECRET,
        "WHATSAPP_VERIFY_TOKEN": VERIFY_TOKEN,
    }
    processes = Processes(settings, tmp_path_factory.mktemp("forged"))
    try:
        processes.start("receiver", "bot", "serve")
        processes.wait_ready()
        yield processes
    finally:
        processes.close()


def send(port: int, one: Forgery) -> tuple[int, str]:
    """The request byte by byte as it is written down, which no HTTP client would do; status and text of the answer."""
    headers = [*one.headers, ("Connection", "close")]
    names = {name.lower() for name, _ in headers}
    headers += [("Host", "127.0.0.1")] * ("host" not in names)
    headers += [("Content-Length", str(len(one.body)))] * ("content-length" not in names)
    head = f"{one.method} {one.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        with suppress(OSError):  # a receiver that has heard enough need not hear it all
            link.sendall(head.encode("latin-1", "replace") + b"\r\n" + one.body)
        return _answer(link, one.method)


def _answer(link: socket.socket, method: str = "POST") -> tuple[int, str]:
    answer = http.client.HTTPResponse(link, method=method)
    try:
        answer.begin()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""


def test_over_the_wire_they_are_refused_too(process: Processes, store: Store) -> None:
    """Between the wire and our code there is a server that joins, strips and drops headers; afterwards, what is
    genuine comes in as ever."""
    wrong = []
    for one in ALL:
        status, text = send(process.port, one)
        hung_up = status == 0 and len(one.headers) == 1 and len(one.headers[0][1]) > 100_000
        if not (status in one.statuses or hung_up) or [word for word in TELLING if word in text]:
            wrong.append((one.name, one.path, status, text))

    assert (wrong, store.client.dbsize()) == ([], 0)
    for genuine in (
        Forgery("", UPDATE, ((TELEGRAM_HEADER, SECRET),), path=TELEGRAM_PATH),
        Forgery("", UPDATE, ((TELEGRAM_HEADER.lower(), f"  {SECRET}\t"),), path=f"{TELEGRAM_PATH}?x=1"),
        Forgery("", WEBHOOK, ((META_HEADER, sign(WEBHOOK, APP_SECRET)),), path=META_PATH),
    ):
        assert send(process.port, genuine) == (200, "")
    assert store.client.llen("recado:{telegram:7123456:555}:in") == 1
    assert store.client.llen(f"recado:{{whatsapp:{NUMBER}:34600111222}}:in") == 1


@pytest.mark.parametrize("escaped", [True, False])
def test_the_handshake_and_both_ways_of_writing_pass(receiver: Receiver, escaped: bool) -> None:
    """To refuse everything would be easy; what is genuine passes. Meta signs the bytes as it sends them."""
    body = json.dumps(webhook(said("wamid.1", "¿mañana? 🎂")), ensure_ascii=escaped).encode()
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "<b>1158</b>"}

    assert receiver.whatsapp(body) == 200
    assert receiver.texts() == ["¿mañana? 🎂"]
    answer = receiver.client.get(META_PATH, query_string=query)
    assert (answer.text, answer.mimetype) == ("<b>1158</b>", "text/plain")


def test_a_genuine_body_in_chunks_is_taken_whole_or_refused(process: Processes, store: Store) -> None:
    """Never in part: a message is there once and complete, or the platform hears that it was not taken."""
    half = len(UPDATE) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (UPDATE[:half], UPDATE[half:]))
    headers = f"Host: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{TELEGRAM_HEADER}: {SECRET}\r\n"
    with socket.create_connection(("127.0.0.1", process.port), timeout=20) as link:
        link.sendall(f"POST {TELEGRAM_PATH} HTTP/1.1\r\n{headers}\r\n".encode() + chunks + b"0\r\n\r\n")
        status, _ = _answer(link)
    kept = store.client.llen("recado:{telegram:7123456:555}:in")

    assert (status, kept) in ((200, 1), (411, 0))
