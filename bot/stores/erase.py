"""Erasing a person: every store, RQ's wake-ups, the quarantine, and then the files that Redis keeps.

What stays is the hash of each message's id, so that a platform that delivers it again does not bring it back.
"""

from __future__ import annotations

import json
import logging
import time
import zlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import cast

import redis

from bot.stores import access, alias, frequent, handovers
from bot.stores.bell import JOB
from bot.stores.connection import DUE, PREFIX, Script, Store, translated
from bot.stores.mailbox import COUNTS, QUARANTINE, UNSERVED
from bot.stores.person import Found, find
from bot.stores.whom import Person, followed

ERASING = PREFIX + "erasing"
"""Hash: a conversation whose person wants all to go, by the person's name."""

STALE = PREFIX + "erasing:files"
"""It is there while Redis' files hold what was erased for somebody."""

BUSY = PREFIX + "erasing:busy"
BUSY_SECONDS = 180
REWRITE_SECONDS = 60.0
NOTICE_SECONDS = 2.0
"""A worker that was in the middle of a turn knows by then that the turn is gone."""
FAREWELL_SECONDS = 5.0
"""So long the files wait for a farewell to be said, for it names the conversation."""

_JOBS = "rq:job:"
_BY_HAND = "What was erased remains in Redis' files on the disk until you run BGREWRITEAOF and BGSAVE there."

_erase = Script("erase")
_unquarantine = Script("unquarantine")


log = logging.getLogger("recado.erase")


@dataclass(frozen=True, slots=True)
class Erased:
    """What went: how many conversations and quarantined bodies. ``remains`` says what could not be reached."""

    conversations: int
    quarantined: int
    remains: tuple[str, ...] = ()


def finish(store: Store) -> None:
    """Carry out what people asked for themselves; their own conversation went when that was committed.

    One worker does it at a time; one that dies meanwhile leaves it to the next. Raises StoreUnavailable.
    """
    client = store.client
    with translated():
        asked = cast("dict[bytes, bytes]", client.hgetall(ERASING))
        if not (asked or client.exists(STALE)) or not client.set(BUSY, "1", nx=True, ex=BUSY_SECONDS):
            return
    for conversation, person in asked.items():
        _forget(store, Person.parse(person.decode()), spare=conversation.decode())
        with translated(), client.pipeline(transaction=True) as pipe:
            pipe.set(STALE, "1")
            pipe.hdel(ERASING, conversation.decode())
            pipe.execute()
    with translated():
        _await_farewells(client, asked)
        for remains in _rewrite(client):
            log.error("a person wanted all to go: %s", remains)
        client.delete(STALE, BUSY)


def _await_farewells(client: redis.Redis, conversations: Iterable[bytes]) -> None:
    """What is said last is delivered, or stays for longer than the files should wait."""
    until = time.monotonic() + FAREWELL_SECONDS
    for conversation in conversations:
        while client.zscore(DUE, conversation) is not None and time.monotonic() < until:
            time.sleep(0.05)


def erase(store: Store, person: Person) -> Erased:
    """Erase a person everywhere. May be repeated, also when nothing was found. Raises StoreUnavailable."""
    found = _forget(store, person)
    with translated():
        return Erased(len(found.conversations), len(found.quarantined), tuple(_rewrite(store.client)))


def _forget(store: Store, person: Person, *, spare: str = "") -> Found:
    """Everything of a person goes but a conversation to ``spare``, and what Redis' files still hold; what that was."""
    person = followed(store, person)
    found = find(store, person)
    handovers.withdraw(store, person.owns, found.conversations)
    everywhere = set(found.conversations)
    found.conversations.pop(spare, None)
    held = _erase_conversations(store, found)
    handovers.withdraw(store, person.owns, everywhere)  # what was committed between the two
    if held:
        time.sleep(NOTICE_SECONDS)
        again = find(store, person)
        found.counted, found.admitted = again.counted, again.admitted
    with translated():
        _forget_wakeups(store.client, found.conversations)
        if found.counted:
            store.client.delete(*found.counted)
        access.forget(store.client, found.admitted)
    alias.forget(store, [*found.aliases, *found.freed], {*found.conversations, spare})
    frequent.forget(store, {*everywhere, spare, person.conversation} - {""})
    for kept in (QUARANTINE, UNSERVED) if found.quarantined else ():
        store.run(_unquarantine, [kept, COUNTS], found.quarantined)
    return found


def _erase_conversations(store: Store, found: Found) -> bool:
    """Whether a worker was in the middle of one."""
    held = False
    for conversation, own in found.conversations.items():
        held |= bool(store.run(_erase, [*own, *found.shared], [len(own), conversation])[1])
    return held


def _forget_wakeups(client: redis.Redis, conversations: Collection[str]) -> None:
    """RQ's jobs name the conversation in their data; nobody else does."""
    jobs = [name.decode() for name in client.scan_iter(match=f"{_JOBS}*", count=500, _type="hash")]
    pipe = client.pipeline(transaction=False)
    for job in jobs:
        pipe.hget(job, "data")
    data = pipe.execute() if jobs else []
    gone = [job.removeprefix(_JOBS) for job, text in zip(jobs, data, strict=True) if _names(text, conversations)]
    if not gone:
        return
    for raw in client.scan_iter(match="rq:*", count=500):
        name, kind = raw.decode(), client.type(raw)
        if kind == b"list":
            for job in gone:
                client.lrem(name, 0, job)
        elif kind == b"zset":
            members = (member.decode() for member, _ in client.zscan_iter(name))
            if old := [member for member in members if member.partition(":")[0] in gone]:
                client.zrem(name, *old)
    client.delete(*(f"{prefix}{job}" for job in gone for prefix in (_JOBS, "rq:executions:", "rq:results:")))


def _names(data: bytes | None, conversations: Collection[str]) -> bool:
    """Whether a job's data is a wake-up for one of these; RQ compresses what it writes itself (rq/job.py)."""
    try:
        name, _, args, _ = json.loads(_plain(data or b""))
        return name == JOB and args[0] in conversations
    except (ValueError, TypeError, IndexError):
        return False


def _plain(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error:
        return data


def _rewrite(client: redis.Redis) -> list[str]:
    """Let Redis write its files anew, without what went; returns what remains, in words for the operator."""
    for log in (("SLOWLOG", "RESET"), ("COMMANDLOG", "RESET", "large-request"), ("COMMANDLOG", "RESET", "large-reply")):
        try:
            client.execute_command(*log)  # type: ignore[no-untyped-call]
        except redis.exceptions.ResponseError:
            continue  # a server without that log, or one that hides it
    remains = []
    try:
        if client.info("persistence").get("aof_enabled"):
            remains += _written(client, client.bgrewriteaof, "aof_rewrite_in_progress", "aof_last_bgrewrite_status")
        if client.config_get("save").get("save"):
            remains += _written(client, client.bgsave, "rdb_bgsave_in_progress", "rdb_last_bgsave_status")
    except redis.exceptions.ResponseError as error:
        remains.append(f"Redis does not let us look at its files ({error}). {_BY_HAND}")
    return remains


def _written(client: redis.Redis, begin: Callable[[], object], busy: str, outcome: str) -> list[str]:
    """One file written anew from its beginning to its end; else what to do."""
    until = time.monotonic() + REWRITE_SECONDS
    begun = False
    while time.monotonic() < until:
        now = client.info("persistence")
        if not now[busy] and not now.get("aof_rewrite_scheduled"):
            if begun:
                return [] if now[outcome] == "ok" else [f"Redis could not write its file ({outcome}). {_BY_HAND}"]
            begun = _begin(begin)
        time.sleep(0.05)
    return [f"Redis has not written its file within {REWRITE_SECONDS:.0f} s. {_BY_HAND}"]


def _begin(begin: Callable[[], object]) -> bool:
    """Whether it has begun now; False while Redis is busy writing another file."""
    try:
        begin()
    except redis.exceptions.ResponseError as error:
        if "progress" in str(error) or "active" in str(error):
            return False
        raise
    return True
