"""Files on WhatsApp: asked for by id, fetched from an address that soon ends, and uploaded by the business.

Shapes: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from werkzeug.datastructures import FileStorage

from simulator.calls import Outcome
from simulator.graph import refusal

ADDRESS_SECONDS: Final = 300.0
MIMES: Final = {
    "image": "image/jpeg",
    "audio": "audio/mpeg",
    "voice": "audio/ogg; codecs=opus",
    "video": "video/mp4",
    "document": "application/pdf",
    "sticker": "image/webp",
}
DOCUMENT_BYTES: Final = 100 << 20
_ids: Final = itertools.count(1)


@dataclass(slots=True)
class File:
    """A file of one business number; what it ``serves`` may differ from its ``content``, of which the hash tells."""

    id: str
    number: str
    content: bytes
    mime: str
    name: str = ""
    serves: bytes = b""

    @property
    def sha256(self) -> str:
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode()


class Files:
    """Keeps files. ``now`` is the platform's clock; ``host`` where the addresses point to."""

    def __init__(self, host: str, now: Callable[[], float]) -> None:
        self.host = host
        self.kept: dict[str, File] = {}
        self._now = now
        self._addresses: dict[str, tuple[str, float]] = {}

    def keep(self, number: str, content: bytes, mime: str, name: str = "", serves: bytes = b"") -> File:
        """Keep a file under a new id."""
        file = File(f"9{next(_ids):015d}", number, content, mime, name, serves or content)
        self.kept[file.id] = file
        return file

    def expire(self, identity: str) -> None:
        """A file is kept no longer: a person's for 7 days (in the documentation, 30 for the business's own)."""
        del self.kept[identity]

    def about(self, identity: str, number: str) -> Outcome:
        """The first step: the address, which is good for five minutes."""
        file = self.kept.get(identity)
        if file is None or file.number != number:
            return refusal(400, 100, "Unsupported get request. Object does not exist", error_subcode=33)
        word = secrets.token_hex(12)
        self._addresses[word] = (identity, self._now() + ADDRESS_SECONDS)
        about = {"messaging_product": "whatsapp", "url": f"{self.host}/media/{word}", "mime_type": file.mime}
        return Outcome(about | {"sha256": file.sha256, "file_size": len(file.serves), "id": file.id})

    def fetch(self, word: str, number: str) -> Outcome:
        """The second step: the content; nothing for whoever comes late or for another number's."""
        identity, until = self._addresses.get(word, ("", 0.0))
        file = self.kept.get(identity)
        if file is None or file.number != number or self._now() > until:
            return Outcome(b"", 404, headers={"Content-Type": "text/html"})
        return Outcome(file.serves, headers={"Content-Type": file.mime.partition(";")[0]})

    def upload(self, number: str, given: FileStorage | None, params: dict[str, Any]) -> Outcome:
        """The business uploads a file; it is sent by its id."""
        if given is None or params.get("messaging_product") != "whatsapp":
            return refusal(400, 100, "The parameters file and messaging_product are required.")
        content = given.read()
        if len(content) > DOCUMENT_BYTES:
            return refusal(400, 100, "Param file must be at most 100 MB.")
        mime = str(params.get("type") or given.mimetype)
        return Outcome({"id": self.keep(number, content, mime, given.filename or "").id})
