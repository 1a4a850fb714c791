"""What somebody who can write to Redis would put on RQ's queue to have it run."""

from __future__ import annotations

import json
import os
import pickle
import zlib
from pathlib import Path
from typing import Any

from rq import Queue

from bot.stores import bell
from bot.stores.connection import Store

ANA = "telegram:7:1"
MODULE = "canary_of_the_exploits"

Fields = dict[str, str | bytes | int]


class Gadget:
    """Whoever unpickles it makes a folder."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


def write_module(folder: Path, canary: Path) -> None:
    """A module that makes the canary's folder, whatever it is called with, and even when it is only imported."""
    lines = ["import os", f"def touch(*_, **__): os.makedirs({str(canary)!r}, exist_ok=True)", "touch()"]
    (folder / f"{MODULE}.py").write_text("\n".join(lines))


def call(*parts: Any) -> bytes:
    """RQ's own form of a call: name, instance, arguments, named arguments."""
    return json.dumps(parts).encode()


def webhooks(address: str) -> str:
    """RQ's own form of an address that is called when a job ends, well or not."""
    return json.dumps([{"url": address, "job_status": status} for status in ("failed", "finished")])


def exploits(canary: Path, address: str) -> dict[str, Fields]:
    """Changes to a wake-up's hash, each of which would be an intrusion if it were obeyed."""
    touch = f"{MODULE}.touch"
    system = call("os.system", None, [f"mkdir {canary}"], {})
    pickled = pickle.dumps(("os.mkdir", None, (str(canary),), {}))
    gadget = pickle.dumps(Gadget(canary))
    webhook = webhooks(address)
    return {
        "os.system": {"data": system},
        "os.system, compressed": {"data": zlib.compress(system)},
        "another function": {"data": call("subprocess.getoutput", None, [f"mkdir {canary}"], {})},
        "a module of theirs": {"data": call(touch, None, [ANA], {})},
        "eval": {"data": call("builtins.eval", None, [f"__import__('os').mkdir({str(canary)!r})"], {})},
        "the job's globals": {"data": call(f"{bell.JOB}.__globals__", None, [ANA], {})},
        "the job's module": {"data": call("workers.jobs.use", None, [ANA], {})},
        "a name with a space": {"data": call(f"{bell.JOB} ", None, [ANA], {})},
        "a name that is a list": {"data": call([bell.JOB], None, [ANA], {})},
        "an instance": {"data": call(bell.JOB, touch, [ANA], {})},
        "more arguments": {"data": call(bell.JOB, None, [ANA, touch], {})},
        "named arguments": {"data": call(bell.JOB, None, [ANA], {"connection": touch})},
        "no call": {"data": call(bell.JOB)},
        "no JSON": {"data": b"{"},
        "nested": {"data": b"[" * 100_000},
        "a pickled call": {"data": pickled},
        "a pickled call, compressed": {"data": zlib.compress(pickled)},
        "a pickled gadget": {"data": gadget},
        "a gadget as everything": dict.fromkeys(("data", "meta", "result"), gadget),
        "refused, with a callback": {"data": system, "failure_callback_name": touch, "stopped_callback_name": touch},
        "refused, with a webhook": {"data": system, "webhooks": webhook},
        "refused, and to be tried again": {"data": system, "retries_left": 1000, "number_of_retries": 0},
    }


def companions(canary: Path, address: str) -> dict[str, Fields]:
    """What hangs on a wake-up that is right: the turn is answered, and the rest is not obeyed."""
    touch = f"{MODULE}.touch"
    webhook = webhooks(address)
    return {
        "a callback": {"success_callback_name": touch, "failure_callback_name": touch, "stopped_callback_name": touch},
        "os.system as callback": {"success_callback_name": "os.system"},
        "a webhook": {"webhooks": webhook},
        "a gadget as meta": {"meta": pickle.dumps(Gadget(canary))},
        "a gadget as result": {"result": pickle.dumps(Gadget(canary))},
        "a short time-out": {"timeout": 0},
        "repeats": {"repeats_left": 1000},
        "retries": {"retries_left": 1000},
    }


def push(store: Store, fields: Fields) -> str:
    """A wake-up for Ana with these fields changed, at the head of the real queue; returns its id."""
    job = Queue(bell.QUEUE, connection=store.client, serializer="json").enqueue(bell.JOB, ANA, at_front=True)
    for name, value in fields.items():
        store.client.hset(job.key, name, value)
    return str(job.id)
