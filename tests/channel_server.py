"""A platform that answers what a test wrote down, over real HTTP on this machine."""

from __future__ import annotations

import json
import threading
from typing import Any

from werkzeug.wrappers import Request, Response

from simulator.server import Cut, Server


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    """A JSON answer; ``Retry_After="7"`` becomes a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(body), status, named, content_type="application/json")


class ScriptedPlatform(Server):
    """Answers with ``script``, one entry a request, then with ``always``; an exception there cuts the connection."""

    def __init__(self, always: Response) -> None:
        super().__init__(threads=80)
        self.always = always
        self.script: list[Response | type[Cut]] = []
        self.paths: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.together = threading.Barrier(1)
        self.silent = False

    def respond(self, request: Request) -> Response:
        self.paths.append(request.full_path.rstrip("?"))
        self.asked.append(request.get_json() if request.is_json else request.values.to_dict())
        self.together.wait(10)
        if self.silent:
            self.closing.wait(10)
        told = self.script.pop(0) if self.script else self.always
        if isinstance(told, Response):
            return told
        raise told
