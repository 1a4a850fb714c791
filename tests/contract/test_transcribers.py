"""What every transcriber promises, and the one of a server, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot import plugins
from bot.errors import Rejected, SettingsError, Unavailable
from bot.settings import load_settings
from simulator.ports import free_port
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
