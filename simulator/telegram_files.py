"""Files on Telegram: what people and bots have sent, by file id and by path."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from simulator.bot_api import bad
from simulator.calls import Outcome

MOST_BYTES: Final = 20 << 20
"""What a bot may fetch (tdlib/telegram-bot-api, MAX_DOWNLOAD_FILE_SIZE)."""
SIZES: Final = ((90, 67), (320, 240), (1280, 960))
"""The widths and heights in which a photo is offered, the largest last."""
THUMBNAIL: Final = b"\xff\xd8 a small picture"


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of file is called in paths, what it usually is, and what is told about it besides."""

    folder: str
    mime: str
    ending: str
    about: tuple[tuple[str, int], ...] = ()


KINDS: Final = {
    "photo": Kind("photos", "image/jpeg", ".jpg"),
    "document": Kind("documents", "application/octet-stream", ".bin"),
    "voice": Kind("voice", "audio/ogg", ".oga", (("duration", 3),)),
    "audio": Kind("music", "audio/mpeg", ".mp3", (("duration", 3),)),
    "video": Kind("videos", "video/mp4", ".mp4", (("width", 640), ("height", 480), ("duration", 3))),
}
NAMED: Final = ("document", "audio", "video")


class Files:
    """Keeps files; ``contents`` are those by file id."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self._objects: dict[str, dict[str, Any]] = {}
        self._paths: dict[str, str] = {}

    def keep(self, kind: str, content: bytes, *, mime: str = "", name: str = "", size: int = 0) -> Any:
        """What a message says of a file in the field of its ``kind``; a photo comes in several sizes.

        ``size`` is what Telegram says of it, by default its true one.
        """
        what = KINDS[kind]
        if kind == "photo":
            small = [self._file(what, THUMBNAIL) for _ in SIZES[1:]]
            sizes = [*small, self._file(what, content, size=size)]
            return [file | {"width": w, "height": h} for file, (w, h) in zip(sizes, SIZES, strict=True)]
        found = self._file(what, content, name=name, size=size) | {"mime_type": mime or what.mime} | dict(what.about)
        return found | ({"file_name": name} if name and kind in NAMED else {})

    def get_file(self, params: dict[str, Any]) -> Outcome:
        """getFile."""
        found = self._objects.get(str(params.get("file_id", "")))
        if found is None:
            return bad("invalid file_id")
        if found["file_size"] > MOST_BYTES:
            return bad("file is too big")
        return Outcome({"ok": True, "result": found | {"file_path": self._paths[found["file_id"]]}})

    def fetch(self, path: str) -> Outcome | None:
        """The content under a path that getFile gave; None when there is none."""
        wanted = next((file_id for file_id, known in self._paths.items() if known == path), None)
        if wanted is None:
            return None
        return Outcome(self.contents[wanted], headers={"Content-Type": "application/octet-stream"})

    def _file(self, kind: Kind, content: bytes, *, name: str = "", size: int = 0) -> dict[str, Any]:
        file_id = f"AgAC{secrets.token_urlsafe(40)}"
        self.contents[file_id] = content
        ending = PurePosixPath(name).suffix or kind.ending
        self._paths[file_id] = f"{kind.folder}/file_{len(self._paths)}{ending}"
        size = size or len(content)
        self._objects[file_id] = {"file_id": file_id, "file_unique_id": secrets.token_hex(8), "file_size": size}
        return self._objects[file_id]
