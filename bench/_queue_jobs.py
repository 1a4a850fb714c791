"""The two jobs that every queue runs: ask a model one question, or answer one numbered message and note that.

Each of bench/_queue_*.py runs them with one library: ``work`` is a worker, ``fill`` puts what it reads into the queue,
a job a line. They run in the peers' own environments, so that nothing but redis-py may be imported here.
What they need stands in the environment: REDIS_URL, QUEUE, SLOTS, MODEL_URL, RETURN_SECONDS.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import redis

URL = os.environ.get("REDIS_URL", "")
QUEUE = os.environ.get("QUEUE", "bench")
SLOTS = int(os.environ.get("SLOTS", "1"))
RETURN_SECONDS = int(os.environ.get("RETURN_SECONDS", "60"))
"""Where a library lets one choose: a job whose worker is gone goes back to the others after so long."""
_MODEL = urlsplit(os.environ.get("MODEL_URL", ""))
_PATH = "/api/chat"


def ask(words: str) -> None:
    """One question to the model, and its whole answer."""
    connection = http.client.HTTPConnection(str(_MODEL.hostname), _MODEL.port, timeout=60)
    connection.request("POST", _PATH, _question(words), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200 or not json.loads(answer.read())["message"]:
        raise RuntimeError(f"the model said {answer.status}")
    connection.close()


async def ask_async(words: str) -> None:
    """The same for a loop."""
    body = _question(words)
    head = f"POST {_PATH} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    reader, writer = await asyncio.open_connection(_MODEL.hostname, _MODEL.port)
    writer.write(head.encode() + body)
    status, _, rest = (await reader.read()).partition(b"\r\n")
    writer.close()
    if b" 200 " not in status or not json.loads(rest.partition(b"\r\n\r\n")[2])["message"]:
        raise RuntimeError(f"the model said {status!r}")


def note(conversation: int, number: int, seconds: float) -> None:
    """Answer a conversation's message of that number, which takes so long; what was answered stands in a list."""
    time.sleep(seconds)
    _client().rpush(answered(conversation), number)


async def note_async(conversation: int, number: int, seconds: float) -> None:
    """The same for a loop."""
    await asyncio.sleep(seconds)
    _client().rpush(answered(conversation), number)


def answered(conversation: int) -> str:
    """The list of the numbers that were answered, in the order in which they were."""
    return f"{QUEUE}:answered:{conversation}"


def fill(put: Callable[[str, list[Any]], object]) -> None:
    """Put each line's job, its name and arguments, into the queue; say so when it is there."""
    for line in sys.stdin:
        name, *args = json.loads(line)
        put(name, args)
        print("there", flush=True)


def _question(words: str) -> bytes:
    said = [{"role": "user", "content": words}]
    return json.dumps({"model": "mistral:7b", "messages": said, "stream": False}).encode()


@cache
def _client() -> Any:
    return redis.Redis.from_url(URL)
