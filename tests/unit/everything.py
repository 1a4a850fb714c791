"""All that Redis holds, and a person of whom something is everywhere, for the tests of what becomes of it."""

from __future__ import annotations

import time
from typing import Any

from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

from bot.message import Limit, Message, Piece, Reply, Turn
from bot.stores import bell
from bot.stores.connection import Store
from bot.stores.line import MODELS, Line
from bot.stores.mailbox import Mailbox
from bot.stores.outbox import Outbox
from bot.stores.page import PERSON, Page

CHAT = "34699887766"
WORDS = "canario-4711"
HERE = f"whatsapp:106540:{CHAT}"
"""Here a worker is in the middle of a turn."""

THERE = f"telegram:7123:{CHAT}:9"
"""Here a turn stands in the line, others are dead, and a reply is not delivered."""

BEA = "whatsapp:106540:34600111222"
PLACE = "http://127.0.0.1:11434"
LIMIT = Limit(f"whatsapp:106540:{CHAT}", 1, 60)


def said(number: int, conversation: str, text: str = WORDS) -> Message:
    return Message(
        f"{conversation}/{number}", conversation, f"{text} {number}", person=text, raw=f'{{"from":"{conversation}"}}'
    )


def live(store: Store) -> None:
    """Let the person be everywhere: waiting, being answered, in history, outbox, dead letters, lines and limits."""
    mailbox, outbox = Mailbox(store, lease=60, quiet=0, cap=0, days=30), Outbox(store)
    _be_answered(mailbox, outbox, HERE)
    mailbox.accept([said(2, HERE)])
    mailbox.take(HERE, "ours")
    mailbox.names(HERE, [(CHAT, WORDS)])
    Page(store, 30).put(HERE, "m1", PERSON, WORDS)
    mailbox.accept([said(3, HERE)], raw_hours=72)
    assert outbox.begin(HERE, "ours", 2, 0, [LIMIT], mode="preview")[0] == "go"
    line = Line(store, MODELS, places=[PLACE], parallel=1, lease=60)
    assert line.enter(HERE, "ours", [PLACE])[0] == PLACE

    mailbox.accept([said(1, THERE)])
    mailbox.take(THERE, "theirs")
    mailbox.commit(THERE, "theirs", 1, Reply(1, (Piece(f"sorry, {WORDS}"),)), mode="bury", reason=f"broke on {WORDS}")
    mailbox.release(THERE, "theirs")
    mailbox.accept([said(2, THERE)])
    outbox.record(THERE, 1, 0, "unknown", identity="abc", wait=60)
    mailbox.take(THERE, "theirs")
    assert line.enter(THERE, "theirs", [PLACE])[0] == ""
    for number, body in enumerate([f'{{"from":"{CHAT}","text":"{WORDS}"}}', f"{{[ {CHAT}, {WORDS}"]):
        mailbox.quarantine("whatsapp", f"{body} {number}".encode())
    _be_known_to_rq(store)


def be_neighbour(store: Store) -> None:
    """Bea, of whom nothing may change: answered once, and waiting again."""
    mailbox = Mailbox(store, lease=60, quiet=0, cap=0, days=30)
    _be_answered(mailbox, Outbox(store), BEA, "hola")
    mailbox.accept([said(2, BEA, "hola")])
    mailbox.quarantine("whatsapp", b'{"from":"34600111222"')


def _be_answered(mailbox: Mailbox, outbox: Outbox, conversation: str, text: str = WORDS) -> None:
    mailbox.accept([said(1, conversation, text)])
    mailbox.take(conversation, "first")
    turns = (Turn("user", text, 3, 1), Turn("assistant", f"re: {text}", 3, 1))
    mailbox.commit(conversation, "first", 1, Reply(1, (Piece(f"re: {text}"),), grows=True), turns, language="es")
    outbox.record(conversation, 1, 0, "sent", identity="99")
    mailbox.release(conversation, "first")


def _be_known_to_rq(store: Store) -> None:
    """One wake-up failed, as RQ writes it (compressed); one is being run by somebody."""
    ids = [name.decode() for name in store.client.lrange(bell.QUEUE_KEY, 0, -1)]
    jobs = [Job.fetch(one, store.client, serializer=JSONSerializer) for one in ids]
    theirs = [job for job in jobs if CHAT in job.args[0]]
    theirs[0].save()
    FailedJobRegistry("recado", store.client, serializer=JSONSerializer).add(theirs[0], ttl=600)
    store.client.zadd(StartedJobRegistry("recado", store.client).key, {f"{theirs[1].id}:run": time.time() + 600})


def everything(store: Store) -> dict[str, Any]:
    """Every key with all that is in it, but for the counts and the clock."""
    names = sorted(name.decode() for name in store.client.scan_iter())
    return {name: _value(store, name) for name in names if name not in {"recado:counts", "recado:clock"}}


def _value(store: Store, name: str) -> Any:
    client = store.client
    return {
        "string": lambda: client.get(name),
        "list": lambda: client.lrange(name, 0, -1),
        "set": lambda: client.smembers(name),
        "hash": lambda: client.hgetall(name),
        "stream": lambda: client.xrange(name),
        "zset": lambda: client.zrange(name, 0, -1, withscores=True),
    }[client.type(name).decode()]()
