"""Files that people sent: from Telegram's own address, never too large, and never with a word about the token."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Response

from bot.channels import _http
from bot.channels.telegram import Telegram
from bot.errors import DeliveryError, RateLimited, Refused, TooLarge, Undelivered
from bot.message import Attachment
from simulator.server import Cut
from tests.channel_server import ScriptedPlatform, answer
from tests.unit.test_telegram_speaking import TOKEN, connect, refusal

CHAT = "telegram:7123:555"
PHOTO = Attachment("photo", "AgAC-1")
BYTES = b"\xff\xd8\xff" + b"x" * 5000


def file(path: str = "photos/file_1.jpg", size: int = 0) -> Response:
    """The answer of getFile."""
    more = {"file_size": size} if size else {}
    return answer({"ok": True, "result": {"file_id": "AgAC-1", "file_unique_id": "u", "file_path": path} | more})


@pytest.fixture
def platform() -> Iterator[ScriptedPlatform]:
    with ScriptedPlatform(Response(BYTES, content_type="image/jpeg")) as server:
        server.script = [file()]
        yield server


@pytest.fixture
def channel(platform: ScriptedPlatform) -> Iterator[Telegram]:
    channel = connect(platform.url)
    yield channel
    channel.close()


def test_a_file_is_asked_for_by_its_id_and_read_from_the_bot_api(channel: Telegram, platform: ScriptedPlatform) -> None:
    assert channel.fetch(CHAT, PHOTO, 10_000) == BYTES
    assert platform.paths == [f"/bot{TOKEN}/getFile", f"/file/bot{TOKEN}/photos/file_1.jpg"]
    assert platform.asked[0]["file_id"] == "AgAC-1"


def test_a_file_that_says_it_is_too_large_is_not_asked_for(channel: Telegram, platform: ScriptedPlatform) -> None:
    with pytest.raises(TooLarge):
        channel.fetch(CHAT, Attachment("document", "BQAC-1", size=30 << 20), 20 << 20)
    assert platform.paths == []


@pytest.mark.parametrize(
    "script",
    [
        [file(size=30_000)],
        [refusal(400, "Bad Request: file is too big")],
        [file(), Response(iter([b"x" * 2000] * 100), content_type="image/jpeg")],
        [file(), Response(b"x" * 30_000, content_type="image/jpeg")],
    ],
    ids=["getFile's size", "Telegram's own limit", "more comes than was said", "the length of the answer"],
)
def test_what_turns_out_too_large_is_given_up(channel: Telegram, platform: ScriptedPlatform, script: list[Any]) -> None:
    platform.script = script

    with pytest.raises(TooLarge):
        channel.fetch(CHAT, PHOTO, 10_000)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ([refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")], Refused),
        ([file(), Response("gone", 404)], Refused),
        ([file(), Response("busy", 502)], Undelivered),
        ([file(), Response("wait", 429)], RateLimited),
        ([file(), Cut], Undelivered),
        ([refusal(429, "Too Many Requests: retry after 7", retry_after=7)], RateLimited),
        ([answer({"ok": True, "result": {"file_id": "AgAC-1", "file_unique_id": "u"}})], Refused),
    ],
    ids=["no such file", "gone", "bad gateway", "asked too much", "cut", "getFile too much", "no path"],
)
def test_each_failure_says_whether_it_is_for_good(
    channel: Telegram, platform: ScriptedPlatform, script: list[Any], error: type[DeliveryError],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """And neither error nor log names the token, which stands in each address."""
    caplog.set_level(logging.DEBUG)
    platform.script = script

    with pytest.raises(error) as raised:
        channel.fetch(CHAT, PHOTO, 10_000)
    assert type(raised.value) is error
    assert TOKEN not in str(raised.value)
    ours = [record.getMessage() for record in caplog.records if record.name != "waitress"]  # the fake server's own
    assert [line for line in ours if TOKEN in line] == []


def test_no_redirect_is_followed(channel: Telegram, platform: ScriptedPlatform) -> None:
    platform.script = [file(), Response("", 302, {"Location": f"{platform.url}/somewhere/else"})]

    with pytest.raises(Refused):
        channel.fetch(CHAT, PHOTO, 10_000)
    assert [path for path in platform.paths if "somewhere" in path] == []


@pytest.mark.parametrize(
    "path", ["../../secret", "https://attacker.test/x", "photos/..%2f..", "a b", "x?y=1", "/etc/hosts"]
)
def test_a_path_that_is_none_of_the_bot_apis_is_not_followed(
    channel: Telegram, platform: ScriptedPlatform, path: str
) -> None:
    """A server that runs with --local names files on its own disk; ours are not read either."""
    platform.script = [file(path)]

    with pytest.raises(Refused):
        channel.fetch(CHAT, PHOTO, 10_000)
    assert len(platform.paths) == 1


def test_a_file_that_trickles_is_given_up_in_the_end(
    channel: Telegram, platform: ScriptedPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "FETCH_SECONDS", 0.0)

    with pytest.raises(Undelivered):
        channel.fetch(CHAT, PHOTO, 10_000)


def test_after_its_end_a_channel_fetches_as_before(channel: Telegram, platform: ScriptedPlatform) -> None:
    """Closing gives back connections; whoever asks again opens new ones."""
    channel.fetch(CHAT, PHOTO, 10_000)
    channel.close()
    platform.script = [file()]

    assert channel.fetch(CHAT, PHOTO, 10_000) == BYTES
