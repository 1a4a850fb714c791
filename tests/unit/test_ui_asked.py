"""What Gradio's queue is asked, whatever a browser sends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from workers.ui.asked import Asked, asked
from workers.ui.outside import App, Receive, Scope, Send, answer, whole

PLAIN = {"data": ["hola"], "event_data": None, "fn_index": 1, "session_hash": "a1b2c3", "trigger_id": 16}
FILE = {"path": "http://outside.example/x", "meta": {"_type": "gradio.FileData"}}
"""What Gradio takes for a file, and fetches."""


class Behind:
    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append((dict(scope["headers"])[b"content-length"], await whole(receive)))
        await answer(send, 200, "behind")


def post(app: App, path: str, content: bytes) -> int:
    async def once() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
            return (await client.post(path, content=content)).status_code

    return asyncio.run(once())


def test_what_the_page_asks_comes_through_as_it_is() -> None:
    assert json.loads(asked(json.dumps(PLAIN).encode())) == PLAIN


def test_an_example_that_is_chosen_comes_through_as_its_words() -> None:
    chosen = {"index": 1, "value": {"text": "¿Abren hoy?", "files": [FILE]}}

    assert json.loads(asked(json.dumps(PLAIN | {"event_data": chosen}).encode()))["event_data"] == {
        "index": 0,
        "value": {"text": "¿Abren hoy?"},
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"data": [FILE]}, {"data": [[FILE]]}, {"data": [None]}, {"data": "hola"}, {"data": ["a"] * 9}, {"data": None},
        {"session_hash": ""}, {"session_hash": None}, {"session_hash": "a/../b"}, {"session_hash": "a" * 99},
        {"fn_index": "1"}, {"fn_index": None}, {"fn_index": True}, {"trigger_id": [FILE]},
    ],
)  # fmt: skip
def test_what_the_page_would_not_ask_is_turned_away(changed: dict[str, Any]) -> None:
    behind = Behind()

    assert post(Asked(behind), "/es/gradio_api/queue/join", json.dumps(PLAIN | changed).encode()) == 400
    assert behind.asked == []


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"[" * 200_000, b'{"data":' * 100_000, b"\xff\xfe"])
def test_what_is_no_question_is_turned_away(body: bytes) -> None:
    assert post(Asked(Behind()), "/en/gradio_api/queue/join", body) == 400


def test_nothing_else_comes_along() -> None:
    behind = Behind()
    more = PLAIN | {"request": FILE, "batched": True, "event_data": FILE}

    assert post(Asked(behind), "/en/gradio_api/queue/join", json.dumps(more).encode()) == 200
    [(length, body)] = behind.asked
    assert json.loads(body) == PLAIN
    assert int(length) == len(body)
