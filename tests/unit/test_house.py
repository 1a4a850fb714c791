"""What an operator starts with: the settings' example, the business file and the containers."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values
from pydantic import SecretStr

from bot.business import load_business
from bot.settings import ENV_FILE, Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / ".env.example"
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE_ONLY = {"DASHBOARD_PASSWORD", "EXTRAS", "GRAFANA_PASSWORD", "REDIS_PASSWORD"}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Settings.model_fields, ENV_FILE):
        monkeypatch.delenv(name.upper(), raising=False)


def example() -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(EXAMPLE).items()}


def test_the_example_lists_every_setting_and_no_other() -> None:
    assert set(example()) - COMPOSE_ONLY == {name.upper() for name in Settings.model_fields}


def test_the_example_shows_the_defaults() -> None:
    """Copying it unchanged changes nothing, and a default that is a value is written out."""
    assert Settings(_env_file=EXAMPLE) == Settings(_env_file=None)
    silent = [n for n, f in Settings.model_fields.items() if f.default in ("", None, ()) or name_is_secret(n)]
    assert {name.upper() for name in silent} | COMPOSE_ONLY == {name for name, value in example().items() if not value}


def name_is_secret(name: str) -> bool:
    return isinstance(Settings.model_fields[name].default, SecretStr)


def test_the_example_explains_each_setting_in_one_line() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    settings = [i for i, line in enumerate(lines) if re.match(r"[A-Z_]+=", line)]

    assert len(settings) == len(example())
    assert [lines[i] for i in settings if not re.match(r"# \w.*\.$", lines[i - 1])] == []


def test_the_example_holds_no_secret() -> None:
    secrets = [name.upper() for name in Settings.model_fields if name_is_secret(name)]

    assert secrets
    assert {name: example()[name] for name in (*secrets, *COMPOSE_ONLY) if example()[name]} == {}


def test_the_example_business_can_be_read() -> None:
    business = load_business(ROOT / "business.example.toml")

    assert business.name
    assert {question.language for question in business.faq} == {"es", "en"}


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
    return found


def test_compose_publishes_no_redis_and_no_model_server() -> None:
    """What people and operators open is published here alone; only the https door is open to others."""
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}

    assert published.pop("https") == ["80:80", "443:443"]
    assert set(published) == {"receiver", "prometheus", "grafana", "dashboard", "ui"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert {service.get("network_mode") for service in services().values()} == {None}


def test_compose_keeps_what_redis_accepts() -> None:
    command = services()["redis"]["command"]
    pairs = dict(zip(command[1::2], command[2::2], strict=True))

    assert pairs["--appendonly"] == "yes"
    assert pairs["--appendfsync"] == "always"
    assert pairs["--maxmemory-policy"] == "noeviction"
    assert pairs["--requirepass"].startswith("${REDIS_PASSWORD:?")
    assert services()["redis"]["volumes"] == ["redis:/data"]


def test_compose_reads_only_variables_that_the_example_explains() -> None:
    assert set(re.findall(r"\$\{([A-Z_]+)", COMPOSE)) <= set(example())
    assert re.search(r"\$[A-Za-z]", COMPOSE) is None


def test_compose_holds_no_secret() -> None:
    written = re.sub(r"\$\{[^}]*\}", "", COMPOSE)
    assert re.findall(r"(?i)(?:pass|token|secret|key|auth)\w*\s*[:=][ \t]*(?!.false.)\S.*", written) == []
    assert set(re.findall(r"://:(\S*)@", written)) == {""}


def test_workers_can_be_scaled_and_have_time_to_finish() -> None:
    assert services()["worker"]["stop_grace_period"] == "30s"
    assert not {"container_name", "ports"} & set(services()["worker"])


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


def test_images_are_pinned_and_new_enough() -> None:
    """Redis before 8.6.3 has CVE-2026-23479, Ollama before 0.17.1 has CVE-2026-7482."""
    images = {name: service["image"].split(":") for name, service in services().items()}
    script = (ROOT / "install_ollama.sh").read_text(encoding="utf-8")
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = set(re.findall(r" AS (\S+)$", dockerfile, re.MULTILINE))
    from_lines = set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) - stages

    assert all(numbers(tag)[2:] for _, tag in images.values())
    assert numbers(images["redis"][1]) >= (8, 6, 3)
    assert numbers(images["ollama"][1]) >= (0, 17, 1)
    assert f"readonly VERSION={images['ollama'][1]}\n" in script
    assert len(from_lines) == 1
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-\w+", image) for image in from_lines)


def test_dependencies_are_new_enough() -> None:
    """Below these: CVE-2022-24761 (waitress), CVE-2024-49767 (Werkzeug), CVE-2026-4372 (transformers)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    local = " ".join(project["optional-dependencies"]["local"])

    assert numbers(version("waitress")) >= (2, 1, 1)
    assert numbers(version("werkzeug")) >= (3, 0, 6)
    assert numbers(re.findall(r"transformers>=([\d.]+)", local)[0]) >= (5, 3)
    assert numbers(re.findall(r"torch>=([\d.]+)", local)[0]) >= (2, 6)


def test_the_image_does_not_run_as_root_and_says_how_it_is() -> None:
    begin, *_ = (ROOT / "Dockerfile").read_text(encoding="utf-8").partition(" AS runtime\n")[2].partition("FROM ")

    assert re.search(r"^USER recado$", begin, re.MULTILINE)
    assert "/healthz" in begin


def test_the_image_takes_no_secret_and_no_data() -> None:
    """Everything is left out but what is named."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()

    assert lines[0] == "*"
    assert not {"!.env", "!data", "!."} & set(lines)
