"""Any server with OpenAI's /v1/audio/transcriptions: speaches, vLLM, LocalAI, whisper.cpp behind a proxy, OpenAI.

Its form: https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import httpx

from bot.errors import Rejected, SettingsError, Unavailable
from workers.transcribers import Transcriber

if TYPE_CHECKING:
    from bot.settings import Settings
    from bot.texts import Language

DEFAULT_MODEL: Final = "whisper-1"
CONNECT_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 5.0
ANSWER_MOST: Final = 1 << 20
"""Bytes of an answer; the longest voice note is spoken in less."""

_ENDINGS: Final = {
    "audio/ogg": "ogg", "audio/opus": "ogg", "audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/mp4": "m4a",
    "audio/x-m4a": "m4a", "audio/aac": "m4a", "audio/wav": "wav", "audio/x-wav": "wav", "audio/webm": "webm",
    "audio/flac": "flac", "audio/amr": "amr",
}  # fmt: skip


class OpenAI(Transcriber):
    """A transcription server; the name of the file tells it the kind of sound."""

    name = "openai"

    def __init__(self, url: str, key: str, model: str, seconds: float) -> None:
        self._url, self._model = f"{url.removesuffix('/v1')}/v1/audio/transcriptions", model
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
        )

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        url = settings.transcriber_base_url
        if urlsplit(url).scheme not in ("http", "https"):
            raise SettingsError(
                "TRANSCRIBER_BASE_URL is missing: TRANSCRIBER=openai needs a server's address, such as "
                "http://localhost:8000."
            )
        key = settings.transcriber_api_key.get_secret_value()
        return cls(url, key, settings.transcriber_model or DEFAULT_MODEL, settings.llm_timeout)

    def transcribe(self, audio: bytes, mime: str, language: Language, over: Callable[[], bool]) -> str:
        kind = mime.partition(";")[0].strip().lower()
        file = (f"voice.{_ENDINGS.get(kind, 'ogg')}", audio, kind or "audio/ogg")
        data = {"model": self._model, "response_format": "json"}
        try:
            with self._http.stream("POST", self._url, data=data, files={"file": file}) as response:
                return self._read(response, over)
        except httpx.HTTPError as error:
            words = f"{self._url} cannot be asked ({type(error).__name__}): check it and TRANSCRIBER_BASE_URL"
            raise Unavailable(words, AGAIN_SECONDS) from None

    def check(self) -> str:
        """A second of silence, sent for real."""
        self.transcribe(_silence(), "audio/wav", "es", lambda: False)
        return f"voice notes are written down by {self._model} at {self._url}"

    def close(self) -> None:
        self._http.close()

    def _read(self, response: httpx.Response, over: Callable[[], bool]) -> str:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if over() or len(body) > ANSWER_MOST:
                raise Unavailable(f"the answer of {self._url} is not waited for")
        if response.status_code == 200:
            return self._words(bytes(body))
        said = f"{self._url} answered HTTP {response.status_code}"
        if response.status_code in (408, 425, 429) or response.status_code >= 500:
            raise Unavailable(f"{said}: look into its log", AGAIN_SECONDS)
        raise Rejected(f"{said}: check TRANSCRIBER_BASE_URL, TRANSCRIBER_MODEL and TRANSCRIBER_API_KEY")

    def _words(self, body: bytes) -> str:
        try:
            found: Any = json.loads(body)
            return str(found["text"]).strip()
        except (ValueError, KeyError, TypeError, RecursionError):
            words = f"{self._url} does not answer like a transcription server; TRANSCRIBER_BASE_URL is probably wrong"
            raise Unavailable(words, AGAIN_SECONDS) from None


def _silence() -> bytes:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(32_000))
    return sound.getvalue()
