"""Durability for a peer's receiver: the product's own script with its own arguments, by the peer's Redis client.

BENCH in the environment says how, as bench/_contest.py wrote it.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

BENCH: dict[str, Any] = json.loads(os.environ["BENCH"])


class Durable:
    """Keeps messages where Recado would keep them."""

    def __init__(self) -> None:
        self._redis = Redis(unix_socket_path=BENCH["socket"])

    async def keep(self, chat: int, update: int, text: str, raw: str) -> None:
        """One message; it is durable when this returns."""
        record = json.dumps({"id": str(update), "text": text, "sent_at": 0}, separators=(",", ":"))
        seen = hashlib.blake2b(str(update).encode(), digest_size=12).hexdigest()
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        bell, _, *given = BENCH["given"]
        message = (f"recado:seen:7123456:{seen}", f"telegram:7123456:{chat}", "", "m", "", 0, f"{record}\n{raw}", "")
        arguments = [len(BENCH["keys"]), *BENCH["keys"], bell, now, *given, *message]
        try:
            await self._redis.evalsha(BENCH["sha"], *arguments)
        except NoScriptError:
            await self._redis.eval(BENCH["source"], *arguments)

    async def close(self) -> None:
        await self._redis.aclose()
