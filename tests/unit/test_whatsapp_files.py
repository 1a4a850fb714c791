"""Files on WhatsApp: asked for, then read from Meta's own hosts alone, and checked; uploaded before they are sent."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from bot.channels import _http
from bot.channels._whatsapp_files import is_metas
from bot.channels.whatsapp import WhatsApp
from bot.errors import DeliveryError, Halted, RateLimited, Refused, TooLarge, Undelivered, Unknown
from bot.message import Attachment
from simulator.server import Cut, Server
from tests.channel_server import answer
from tests.unit.test_whatsapp_speaking import ANA, TOKEN, connect, refusal

BYTES = b"OggS" + b"x" * 5000
HASH = base64.b64encode(hashlib.sha256(BYTES).digest()).decode()
VOICE = Attachment("voice", "1234567890", sha256=HASH)


class Graph(Server):
    """The media endpoints: ``told`` of a file, and what its address gives, one a request, the last one for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = [{"url": ""}]
        self.given: list[Any] = [Response(BYTES)]
        self.seen: list[tuple[str, str]] = []
        self.posted: list[Any] = []

    def respond(self, request: Request) -> Response:
        self.seen.append((request.path, request.headers.get("Authorization", "")))
        if request.method == "POST":
            self.posted.append(
                request.get_json() if request.is_json else (request.form.to_dict(), *self._file(request))
            )
        found = _next(self.given if request.path.startswith("/whatsapp_business") else self.told)
        if isinstance(found, dict):
            found = answer({"url": f"{self.url}/whatsapp_business/attachments/?mid=1", "id": "1", **_filled(found)})
        if isinstance(found, Response):
            return found
        raise found

    def _file(self, request: Request) -> tuple[str, str, bytes]:
        with closing(request.files["file"]) as file:
            return file.filename or "", file.mimetype, file.read()


def _next(script: list[Any]) -> Any:
    return script.pop(0) if len(script) > 1 else script[0]


def _filled(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value != ""}


@pytest.fixture
def graph() -> Iterator[Graph]:
    with Graph() as server:
        yield server


@pytest.fixture
def channel(graph: Graph) -> Iterator[WhatsApp]:
    channel = connect(graph.url)
    yield channel
    channel.close()


def test_a_file_is_asked_for_by_its_id_and_then_read_with_the_same_token(channel: WhatsApp, graph: Graph) -> None:
    assert channel.fetch(ANA, VOICE, 10_000) == BYTES
    assert graph.seen == [
        ("/1234567890", f"Bearer {TOKEN}"),
        ("/whatsapp_business/attachments/", f"Bearer {TOKEN}"),
    ]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("", {"sha256": HASH}),
        ("", {"sha256": hashlib.sha256(BYTES).hexdigest()}),
        ("", {}),
        (HASH, {"sha256": "other"}),
    ],
)
def test_a_file_is_what_the_webhook_or_else_meta_says(
    channel: WhatsApp, graph: Graph, sent: str, told: dict[str, Any]
) -> None:
    graph.told = [told]
    assert channel.fetch(ANA, Attachment("voice", "1", sha256=sent), 10_000) == BYTES


@pytest.mark.parametrize("wrong", ["AAAA", HASH[:-4], "é", "0" * 64])
def test_a_file_with_other_bytes_is_asked_for_anew_once(channel: WhatsApp, graph: Graph, wrong: str) -> None:
    for sent, told in ((wrong, {}), ("", {"sha256": wrong})):
        graph.told = [told]
        with pytest.raises(Refused, match="other bytes"):
            channel.fetch(ANA, Attachment("voice", "1", sha256=sent), 10_000)
    assert len(graph.seen) == 8
    graph.given = [Response(b"half"), Response(BYTES)]
    graph.told = [{}]
    assert channel.fetch(ANA, VOICE, 10_000) == BYTES


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_address_whose_time_is_over_is_asked_for_anew_once(channel: WhatsApp, graph: Graph, status: int) -> None:
    graph.given = [Response("gone", status), Response(BYTES)]
    assert channel.fetch(ANA, VOICE, 10_000) == BYTES
    assert len(graph.seen) == 4
    graph.given = [Response("gone", status)]
    with pytest.raises(Refused, match=str(status)):
        channel.fetch(ANA, VOICE, 10_000)
    assert len(graph.seen) == 8


@pytest.mark.parametrize(
    ("told", "given", "meaning"),
    [
        (refusal(400, 100, "does not exist"), None, Refused),
        (refusal(404, 100), None, Refused),
        (refusal(401, 190), None, Halted),
        (refusal(429, 130429), None, RateLimited),
        (refusal(500, 131000), None, Undelivered),
        (answer("x", 502), None, Unknown),
        (Cut, None, Unknown),
        (None, Cut, Undelivered),
        (None, Response("busy", 429), RateLimited),
        (None, Response("broken", 500), Undelivered),
        (None, Response("", 302, {"Location": "/whatsapp_business/attachments/"}), Refused),
        ({"file_size": 20_000}, None, TooLarge),
        (None, Response(b"x" * 20_000), TooLarge),
        (None, Response((b"x" * 1000 for _ in range(20)), direct_passthrough=True), TooLarge),
    ],
    ids=str,
)
def test_every_answer_has_one_meaning(
    channel: WhatsApp, graph: Graph, told: Any, given: Any, meaning: type[DeliveryError]
) -> None:
    """None names an address or the token, and a redirection is never followed."""
    graph.told, graph.given = [told or {}], [given or Response(BYTES)]
    with pytest.raises(meaning) as raised:
        channel.fetch(ANA, VOICE, 10_000)
    assert type(raised.value) is meaning
    assert TOKEN not in str(raised.value)
    assert graph.url not in str(raised.value)


def test_a_file_that_says_it_is_too_large_is_not_asked_for(channel: WhatsApp, graph: Graph) -> None:
    with pytest.raises(TooLarge):
        channel.fetch(ANA, Attachment("document", "1", size=30_000), 10_000)
    assert graph.seen == []


@pytest.mark.parametrize("media", ["", "../106540352242922", "1?fields=x", "1/2", "ñ", "1" * 300])
def test_what_is_no_id_of_metas_is_not_asked_for(channel: WhatsApp, graph: Graph, media: str) -> None:
    with pytest.raises(Refused):
        channel.fetch(ANA, Attachment("image", media), 10_000)
    assert graph.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "https://lookaside.fbsbx.com.evil.example/x", "https://evil.example/?https://lookaside.fbsbx.com",
        "https://a@evil.example/lookaside.fbsbx.com", "https://me:you@lookaside.fbsbx.com/x", "https://fbcdn.net@evil/x",
        "http://lookaside.fbsbx.com/x", "https://lookaside.fbsbx.com:8443/x", "https://xfbcdn.net/x", "https://127.0.0.1/x",
        "http://169.254.169.254/latest", "file:///etc/passwd", "https://[::1/x", "https://lookaside.fbsbx.com:x/", "",
        "x", "https:///x", "ftp://scontent.fbcdn.net/x", "https://whatsapp.net.evil.example/",
    ],
)  # fmt: skip
def test_the_token_is_shown_to_no_host_but_metas(channel: WhatsApp, graph: Graph, url: str) -> None:
    graph.told = [{"url": url or "?"}]
    with pytest.raises(Refused, match="not Meta's own"):
        channel.fetch(ANA, VOICE, 10_000)
    assert len(graph.seen) == 1


@pytest.mark.parametrize(
    "url",
    ["https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", "https://scontent-mad1-1.xx.fbcdn.net/v/1",
     "https://mmg.whatsapp.net/v/1", "https://graph.facebook.com/1", "https://LOOKASIDE.fbsbx.com:443/1"],
)  # fmt: skip
def test_metas_own_hosts_are_known(url: str) -> None:
    assert is_metas(url, "https://graph.facebook.com/v26.0")


def test_a_file_that_trickles_for_ever_is_given_up(
    channel: WhatsApp, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "FETCH_SECONDS", -1.0)
    with pytest.raises(Undelivered, match="did not come"):
        channel.fetch(ANA, VOICE, 10_000)
