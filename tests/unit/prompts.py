"""Whoever asks a simulated model server, in short."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from simulator.models import ModelServer

NATIVE, OPENAI = "/api/chat", "/v1/chat/completions"
both_wires = pytest.mark.parametrize("path", [NATIVE, OPENAI])


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(threads=24) as server:
        yield server


def body(*said: str, stream: bool = True) -> dict[str, Any]:
    """A prompt of which the last is the person's, with instructions and the turns before."""
    roles = ["user" if (len(said) - number) % 2 else "assistant" for number in range(len(said))]
    turns = [{"role": role, "content": text} for role, text in zip(roles, said, strict=True)]
    return {"model": "mistral:7b", "messages": [{"role": "system", "content": "be kind"}, *turns], "stream": stream}


def ask(server: ModelServer, *said: str, path: str = NATIVE, timeout: float = 10) -> httpx.Response:
    return httpx.post(server.url + path, json=body(*said), timeout=timeout)


def fails(server: ModelServer, *said: str, path: str = NATIVE, timeout: float = 10) -> bool:
    with suppress(httpx.HTTPError):
        return ask(server, *said, path=path, timeout=timeout).status_code != 200
    return True


def outcomes(server: ModelServer) -> list[str]:
    return [asked.outcome for asked in server.requests]


def arrived(server: ModelServer, number: int) -> bool:
    return server.wait_until(lambda: len(server.requests) >= number)
