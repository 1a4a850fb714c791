"""What every transcriber promises, over real HTTP or with a real, tiny Whisper."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from werkzeug.wrappers import Request, Response

from bot import plugins
from bot.errors import Rejected, SettingsError, Unavailable
from bot.settings import load_settings
from simulator.processes import free_port
from simulator.server import Server
from simulator.voices import VoiceServer
from tests.unit.files import OGG
from workers import jobs
from workers.transcribers import Transcriber


def waited_for() -> bool:
    return False


@pytest.fixture
def voices() -> Iterator[VoiceServer]:
    with VoiceServer(otherwise=" ¿abrís los domingos? ") as server:
        yield server


@pytest.fixture
def remote(voices: VoiceServer) -> Iterator[Transcriber]:
    yield (found := open_openai(voices.url))
    found.close()


def open_openai(url: str, **more: Any) -> Transcriber:
    found = jobs.open_transcriber(load_settings(transcriber="openai", transcriber_base_url=url, **more))
    assert found is not None
    return found


def test_without_the_setting_nobody_listens() -> None:
    assert jobs.open_transcriber(load_settings()) is None


def test_an_unknown_transcriber_is_named_with_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match=r"faster_whisper, openai"):
        jobs.open_transcriber(load_settings(transcriber="parrot"))


@pytest.mark.parametrize("file", plugins.names("workers.transcribers"))
def test_its_name_in_the_settings_is_its_file(file: str) -> None:
    found = plugins.load("workers.transcribers", file, Transcriber)  # type: ignore[type-abstract]

    assert found.name.replace("-", "_") == file


# -- openai ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
def test_a_server_hears_the_whole_note(voices: VoiceServer, ending: str) -> None:
    """With a name that tells its kind, the model and the key; and no address."""
    found = open_openai(voices.url + ending, transcriber_model="turbo", transcriber_api_key=SecretStr("sk-1"))

    assert found.transcribe(OGG, "audio/ogg", "es", waited_for) == "¿abrís los domingos?"
    (note,) = voices.notes
    assert (note.sound, note.name, note.model, note.authorization) == (OGG, "voice.ogg", "turbo", "Bearer sk-1")
    found.close()


@pytest.mark.parametrize(
    ("mime", "name"), [("audio/mpeg", "voice.mp3"), ("audio/ogg; codecs=opus", "voice.ogg"), ("", "voice.ogg")]
)
def test_the_name_tells_the_kind_of_sound(remote: Transcriber, voices: VoiceServer, mime: str, name: str) -> None:
    remote.transcribe(b"x", mime, "en", waited_for)

    assert voices.notes[0].name == name


def test_a_key_goes_nowhere_when_there_is_none(remote: Transcriber, voices: VoiceServer) -> None:
    remote.transcribe(b"x", "", "en", waited_for)

    assert voices.notes[0].authorization == ""


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Rejected), (401, Rejected), (404, Rejected), (413, Rejected), (429, Unavailable), (500, Unavailable)],
)
def test_a_refusal_is_for_good_or_for_now(
    remote: Transcriber, voices: VoiceServer, status: int, error: type[Exception]
) -> None:
    voices.fail = [status]

    with pytest.raises(error, match=str(status)):
        remote.transcribe(OGG, "audio/ogg", "es", waited_for)
    assert remote.transcribe(OGG, "audio/ogg", "es", waited_for)


def test_a_server_that_is_away_is_away_for_now() -> None:
    found = open_openai(f"http://127.0.0.1:{free_port()}")

    with pytest.raises(Unavailable, match="TRANSCRIBER_BASE_URL"):
        found.transcribe(OGG, "audio/ogg", "es", waited_for)
    found.close()


def test_an_answer_that_is_none_is_no_text(remote: Transcriber, voices: VoiceServer) -> None:
    voices.otherwise = ["no", "text"]  # type: ignore[assignment]
    assert remote.transcribe(OGG, "audio/ogg", "es", waited_for) == "['no', 'text']"
    found = open_openai(f"{voices.url}/elsewhere")
    with pytest.raises(Rejected, match="404"):
        found.transcribe(OGG, "audio/ogg", "es", waited_for)
    found.close()


def test_the_check_sends_a_real_sound(remote: Transcriber, voices: VoiceServer) -> None:
    assert voices.url in remote.check()
    assert voices.notes[0].sound.startswith(b"RIFF")


def test_the_operator_is_told_of_it_beside_the_model(voices: VoiceServer) -> None:
    """python -m workers check, which the doctor asks too: what works, and what does not."""
    more = {
        "llm_provider": "faq",
        "business_file": Path(__file__).parents[2] / "business.example.toml",
        "transcriber": "openai",
    }
    settings = load_settings(transcriber_base_url=voices.url, **more)
    voices.fail = [500]

    (_, broken), (model, well) = list(jobs.examine(settings)), list(jobs.examine(settings))
    assert (broken.ok, model.ok, well.ok) == (False, True, True)
    assert "HTTP 500" in broken.words
    assert "whisper-1" in well.words


@pytest.mark.parametrize("url", ["", "ftp://x"])
def test_a_server_without_an_address_is_a_setting_that_is_missing(url: str) -> None:
    with pytest.raises(SettingsError, match="TRANSCRIBER_BASE_URL"):
        open_openai(url)


# -- faster-whisper --------------------------------------------------------------------------------


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
