"""What the product's Redis holds, told to a ledger. Only the form of the stored values is known here."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import redis

from simulator.ledger import Ledger
from simulator.ledger.judge import DEAD

PREFIX: Final = "recado:"
DUE: Final = "recado:due"
ALIAS: Final = "recado:alias"
QUEUE: Final = "rq:queue:recado"
RUNNING: Final = "rq:wip:recado"
_PART: Final = re.compile(r"recado:\{(.+)\}:(\w+)")
_WAITING: Final = ("in", "wip", "out", "lease")


def read_redis(client: redis.Redis, ledger: Ledger) -> None:
    """Tell ``ledger`` each conversation's history, what is explained in it, and all that is not empty.

    To be read when nothing moves any more, for it takes more than one command. Raises redis.RedisError.
    """
    first = {chat_of(new.decode()): chat_of(old.decode()) for new, old in _ask(client, "HGETALL", ALIAS).items()}

    def chat(conversation: str) -> str:
        name = chat_of(conversation)
        return first.get(name, name)

    ledger.rest(_conversations(client, ledger, chat), _shared(client))
    for conversation in _members(client, DUE):
        ledger.due(chat(conversation))
    ledger.complete()


def chat_of(conversation: str) -> str:
    """The name of a chat: ``telegram:555`` for ``telegram:7123:555``, and for each thread in it."""
    channel, _account, chat, *_ = conversation.split(":")
    return f"{channel}:{chat}"


def _conversations(client: redis.Redis, ledger: Ledger, chat_of: Callable[[str], str]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for name in _names(client, "recado:{*"):
        if (found := _PART.fullmatch(name)) is None:
            continue
        chat, part = chat_of(found[1]), found[2]
        if part in _WAITING:
            sizes[name] = 1 if part == "lease" else _ask(client, "LLEN", name)
            ledger.due(chat)
        elif part == "history":
            _history(ledger, chat, _list(client, name))
        elif part == DEAD:
            for entry in _list(client, name):
                ledger.explain(chat, _dead_text(entry), DEAD)
    return sizes


def _history(ledger: Ledger, chat: str, records: list[bytes]) -> None:
    turns = [json.loads(record) for record in records]
    ledger.history(chat, [(turn["r"], turn["t"]) for turn in turns])
    for turn in turns:
        if reason := turn.get("h"):
            ledger.explain(chat, turn["t"], reason)


def _dead_text(entry: bytes) -> str:
    """The words of a dead letter: ``1|number|at_ms|kind|`` and JSON, below it the platform's own."""
    line = entry.split(b"|", 4)[4].partition(b"\n")[0]
    return str(json.loads(line)["text"])


def _shared(client: redis.Redis) -> dict[str, int]:
    """The lines that all conversations share. A place or a wake-up whose worker is gone ends by itself."""
    seconds, micros = client.time()
    now_ms = int(seconds) * 1000 + int(micros) // 1000
    sizes = {DUE: _ask(client, "ZCARD", DUE), QUEUE: _ask(client, "LLEN", QUEUE), RUNNING: _running(client)}
    for name in _names(client, "recado:places:*"):
        sizes[name] = _ask(client, "ZCOUNT", name, f"({now_ms}", "+inf")
    for name in _names(client, "recado:line:*"):
        if not name.endswith(":state"):
            sizes[name] = _ask(client, "ZCARD", name)
    return sizes


def _running(client: redis.Redis) -> int:
    """How many wake-ups a living worker has on RQ's books (RQ 3: rq/executions.py, rq/worker/base.py)."""
    workers = [_ask(client, "HGET", f"rq:execution:{one}", "worker_name") for one in _members(client, RUNNING)]
    pids = [_ask(client, "HGET", f"rq:worker:{name.decode()}", "pid") for name in workers if name]
    return sum(_lives(int(pid)) for pid in pids if pid)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _names(client: redis.Redis, pattern: str) -> Iterator[str]:
    """Every key of that form, once."""
    yield from {name.decode() for name in client.scan_iter(pattern, count=1000)}


def _list(client: redis.Redis, name: str) -> list[bytes]:
    found: list[bytes] = _ask(client, "LRANGE", name, 0, -1)
    return found


def _members(client: redis.Redis, name: str) -> list[str]:
    return [member.decode() for member in _ask(client, "ZRANGE", name, 0, -1)]


def _ask(client: redis.Redis, *words: str | int) -> Any:
    return client.execute_command(*words)  # type: ignore[no-untyped-call]
