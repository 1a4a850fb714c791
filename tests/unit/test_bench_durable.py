"""The peers of the receivers' benches do the product's own work, and no less."""

from __future__ import annotations

import asyncio
import importlib
import json
import runpy
import secrets
import sys
from pathlib import Path

import pytest

from bot.stores import embedded
from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from bot.stores.taken import Think

BENCH = Path(__file__).parents[2] / "bench"
SETTINGS = {"TELEGRAM_BOT_TOKEN": "7123456:" + "a" * 35, "TELEGRAM_WEBHOOK_SECRET": secrets.token_hex(32)}
RAW = '{"update_id":5}'


def test_what_a_peer_keeps_is_taken_as_a_message_once(
    store: Store, mailbox: Mailbox, redis_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same script, arguments and form: a worker would answer it, and a second delivery is dropped."""
    monkeypatch.syspath_prepend(str(BENCH))
    told = importlib.import_module("_contest").accept_by("telegram", SETTINGS)
    monkeypatch.setenv("BENCH", json.dumps(told | {"socket": str(embedded.socket_path(redis_dir))}))
    durable = runpy.run_path(str(BENCH / "peers" / "_durable.py"))["Durable"]

    async def twice() -> None:
        kept = durable()
        for _ in range(2):
            await kept.keep(34611, 5, "¿Hay pan?", RAW)
        await kept.close()

    asyncio.run(twice())
    task = mailbox.take("telegram:7123456:34611", "token")

    assert isinstance(task, Think)
    assert [(one.id, one.text, one.raw) for one in task.batch.messages] == [("5", "¿Hay pan?", RAW)]
    assert store.client.llen("rq:queue:recado") == 1


def test_cpu_is_counted_for_another_process_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    contest = importlib.import_module("_contest")
    busy = [sys.executable, "-c", "while True: pass"]
    with importlib.import_module("_installation").started(busy) as process:
        before = contest.cpu_seconds(process.pid)
        while contest.cpu_seconds(process.pid) == before:
            assert process.poll() is None
        assert contest.cpu_seconds(process.pid) > before

    with pytest.raises(ProcessLookupError):
        contest.cpu_seconds(process.pid)
