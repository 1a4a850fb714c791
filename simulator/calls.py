"""What platforms note of the calls they get, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Response


@dataclass(frozen=True, slots=True)
class Call:
    """One call that reached the platform. ``time`` is monotonic.

    ``bubble`` is the message that it showed or changed, ``taken`` whether the platform did what it
    asked, ``status`` and ``answer`` what it answered (HTTP; 0 when the answer was lost or never given).
    """

    time: float
    method: str
    chat_id: str
    params: dict[str, Any]
    bubble: str = ""
    taken: bool = True
    status: int = 200
    answer: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the platform answers to a call.

    ``void``: it says yes, and the message never comes. ``pause``: the seconds for which it asks for
    no more calls in this chat, or in any (``overall``).
    """

    body: Any
    status: int = 200
    bubble: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    void: bool = False
    pause: float = 0.0
    overall: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a call.

    ``outcome`` is answered in place of what the call asks for (None: it is done), ``lost`` cuts the
    connection before the answer, ``seconds`` is how long the answer takes.
    """

    outcome: Outcome | None = None
    lost: bool = False
    seconds: float = 0.0


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; bytes go out as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(data, status, {"Content-Type": "application/json"} | dict(headers or {}))
