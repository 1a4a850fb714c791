"""Where a local model comes from: a folder, or the Hub; and what the operator reads when it does not come."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants

from bot.errors import SettingsError
from bot.settings import Settings, load_settings
from tests.unit.hub_server import COMMIT, REPOSITORY, Hub, hub
from workers.backends.local.hub import DEFAULT_MODEL, find_model

FILES = {
    "config.json": b"{}",
    "tokenizer.json": b"[]",
    "chat_template.jinja": b"hola",
    "model.safetensors": b"weights",
    "pytorch_model.bin": b"a pickle",
    "modeling_tiny.py": b"code",
    "consolidated.safetensors": b"the same again",
    "original/model.safetensors": b"and again",
}
TAKEN = {"config.json", "tokenizer.json", "chat_template.jinja", "model.safetensors"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub on this machine instead of the real one."""
    with hub(FILES) as found:
        monkeypatch.setattr(constants, "ENDPOINT", found.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", found.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        huggingface_hub.close_session()
        yield found
        huggingface_hub.close_session()


def wanted(cache: Path, **changes: Any) -> Settings:
    return load_settings(**({"llm_model": REPOSITORY, "llm_cache_dir": cache} | changes))


def test_only_what_a_model_needs_is_downloaded(world: Hub, tmp_path: Path) -> None:
    """No pickle, no code, no second copy of the weights; into the folder of LLM_CACHE_DIR."""
    found = find_model(wanted(tmp_path))

    assert {str(file.relative_to(found.folder)) for file in found.folder.rglob("*")} == TAKEN
    assert found.folder.is_relative_to(tmp_path)
    assert (found.folder / "model.safetensors").read_bytes() == b"weights"
    assert [line for line in world.asked if ".bin" in line or ".py" in line or "original" in line] == []


def test_the_commit_is_said_so_that_it_can_be_pinned(
    world: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "recado.model"):
        assert find_model(wanted(tmp_path, llm_revision="v1")).name == f"{REPOSITORY} at {COMMIT[:12]}"
    assert f"LLM_REVISION={COMMIT}" in caplog.text


def test_a_pinned_commit_is_what_is_taken(world: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is asked what ``main`` is today, and there is nothing to say."""
    with caplog.at_level(logging.INFO, "recado.model"):
        assert find_model(wanted(tmp_path, llm_revision=COMMIT)).folder.name == COMMIT
    assert [line for line in world.asked if "/revision/" in line] == []
    assert "LLM_REVISION" not in caplog.text


def test_what_was_downloaded_serves_without_the_hub(
    world: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find_model(wanted(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert find_model(wanted(tmp_path)) == first


def test_the_token_is_sent_where_there_is_one(world: Hub, tmp_path: Path) -> None:
    find_model(wanted(tmp_path, huggingface_api_key="hf_of_the_bakery"))
    assert world.keys == {"Bearer hf_of_the_bakery"}


@pytest.mark.parametrize(
    ("error", "way_out"),
    [
        ((403, "GatedRepo"), "licence accepted: at https://huggingface.co/la-espiga/tiny.*HUGGINGFACE_API_KEY"),
        ((404, "RepoNotFound"), "There is no la-espiga/tiny on the Hub.*Check LLM_MODEL"),
        ((404, "RevisionNotFound"), "no revision main.*Check LLM_REVISION"),
    ],
)
def test_a_refusal_of_the_hub_says_what_to_do(world: Hub, tmp_path: Path, error: tuple[int, str], way_out: str) -> None:
    world.error = error
    with pytest.raises(SettingsError, match=way_out):
        find_model(wanted(tmp_path, llm_revision="main"))


@pytest.mark.parametrize("model", ["", REPOSITORY])
def test_a_model_that_is_not_here_and_no_hub_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    """Without LLM_MODEL, it is the default one's name that is said."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()
    with pytest.raises(
        SettingsError, match=f"^{model or DEFAULT_MODEL} is not on this machine.*LLM_MODEL to its folder"
    ):
        find_model(wanted(tmp_path, llm_model=model))


def test_a_cache_that_cannot_be_written_to_names_the_setting(world: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="Set LLM_CACHE_DIR"):
        find_model(wanted(tmp_path / "file"))


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert find_model(load_settings(llm_model=str(tmp_path))).folder == tmp_path
    with pytest.raises(SettingsError, match="LLM_REVISION is for models from the Hub"):
        find_model(load_settings(llm_model=str(tmp_path), llm_revision="v1"))


@pytest.mark.parametrize("name", ["mistral:7b", "/no/such/model", "./model", "a/b/c", "https://huggingface.co/a/b"])
def test_what_is_no_name_is_refused_before_anybody_is_asked(name: str) -> None:
    with pytest.raises(SettingsError, match=r"neither a folder nor a model's name.*LLM_PROVIDER=ollama"):
        find_model(load_settings(llm_model=name))
