"""The bell: RQ's wake-up for one conversation, in the form in which RQ itself would write it.

The stores' scripts write it in the same step as its reason, so that no crash comes between the two;
a contract test compares it with what RQ's own enqueue writes.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

QUEUE = "recado"
QUEUE_KEY = f"rq:queue:{QUEUE}"
WORKERS_KEY = "rq:workers"
JOB = "workers.jobs.answer"
"""The only job there is. RQ is given its name; the light side never imports it."""

FAILED_SECONDS = 3600
"""How long RQ keeps a wake-up whose worker died; the sweeper has long rung again."""

_FIELDS = {
    "origin": QUEUE, "description": JOB, "status": "queued", "timeout": -1,
    "result_ttl": 0, "failure_ttl": FAILED_SECONDS,
    "success_callback_name": "", "failure_callback_name": "", "stopped_callback_name": "",
    "started_at": "", "ended_at": "", "last_heartbeat": "", "worker_name": "", "group_id": "",
}  # fmt: skip
_BELL = json.dumps({"queue": QUEUE_KEY, "fields": _FIELDS})
_SILENT = json.dumps({"queue": "", "fields": {}})


def bell(*, silent: bool = False) -> tuple[str, str]:
    """The first two arguments of each script that rings: the job's fields, and the time as RQ writes it.

    A ``silent`` bell wakes nobody: for a conversation that one process has to itself.
    """
    return _SILENT if silent else _BELL, datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
