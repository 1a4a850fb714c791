"""What the product's Redis holds, told to a ledger. Only the form of the stored values is known here."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final

import redis

from simulator.ledger import Ledger
from simulator.ledger.judge import DEAD

MOVING: Final = "telegram:"
"""Where a conversation's key may bear its newer name: that of a topic in a group that became a supergroup."""
PREFIX: Final = "recado:"
DUE: Final = "recado:due"
UNANSWERED: Final = "recado:waiting"
ALIAS: Final = "recado:alias"
QUEUE: Final = "rq:queue:recado"
RUNNING: Final = "rq:wip:recado"
PARKED: Final = "parked"
_PART: Final = re.compile(r"recado:\{(.+)\}:(\w+)")
_WAITING: Final = ("in", "wip", "out", "lease")


def read_redis(client: redis.Redis, ledger: Ledger) -> None:
    """Tell ``ledger`` each conversation's history, what is explained in it, and all that is not empty.

    To be read when nothing moves any more, for it takes more than one command. Raises redis.RedisError.
    """
    aliases = {new.decode(): old.decode() for new, old in _ask(client, "HGETALL", ALIAS).items()}
    first = {chat_of(new): chat_of(old) for new, old in aliases.items() if new.startswith(MOVING)}
    first |= _strangers(aliases.values()) | ledger.names

    def chat(conversation: str) -> str:
        name = chat_of(conversation, ledger.further)
        return first.get(name, name)

    parked = _parked(client, ledger, chat)
    ledger.rest(_conversations(client, ledger, chat, parked), _shared(client, parked))
    for conversation in _members(client, DUE):
        if conversation not in parked:
            ledger.due(chat(conversation))
    ledger.complete()


def chat_of(conversation: str, further: Collection[str] = ()) -> str:
    """The name of a chat: ``telegram:555`` for ``telegram:7123:555``, and for each thread in it.

    With a ``further`` account of the business it bears that too: ``whatsapp:1065/34600``.
    """
    channel, account, chat, *_ = conversation.split(":")
    return f"{channel}:{account}/{chat}" if account in further else f"{channel}:{chat}"


def _strangers(names: Iterable[str]) -> dict[str, str]:
    """Whoever has a number that was somebody else's: the first stranger is ``34600~1`` to the platform."""
    found: dict[str, list[tuple[int, str]]] = {}
    for name in set(names):
        before, mark, since = name.rpartition("~")
        if mark and since.isdecimal():
            found.setdefault(before, []).append((int(since), name))
    return {
        chat_of(name): f"{chat_of(before)}~{place}"
        for before, each in found.items()
        for place, (_, name) in enumerate(sorted(each), 1)
    }


def _parked(client: redis.Redis, ledger: Ledger, chat_of: Callable[[str], str]) -> set[str]:
    """The conversations whose answers wait until the person writes again; nothing is to be done there until then."""
    found = set()
    for name in _names(client, "recado:{*}:out"):
        state = f"{name.removesuffix('out')}state"
        if (part := _PART.fullmatch(name)) and _ask(client, "HGET", state, PARKED):
            found.add(part[1])
            for reply in _list(client, name):
                ledger.explain(chat_of(part[1]), reply.decode().replace(r"\n", "\n"), PARKED)
    return found


def _conversations(
    client: redis.Redis, ledger: Ledger, chat_of: Callable[[str], str], parked: Collection[str]
) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for name in _names(client, "recado:{*"):
        if (found := _PART.fullmatch(name)) is None:
            continue
        chat, part = chat_of(found[1]), found[2]
        if part == "out" and found[1] in parked:
            continue
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


def _shared(client: redis.Redis, parked: Collection[str]) -> dict[str, int]:
    """The lines that all conversations share. A place or a wake-up whose worker is gone ends by itself."""
    seconds, micros = client.time()
    now_ms = int(seconds) * 1000 + int(micros) // 1000
    due = sum(conversation not in parked for conversation in _members(client, DUE))
    sizes = {DUE: due, QUEUE: _ask(client, "LLEN", QUEUE), RUNNING: _running(client)}
    sizes[UNANSWERED] = _ask(client, "ZCARD", UNANSWERED)
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
