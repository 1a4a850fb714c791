"""The compose profile `vllm`: a model server of one's own, behind the `openai` backend."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from bot.business import Business
from bot.settings import ENV_FILE, Settings, load_settings
from workers.backends.openai import OpenAI

ROOT = Path(__file__).parents[2]
CHAT = {"--max-model-len", "--max-num-seqs", "--gpu-memory-utilization", "--enable-prefix-caching"}


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


def filled(value: Any, env: dict[str, str]) -> str:
    """A value as compose reads it: ``${NAME:-default}``, where empty counts as not set."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: str(env.get(found[1]) or found[2]), str(value))


def command(env: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The model that compose starts vLLM with, and its flags."""
    return read([filled(word, env) for word in compose()["services"]["vllm"]["command"]])


def read(line: list[str]) -> tuple[str, dict[str, str]]:
    model, *words = line
    pairs = zip(words, [*words[1:], ""], strict=True)
    return model, {word: "" if after.startswith("--") else after for word, after in pairs if word.startswith("--")}


def documented() -> str:
    """What docs/models.md tells to write into `.env` for this profile."""
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    found: list[str] = re.findall(r"^```ini\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return next(block for block in found if "vllm" in block)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Settings.model_fields, ENV_FILE):
        monkeypatch.delenv(name.upper(), raising=False)


def test_vllm_starts_only_when_asked_for() -> None:
    """Whoever says `docker compose up` alone gets no GPU container, and the other profile stays."""
    profiles = {name: service.get("profiles") for name, service in compose()["services"].items()}

    assert profiles["vllm"] == ["vllm"]
    assert profiles["ollama"] == ["ollama"]
    assert not any(name in ("vllm", "ollama") for name in compose()["x-recado"]["depends_on"])


def test_the_command_without_docker_is_the_same() -> None:
    """What docs/models.md shows for a machine without compose has compose's model and flags."""
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^vllm serve (.+)$", page, re.MULTILINE)
    model, flags = read(line.split())
    ours = command({})

    assert model == ours[0]
    assert {"--host", "--port", "--load-format", *CHAT} == set(flags)
    assert flags["--host"] == "127.0.0.1"
    assert {name: flags[name] for name in CHAT} == {name: ours[1][name] for name in CHAT}


def test_nobody_outside_reaches_vllm() -> None:
    """Its key guards only some of its addresses, so none of them is published."""
    service = compose()["services"]["vllm"]

    assert not {"ports", "network_mode", "expose"} & set(service)
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_an_env_without_any_setting_still_gives_a_whole_command() -> None:
    """The file is read as a whole for every profile, so an empty setting may stop nobody."""
    model, flags = command({})

    assert "/" in model
    assert set(flags) >= CHAT
    assert all(flags[name] for name in CHAT - {"--enable-prefix-caching"})


def test_vllm_takes_the_settings_that_the_workers_have() -> None:
    """As many conversations at once, as long a context, the same model, revision and key."""
    env = {"LLM_MODEL": "me/mine", "LLM_PARALLEL": "9", "CONTEXT_TOKENS": "5000", "LLM_REVISION": "abc"}
    model, flags = command(env)
    secrets = compose()["services"]["vllm"]["environment"]

    assert (model, flags["--max-num-seqs"], flags["--max-model-len"]) == ("me/mine", "9", "5000")
    assert flags["--revision"] == "abc"
    assert filled(secrets["VLLM_API_KEY"], {"LLM_API_KEY": "k"}) == "k"


def test_without_settings_vllm_takes_as_many_at_once_as_the_workers_send() -> None:
    assert int(command({})[1]["--max-num-seqs"]) == OpenAI.default_parallel


def test_weights_are_safetensors_and_no_code_of_theirs_runs() -> None:
    flags = command({})[1]

    assert flags["--load-format"] == "safetensors"
    assert "--trust-remote-code" not in flags


def test_vllm_is_watched_and_keeps_what_it_downloaded() -> None:
    service = compose()["services"]["vllm"]
    (volume,) = service["volumes"]
    (device,) = service["deploy"]["resources"]["reservations"]["devices"]

    assert "/health" in service["healthcheck"]["test"][-1]
    assert volume == f"vllm:{service['environment']['HOME']}"
    assert volume.partition(":")[0] in compose()["volumes"]
    assert "gpu" in device["capabilities"]


def test_the_documented_env_lines_lead_to_the_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written into `.env` as they stand, the workers ask the service at its own name and port."""
    (tmp_path / "env").write_text(documented(), encoding="utf-8")
    monkeypatch.setenv(ENV_FILE, str(tmp_path / "env"))
    settings = load_settings()
    backend = OpenAI.from_settings(settings, Business())
    servers = backend.servers("anybody")
    backend.close()
    model, flags = command({name: value or "" for name, value in dotenv_values(tmp_path / "env").items()})

    assert (settings.llm_provider, servers) == ("openai", ("http://vllm:8000",))
    assert model == settings.llm_model
    assert int(flags["--max-num-seqs"]) == settings.llm_parallel
