"""A mailbox's nouns in short, for the tests of the stores."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from bot.message import Message, Piece, Reply
from bot.stores import bell
from bot.stores.connection import DUE, Store, key
from bot.stores.mailbox import Mailbox, Think
from bot.stores.outbox import Outbox

ANA = "fake:7:1"
BEA = "fake:7:2"
HOURS = 3_600_000
DAY = 24 * HOURS
"""In Redis' milliseconds."""


def until(true: Callable[[], object], seconds: float = 15) -> None:
    """Wait until something is so; a failure when it is not in time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def said(number: int, text: str = "", conversation: str = ANA) -> Message:
    return Message(f"{conversation}/{number}", conversation, text or f"message {number}", raw='{"n":1}')


def reply(turn: int, *texts: str) -> Reply:
    return Reply(turn, tuple(Piece(text) for text in texts or ("answer",)))


def open_mailbox(store: Store, *, lease: float = 15, quiet: float = 0, cap: float | None = None) -> Mailbox:
    return Mailbox(store, lease=lease, quiet=quiet, cap=quiet if cap is None else cap, days=30)


def taken_texts(mailbox: Mailbox, token: str, conversation: str = ANA) -> list[str]:
    task = mailbox.take(conversation, token)
    assert isinstance(task, Think)
    return [message.text for message in task.batch.messages]


def staged(mailbox: Mailbox, *texts: str) -> Reply:
    """Turn 1, thought by ``a``, whose reply waits in the outbox."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    answer = reply(1, *texts)
    mailbox.commit(ANA, "a", 1, answer)
    return answer


def finish(mailbox: Mailbox, store: Store, token: str, turn: int) -> None:
    answer = reply(turn)
    assert mailbox.commit(ANA, token, turn, answer)
    assert Outbox(store).record(ANA, answer.turn, 0, "sent", identity="9")
    assert not mailbox.release(ANA, token)


def rings(store: Store) -> int:
    return store.client.llen(bell.QUEUE_KEY)


def in_line(store: Store) -> list[str]:
    """Whose wake-ups wait in RQ's queue, first to last."""
    ids = [name.decode() for name in store.client.lrange(bell.QUEUE_KEY, 0, -1)]
    return [json.loads(store.client.hget(f"rq:job:{one}", "data"))[2][0] for one in ids]


def now_ms(store: Store) -> int:
    seconds, micros = store.client.time()
    return int(seconds * 1000 + micros // 1000)


def due_in_ms(store: Store, conversation: str = ANA) -> float:
    return float(store.client.zscore(DUE, conversation)) - now_ms(store)


def state(store: Store, name: str) -> str | None:
    """One entry of what else is known of Ana's conversation."""
    value = store.client.hget(key(ANA, "state"), name)
    return None if value is None else value.decode()


def counted(store: Store, name: str) -> int:
    """What an operator must count."""
    return int(store.client.hget("recado:counts", name) or 0)


def known(store: Store) -> list[str | None]:
    """Deaths, strikes and tries of Ana's turn."""
    return [state(store, name) for name in ("deaths", "strikes", "tries")]
