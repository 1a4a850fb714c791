"""Hugging Face's Hub in miniature: one repository, its revisions, and who asked for what."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPOSITORY = "la-espiga/tiny"
COMMIT = hashlib.sha1(b"main").hexdigest()


@dataclass
class Hub:
    """What it holds and what it was asked; ``error`` is its answer to everything, as (status, X-Error-Code)."""

    files: dict[str, bytes]
    error: tuple[int, str] | None = None
    asked: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    url: str = ""

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers (https://huggingface.co/docs/hub/api, and what its client reads of them)."""
        if self.error:
            return self.error[0], b"{}", {"X-Error-Code": self.error[1]}
        api, resolve = f"/api/models/{REPOSITORY}", f"/{REPOSITORY}/resolve/{COMMIT}/"
        if path.startswith(resolve) and (name := path.removeprefix(resolve)) in self.files:
            data = self.files[name]
            return 200, data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT}
        if path in (f"{api}/revision/main", f"{api}/revision/v1"):
            return 200, json.dumps({"id": REPOSITORY, "sha": COMMIT}).encode(), {}
        if path == f"{api}/tree/{COMMIT}":
            tree = [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in self.files.items()
            ]
            return 200, json.dumps(tree).encode(), {}
        code = "RevisionNotFound" if path.startswith(api) else "RepoNotFound"
        return 404, b"{}", {"X-Error-Code": code}


@contextmanager
def hub(files: dict[str, bytes]) -> Iterator[Hub]:
    """A Hub on this machine."""
    world = Hub(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            world.asked.append(f"{self.command} {path}")
            world.keys.add(self.headers.get("Authorization", ""))
            status, body, headers = world.answer(path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    world.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
