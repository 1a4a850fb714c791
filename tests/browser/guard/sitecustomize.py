"""No process that a test starts reaches another machine: who tries is refused, and it is written down.

Python imports a module of this name at its start where it finds one (https://docs.python.org/3/library/site.html).
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

HERE = ("127.", "::1", "localhost", "0.0.0.0")
ADDRESSED = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1}
NAMED = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
"""The audit events of whoever leaves (https://docs.python.org/3/library/audit_events.html)."""


def refuse(event: str, args: tuple[Any, ...]) -> None:
    if event in ADDRESSED:
        address = args[ADDRESSED[event]]
        host = str(address[0]) if isinstance(address, tuple) else ""  # what is no pair is a path of this machine
    elif event in NAMED:
        host = args[0].decode() if isinstance(args[0], bytes) else str(args[0] or "")
    else:
        return
    if host and not host.startswith(HERE):
        with Path(os.environ["OUTSIDE_LOG"]).open("a", encoding="utf-8") as log:
            log.write(f"{Path(sys.argv[0]).parent.name} {event} {host}\n")
        raise OSError(errno.ENETUNREACH, "no test reaches another machine", host)


if "OUTSIDE_LOG" in os.environ:
    sys.modules["uvloop"] = None  # type: ignore[assignment]  # its connections raise no audit event
    sys.addaudithook(refuse)
