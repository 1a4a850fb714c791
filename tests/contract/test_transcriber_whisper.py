"""What the transcriber in the worker's own process promises, with a real, tiny Whisper."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from bot.errors import Rejected, SettingsError, Unavailable
from bot.settings import load_settings
from simulator.server import Server
from tests.unit.files import OGG
from workers import jobs
from workers.transcribers import Transcriber


def waited_for() -> bool:
    return False


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("faster_whisper", reason="the voice extra is not installed")
    from tests.contract.whisper import build

    return build(tmp_path_factory.mktemp("whisper") / "model", word="hola", language="es", logit=15.0)


@pytest.fixture
def whisper(model: Path) -> Transcriber:
    found = jobs.open_transcriber(load_settings(transcriber="faster-whisper", transcriber_model=str(model)))
    assert found is not None
    return found


def test_whisper_hears_a_voice_note(whisper: Transcriber, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opus in Ogg, as telephones send it, through the real decoder and a real model."""
    from tests.contract.whisper import voice_note

    monkeypatch.setattr(type(whisper), "leaves_out_silence", False)

    assert set(whisper.transcribe(voice_note(), "audio/ogg", "es", waited_for).split()) == {"hola"}


def test_in_what_is_no_speech_nothing_is_heard(whisper: Transcriber) -> None:
    """Whisper would make up words for a tone; what is no voice is left out before."""
    from tests.contract.whisper import voice_note

    assert whisper.transcribe(voice_note(), "audio/ogg", "es", waited_for) == ""


def test_what_is_no_sound_is_rejected(whisper: Transcriber) -> None:
    for rubbish in (b"", b"hello", OGG, bytes(range(256)) * 100):
        with pytest.raises(Rejected):
            whisper.transcribe(rubbish, "audio/ogg", "es", waited_for)


class Anybody(Server):
    """A server that a stranger names, and that nobody shall ask."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def respond(self, request: Request) -> Response:
        self.asked.append(request.path)
        return Response(status=404)


@pytest.mark.parametrize("kind", ["dash", "m3u8", "sdp", "concat"])
def test_a_playlist_leads_nowhere(kind: str) -> None:
    """Neither to an address of a stranger's choice nor into a wait for it: the decoder itself refuses it."""
    pytest.importorskip("av", reason="the voice extra is not installed")
    from workers.transcribers import faster_whisper

    with Anybody() as anybody:
        url = f"{anybody.url}/a.mp4"
        form = 'xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-main:2011" type="static"'
        inside = f'<Representation id="1" bandwidth="1000"><BaseURL>{url}</BaseURL></Representation>'
        inside = f'<Period><AdaptationSet mimeType="audio/mp4">{inside}</AdaptationSet></Period>'
        lists = {
            "dash": f'<?xml version="1.0"?>\n<MPD {form} mediaPresentationDuration="PT9S">{inside}</MPD>',
            "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-VERSION:3\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n",
            "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
            "concat": "ffconcat version 1.0\nfile a.wav\n",
        }
        with pytest.raises((ValueError, OSError), match="Invalid"):
            faster_whisper._decode(lists[kind].encode(), waited_for)
        assert anybody.asked == []


def test_hours_of_sound_do_not_fill_the_memory(whisper: Transcriber, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.contract.whisper import voice_note
    from workers.transcribers import faster_whisper

    monkeypatch.setattr(faster_whisper, "LONGEST_SECONDS", 2)

    assert len(faster_whisper._decode(voice_note(10), waited_for)) == 2 * faster_whisper.RATE


def test_a_model_is_loaded_once_for_all_notes(whisper: Any, model: Path) -> None:
    whisper.check()
    first = whisper._whisper
    assert str(model) in whisper.check()
    assert whisper._whisper is first


def test_a_model_that_is_not_there_is_rejected_and_not_tried_with_each_note(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper", reason="the voice extra is not installed")
    settings = load_settings(transcriber="faster-whisper", transcriber_model=str(tmp_path))
    found = jobs.open_transcriber(settings)
    assert found is not None
    for words in ("cannot be loaded", "is not there"):
        with pytest.raises(Rejected, match=words):
            found.transcribe(OGG, "audio/ogg", "es", waited_for)


class Segment:
    text = " hola"


class Whisper:
    """Says what it was asked to listen for; ``sure`` of a language it hears as German."""

    def __init__(self, sure: float) -> None:
        self.language, self.language_probability = "de", sure
        self.asked: list[str | None] = []

    def transcribe(self, samples: Any, language: str | None = None, **_: Any) -> tuple[Iterator[Segment], Any]:
        self.asked.append(language)
        return iter([Segment(), Segment()]), self


def spoken(whisper: Whisper, over: Callable[[], bool] = waited_for, seconds: float = 60) -> str:
    from workers.transcribers.faster_whisper import FasterWhisper

    return FasterWhisper("tiny", "cpu", seconds)._spoken(whisper, [], "es", over)


@pytest.mark.parametrize(("sure", "asked"), [(0.9, [None]), (0.2, [None, "es"])])
def test_people_speak_what_they_like(sure: float, asked: list[str | None]) -> None:
    """Whisper tells the language; the person's own is only a hint for where it cannot."""
    whisper = Whisper(sure)

    assert spoken(whisper) == "hola hola"
    assert whisper.asked == asked


def test_a_note_that_takes_too_long_is_heard_as_far_as_it_goes() -> None:
    assert spoken(Whisper(0.9), seconds=-1) == "hola …"


def test_a_note_that_nobody_waits_for_is_not_heard_to_its_end() -> None:
    with pytest.raises(Unavailable):
        spoken(Whisper(0.9), over=lambda: True)


def test_who_waits_for_the_model_may_stop_waiting() -> None:
    from workers.transcribers.faster_whisper import FasterWhisper

    one, over = FasterWhisper("tiny", "cpu", 60), threading.Event()
    with one._busy:
        over.set()
        with pytest.raises(Unavailable):
            one.transcribe(OGG, "audio/ogg", "es", over.is_set)


def test_without_the_extra_the_setting_says_what_to_install() -> None:
    import importlib.util

    if importlib.util.find_spec("faster_whisper"):
        pytest.skip("the voice extra is installed")
    with pytest.raises(SettingsError, match="EXTRAS=voice"):
        jobs.open_transcriber(load_settings(transcriber="faster-whisper"))
