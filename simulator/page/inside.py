"""What the product's Redis holds of the demo's conversations and workers. Only raw keys are known here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import redis

Stage = Literal["rest", "waiting", "listening", "thinking", "speaking"]

DUE: Final = "recado:due"
LISTENING: Final = "recado:listening"
CARD: Final = "recado:worker:"
RUNNING: Final = "rq:wip:recado"
TIMEOUT_SECONDS: Final = 2.0


class Standing(NamedTuple):
    """Where a conversation is: its stage, how many messages wait in its mailbox and how many are being answered, for
    how many seconds its lease holds, and whose it is (a pid; 0: nobody's, or nobody knows)."""

    stage: Stage
    waiting: int = 0
    thinking: int = 0
    lease: float = 0.0
    holder: int = 0


class Inside:
    """Looks into Redis. Every method raises redis.RedisError."""

    def __init__(self, socket: Path, conversations: Iterable[str]) -> None:
        self._client = redis.Redis(unix_socket_path=str(socket), socket_timeout=TIMEOUT_SECONDS)
        self._conversations = tuple(conversations)

    def standings(self) -> dict[str, Standing]:
        """Where each conversation is now."""
        pipe = self._client.pipeline()
        for one in self._conversations:
            for part in ("in", "wip", "out"):
                pipe.llen(f"recado:{{{one}}}:{part}")
            pipe.pttl(f"recado:{{{one}}}:lease")
            pipe.zscore(LISTENING, one)
        pipe.time()
        *found, (seconds, micros) = pipe.execute()
        now, holders = seconds * 1000 + micros / 1000, self.holders()
        each = [found[5 * place : 5 * place + 5] for place in range(len(self._conversations))]
        return {
            one: _standing(counts, now, holders.get(one, 0))
            for one, counts in zip(self._conversations, each, strict=True)
        }

    def holders(self) -> dict[str, int]:
        """Whose pid runs the turn of a conversation, by RQ's books (RQ 3: rq/executions.py); who was killed stands
        there until RQ strikes them off."""
        found: dict[str, int] = {}
        for execution in self._ask("ZRANGE", RUNNING, 0, -1):
            job, _, _ = execution.decode().partition(":")
            worker, data = self._ask("HGET", f"rq:execution:{execution.decode()}", "worker_name"), self._data(job)
            pid = self._ask("HGET", f"rq:worker:{worker.decode()}", "pid") if worker else None
            if pid and data:
                found[data] = int(pid)
        return found

    def cards(self) -> dict[int, Mapping[str, Any]]:
        """What each worker tells of itself, by its pid."""
        names = [name.decode() for name in self._client.scan_iter(f"{CARD}*", count=1000)]
        cards = [json.loads(card) for card in self._ask("MGET", *names) if card] if names else []
        return {int(card["pid"]): card for card in cards}

    def due(self) -> int:
        """In how many conversations something is still to be done."""
        return int(self._ask("ZCARD", DUE))

    def history(self, conversation: str, records: int) -> list[tuple[str, str]]:
        """The newest of what is remembered of a conversation, oldest first: who said it (user, assistant), and what."""
        found = self._ask("LRANGE", f"recado:{{{conversation}}}:history", -records, -1)
        return [(turn["r"], turn["t"]) for turn in map(json.loads, found)]

    def close(self) -> None:
        self._client.close()

    def _data(self, job: str) -> str:
        """The conversation of a wake-up; empty when it is none of ours."""
        try:
            _, _, [conversation], _ = json.loads(self._ask("HGET", f"rq:job:{job}", "data") or b"")
        except (ValueError, TypeError):
            return ""
        return str(conversation)

    def _ask(self, *words: str | int) -> Any:
        return self._client.execute_command(*words)  # type: ignore[no-untyped-call]


def _standing(counts: list[Any], now: float, holder: int) -> Standing:
    waiting, thinking, replies, lease_ms, quiet_at = counts
    lease = max(0, lease_ms) / 1000
    if replies:
        stage: Stage = "speaking"
    elif thinking:
        stage = "thinking" if lease else "waiting"
    elif waiting:
        stage = "listening" if quiet_at is not None and quiet_at > now else "waiting"
    else:
        stage = "rest"
    return Standing(stage, waiting, thinking, lease, holder if lease else 0)
