"""Whisper in the worker's own process, by faster-whisper (https://github.com/SYSTRAN/faster-whisper)."""

from __future__ import annotations

import importlib
import importlib.util
import io
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from bot.errors import BackendError, Rejected, SettingsError, Unavailable
from workers.transcribers import Transcriber

if TYPE_CHECKING:
    from bot.settings import Settings
    from bot.texts import Language

DEFAULT_MODEL: Final = "small"
COMPUTE: Final = {"cpu": "int8", "cuda": "float16"}
RATE: Final = 16_000
"""Samples a second that Whisper listens to."""
LONGEST_SECONDS: Final = 15 * 60
"""Of a note, as much is heard: hours fit into a small file, and not into memory."""
OPENED: Final = {"format_whitelist": "ogg,mp3,mov,wav,flac,matroska,aac,amr,caf,aiff", "protocol_whitelist": "none"}
"""What ffmpeg may take a file for, and by what it may reach others: playlists and the like name addresses, and it would
ask them (https://ffmpeg.org/ffmpeg-formats.html#Format-Options)."""
SURE: Final = 0.5
"""A language that Whisper gives less than this is not believed."""
AGAIN_SECONDS: Final = 60.0
MORE: Final = " …"

log = logging.getLogger("recado.worker")


class FasterWhisper(Transcriber):
    """One model for all turns of a worker, loaded for the first note; notes are heard one after the other."""

    name = "faster-whisper"
    leaves_out_silence = True
    """In silence Whisper hears what nobody said."""

    def __init__(self, model: str, device: str, seconds: float) -> None:
        self._model, self._device, self._seconds = model, device, seconds
        self._whisper: Any = None
        self._failed_at = -AGAIN_SECONDS
        self._busy = threading.Lock()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        if importlib.util.find_spec("faster_whisper") is None:
            raise SettingsError("TRANSCRIBER=faster-whisper needs a package: make install EXTRAS=voice")
        return cls(settings.transcriber_model or DEFAULT_MODEL, settings.transcriber_device, settings.turn_seconds)

    def transcribe(self, audio: bytes, mime: str, language: Language, over: Callable[[], bool]) -> str:
        with self._turn(over):
            whisper = self._load()
            try:
                samples = _decode(audio, over)
                return self._spoken(whisper, samples, language, over) if len(samples) else ""
            except BackendError:
                raise
            except Exception as error:  # noqa: BLE001 - the border to ffmpeg and Whisper: what strangers recorded may be anything
                raise Rejected(f"a voice note cannot be heard ({type(error).__name__})") from None

    def check(self) -> str:
        with self._turn(lambda: False):
            self._load()
        return f"voice notes are written down by faster-whisper {self._model} on {self._device}"

    @contextmanager
    def _turn(self, over: Callable[[], bool]) -> Iterator[None]:
        while not self._busy.acquire(timeout=0.2):
            if over():
                raise Unavailable("nobody waits for this voice note any more")
        try:
            yield
        finally:
            self._busy.release()

    def _load(self) -> Any:
        if self._whisper is None:
            way_out = "check TRANSCRIBER_MODEL and TRANSCRIBER_DEVICE, and whether the model could be downloaded"
            if time.monotonic() - self._failed_at < AGAIN_SECONDS:
                raise Rejected(f"faster-whisper's {self._model} is not there: {way_out}")
            log.info("loading faster-whisper's %s on %s", self._model, self._device)
            try:
                library = importlib.import_module("faster_whisper")
                kind = COMPUTE[self._device]
                self._whisper = library.WhisperModel(self._model, device=self._device, compute_type=kind)
            except Exception as error:  # noqa: BLE001 - the border to a library whose loading fails in many ways
                self._failed_at = time.monotonic()
                reason = type(error).__name__
                raise Rejected(f"faster-whisper's {self._model} cannot be loaded ({reason}): {way_out}") from None
        return self._whisper

    def _spoken(self, whisper: Any, samples: Any, language: Language, over: Callable[[], bool]) -> str:
        how = {"vad_filter": self.leaves_out_silence, "condition_on_previous_text": False}
        segments, about = whisper.transcribe(samples, **how)
        if about.language_probability < SURE and about.language != language:
            segments, _ = whisper.transcribe(samples, language=language, **how)
        return "".join(self._in_time(segments, over)).strip()

    def _in_time(self, segments: Iterable[Any], over: Callable[[], bool]) -> Iterator[str]:
        """What is heard until TURN_SECONDS are over; each segment is computed when it is asked for."""
        until = time.monotonic() + self._seconds
        for segment in segments:
            if over():
                raise Unavailable("nobody waits for this voice note any more")
            yield segment.text
            if time.monotonic() > until:
                yield MORE
                return


def _decode(audio: bytes, over: Callable[[], bool]) -> Any:
    """The sound as Whisper takes it, its first LONGEST_SECONDS. Raises whatever PyAV does."""
    av, numpy = importlib.import_module("av"), importlib.import_module("numpy")
    sound, most = bytearray(), LONGEST_SECONDS * RATE * 2
    with av.open(io.BytesIO(audio), mode="r", metadata_errors="ignore", options=OPENED) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                sound += part.to_ndarray().tobytes()
            if over():
                raise Unavailable("nobody waits for this voice note any more")
            if len(sound) > most:
                break
    return numpy.frombuffer(bytes(sound[:most]), numpy.int16).astype(numpy.float32) / 32768.0
