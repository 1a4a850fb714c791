"""A stand-in for a transcription server, with the form of OpenAI's /v1/audio/transcriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from werkzeug.wrappers import Request, Response

from simulator.platforms import json_response
from simulator.server import Server

PATH: Final = "/v1/audio/transcriptions"
FIELDS: Final = frozenset({"model", "language", "prompt", "response_format", "temperature"})


@dataclass(frozen=True, slots=True)
class Note:
    """A sound that was sent: its bytes, the name that tells its kind, and the model it was sent to."""

    sound: bytes
    name: str
    mime: str
    model: str
    authorization: str = ""


class VoiceServer(Server):
    """Hears what ``says`` tells for a sound's bytes, else ``otherwise``. ``fail`` are statuses of the next answers."""

    def __init__(self, otherwise: str = "") -> None:
        super().__init__()
        self.says: dict[bytes, str] = {}
        self.otherwise = otherwise
        self.fail: list[int] = []
        self.notes: list[Note] = []

    def respond(self, request: Request) -> Response:
        if request.path != PATH or request.method != "POST":
            return json_response({"error": {"message": "not found"}}, 404)
        file, form = request.files.get("file"), request.form
        if file is None or not form.get("model") or set(form) - FIELDS:
            return json_response({"error": {"message": "file and model are needed"}}, 400)
        with file.stream as sound:
            key = request.headers.get("Authorization", "")
            note = Note(sound.read(), file.filename or "", file.mimetype, form["model"], key)
        with self.changed:
            self.notes.append(note)
            status = self.fail.pop(0) if self.fail else 200
            self.changed.notify_all()
        if status != 200:
            return json_response({"error": {"message": "told to fail"}}, status)
        return json_response({"text": self.says.get(note.sound, self.otherwise)})
