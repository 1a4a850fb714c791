"""Erasing a person: every store, RQ's wake-ups, the quarantine, and then the files that Redis keeps.

What stays is the hash of each message's id, so that a platform that delivers it again does not bring it back.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass

import redis

from bot.stores.bell import JOB
from bot.stores.connection import Script, Store, translated
from bot.stores.mailbox import COUNTS, QUARANTINE
from bot.stores.person import Found, Person, find

REWRITE_SECONDS = 60.0
NOTICE_SECONDS = 2.0
"""A worker that was in the middle of a turn knows by then that the turn is gone."""

_JOBS = "rq:job:"
_BY_HAND = "What was erased remains in Redis' files on the disk until you run BGREWRITEAOF and BGSAVE there."

_erase = Script("erase")
_unquarantine = Script("unquarantine")


@dataclass(frozen=True, slots=True)
class Erased:
    """What went: how many conversations and quarantined bodies. ``remains`` says what could not be reached."""

    conversations: int
    quarantined: int
    remains: tuple[str, ...] = ()


def erase(store: Store, person: Person) -> Erased:
    """Erase a person everywhere. May be repeated, also when nothing was found. Raises StoreUnavailable."""
    found = find(store, person)
    if _erase_conversations(store, found):
        time.sleep(NOTICE_SECONDS)
        found.counted = find(store, person).counted
    with translated():
        _forget_wakeups(store.client, found.conversations)
        if found.counted:
            store.client.delete(*found.counted)
    if found.quarantined:
        store.run(_unquarantine, [QUARANTINE, COUNTS], found.quarantined)
    with translated():
        return Erased(len(found.conversations), len(found.quarantined), tuple(_rewrite(store.client)))


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
