"""The compose profiles: `vllm`, a model server of one's own behind `openai`; `https` and `poll`, the two ways in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from bot.business import Business
from bot.settings import ENV_FILE, Settings, load_settings
from workers.backends.openai import OpenAI

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
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
    assert (profiles["https"], profiles["poll"]) == (["https"], ["poll"])
    assert [name for name, profile in profiles.items() if not profile] == ["redis", "receiver", "worker"]
    assert not any(name in profiles for name in compose()["x-recado"]["depends_on"] if name != "redis")


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


CADDYFILE = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")


def test_the_https_door_leads_to_the_webhooks_and_to_nothing_else() -> None:
    """Metrics, for one, stay inside; the receiver is reached by the name and port that compose gives it."""
    receiver = compose()["services"]["receiver"]
    inside = receiver["environment"]["PORT"]

    assert re.findall(r"@ours path (.*)", CADDYFILE) == ["/webhook/* /healthz"]
    assert re.findall(r"reverse_proxy (.*)", CADDYFILE) == [f"receiver:{inside}"]
    assert CADDYFILE.index("handle @ours") < CADDYFILE.index("respond 404")
    assert re.findall(r"^\S.* \{$", CADDYFILE, re.MULTILINE) == ["{$PUBLIC_URL} {"]


def test_the_https_door_is_closed_otherwise() -> None:
    """It writes nothing but its certificates, may bind its ports and nothing else, and takes no orders."""
    service = compose()["services"]["https"]
    file, certificates = service["volumes"]

    assert (service["read_only"], service["cap_drop"], service["cap_add"]) == (True, ["ALL"], ["NET_BIND_SERVICE"])
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["ports"] == ["80:80", "443:443"]
    assert "env_file" not in service
    assert (ROOT / file["source"]).is_file()
    assert file["read_only"] is True
    assert certificates == "certificates:/data"
    assert "certificates" in compose()["volumes"]
    assert "admin off" in CADDYFILE


def test_the_https_door_takes_its_address_from_the_settings() -> None:
    """Without one the file as a whole can still be read, by whoever starts something else."""
    address = compose()["services"]["https"]["environment"]["PUBLIC_URL"]

    assert filled(address, {"PUBLIC_URL": "https://chat.my-shop.com"}) == "https://chat.my-shop.com"
    assert filled(address, {}) == "https://localhost"


def test_the_image_has_the_extras_that_the_settings_name() -> None:
    """As it is without any; each must be one of the project's."""
    given = compose()["x-recado"]["build"]["args"]["EXTRAS"]
    (default,) = re.findall(r"^ARG EXTRAS=(.+)$", DOCKERFILE, re.MULTILINE)
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]

    assert filled(given, {}) == default
    assert filled(given, {"EXTRAS": "huggingface,voice"}) == "huggingface,voice"
    assert {default, "voice"} <= set(known)
    assert '".[${EXTRAS}]"' in DOCKERFILE


def test_the_poller_is_the_receivers_twin_without_a_door() -> None:
    services = compose()["services"]
    same = set(compose()["x-recado"]) - {"healthcheck"}

    assert services["poll"]["command"] == ["python", "-m", "bot", "poll"]
    assert "ports" not in services["poll"]
    assert {name: services["poll"][name] for name in same} == {name: services["receiver"][name] for name in same}
