"""How the benches of receivers post: raw HTTP over connections that stay open, as a platform's do."""

from __future__ import annotations

import asyncio
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterable, Mapping, Sequence

CONNECTIONS = 16


def request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()] + [f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def post(reader: StreamReader, writer: StreamWriter, sent: bytes) -> None:
    """Ends the bench where the answer is no 200."""
    writer.write(sent)
    answer = await reader.readuntil(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"not acknowledged: {answer!r}")
    length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    await reader.readexactly(length)


async def load(port: int, requests: Iterable[bytes], connections: int = CONNECTIONS) -> list[float]:
    """Post them over connections that never pause; seconds until each was acknowledged."""
    waiting, took = iter(requests), []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for sent in waiting:
            started = time.perf_counter()
            await post(reader, writer, sent)
            took.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(connection() for _ in range(connections)))
    return took


async def within(port: int, requests: Sequence[bytes], seconds: float, connections: int = CONNECTIONS) -> list[float]:
    """Post them evenly in so many ``seconds``; each one's delay counts from the moment at which it was due."""
    due = iter(enumerate(requests))
    took: list[float] = []
    began = time.perf_counter() + 0.1

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, sent in due:
            at = began + seconds * number / len(requests)
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            await post(reader, writer, sent)
            took.append(time.perf_counter() - at)
        writer.close()

    await asyncio.gather(*(connection() for _ in range(connections)))
    return took


async def at_once(port: int, requests: Sequence[bytes]) -> list[float]:
    """Post them all at the same instant, over a connection each; its opening counts."""
    began = time.perf_counter()

    async def one(sent: bytes) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await post(reader, writer, sent)
        writer.close()
        return time.perf_counter() - began

    return await asyncio.gather(*(one(sent) for sent in requests))
