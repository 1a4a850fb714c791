"""The compose file as a whole, and its profiles for operators: `gpu`, `metrics`, `dashboard`, `ui`."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from bot.errors import SettingsError
from bot.settings import load_settings
from tests.unit.deploying import PINNED, ROOT, SECRET_NAMES, compose, compose_schema, example, strings, text
from workers.ui.command import password_of

SERVICES: dict[str, dict[str, Any]] = compose()["services"]
VERSION = tomllib.loads(text("pyproject.toml"))["project"]["version"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one}
NEW = ("worker-gpu", "prometheus", "grafana", "dashboard", "ui")


def errors(document: dict[str, Any]) -> list[str]:
    return [error.message for error in Draft202012Validator(compose_schema()).iter_errors(document)]


def test_the_file_follows_composes_own_schema() -> None:
    """Anchors and merges resolved; and the schema would tell of a misspelt word."""
    found = compose()
    broken = copy.deepcopy(found)
    broken["services"]["grafana"]["read_onely"] = True

    assert errors(found) == []
    assert errors(broken) != []


def test_every_variable_is_one_of_the_example_file() -> None:
    named = {name for one in strings(compose()) for name in re.findall(r"(?<!\$)\$\{(\w+)", one)}

    assert {"REDIS_PASSWORD", "GRAFANA_PASSWORD", "DASHBOARD_PASSWORD", "DEFAULT_LANGUAGE"} <= named <= set(example())


def test_no_profile_stops_whoever_does_not_use_it() -> None:
    """Compose reads the whole file for each: only what every service needs may be mandatory in it."""
    demanded = {name for one in strings(compose()) for name in re.findall(r"\$\{(\w+):\?", one)}

    assert demanded == {"REDIS_PASSWORD"}


def test_every_image_has_a_number() -> None:
    """Ours the project's own, the others their makers'."""
    images = {name: one["image"] for name, one in SERVICES.items()}

    assert [image for image in images.values() if not PINNED.fullmatch(image)] == []
    assert {images[name].partition(":")[2] for name in OURS} == {VERSION}
    assert {one["build"]["target"] + "|" + one["image"].partition(":")[0] for one in OURS.values()} == {
        "light|recado", "gpu|recado-gpu", "dashboard|recado-dashboard", "ui|recado-ui"
    }  # fmt: skip


def test_no_secret_stands_in_it() -> None:
    """Whatever is named like one comes from .env."""
    given = [pair for one in SERVICES.values() for pair in one.get("environment", {}).items()]
    secrets = {name: str(value) for name, value in given if SECRET_NAMES.search(name)}

    assert {"GF_SECURITY_ADMIN_PASSWORD", "DASHBOARD_PASSWORD"} <= set(secrets)
    assert [name for name, value in secrets.items() if not re.fullmatch(r"\$\{[^}]+\}", value)] == []


@pytest.mark.parametrize("name", NEW)
def test_an_operators_service_starts_only_when_asked_for_and_is_closed(name: str) -> None:
    service = SERVICES[name]

    assert len(service["profiles"]) == 1
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_every_file_and_volume_that_is_mounted_exists() -> None:
    mounts = [one for service in SERVICES.values() for one in service.get("volumes", [])]
    files = [one["source"] for one in mounts if isinstance(one, dict) and not one["source"].startswith("$")]
    named = {one.partition(":")[0] for one in mounts if isinstance(one, str)}

    assert [file for file in files if not (ROOT / file).exists()] == []
    assert named == set(compose()["volumes"])
    assert all(one["read_only"] for one in mounts if isinstance(one, dict))


def stages() -> dict[str, tuple[str, str]]:
    """The Dockerfile's stages: what each begins with, and what it does."""
    parts = re.split(r"^FROM (\S+) AS (\S+)\n", text("Dockerfile"), flags=re.MULTILINE)[1:]
    return {name: (base, body) for base, name, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True)}


def test_the_image_has_a_stage_for_every_target() -> None:
    """`light` is what is built where nobody says which; only `gpu` gets the extra with torch in it, and `ui` Gradio."""
    found = stages()

    assert {one["build"]["target"] for one in OURS.values()} <= set(found)
    assert list(found)[-1] == "light"
    assert {name for name, (_, body) in found.items() if '".[local]"' in body} == {"build-gpu"}
    assert {name for name, (_, body) in found.items() if '".[ui]"' in body} == {"build-ui"}
    assert "COPY --from=build-gpu /opt/recado" in found["gpu"][1]
    assert "COPY --from=build-ui /opt/recado" in found["ui"][1]
    assert "COPY --from=build /opt/recado" in found["light"][1]


def test_every_target_runs_as_the_same_nobody() -> None:
    """None becomes root again after the stage in which all of them begin."""
    found = stages()
    targets = {one["build"]["target"] for one in OURS.values()}

    assert {found[name][0] for name in targets} == {"runtime"}
    assert re.findall(r"^USER (.+)$", text("Dockerfile"), re.MULTILINE) == ["recado"]
    assert "USER recado" in found["runtime"][1]
    assert "--uid 10001" in found["runtime"][1]


def test_the_image_is_given_every_file_that_it_copies() -> None:
    let_in = {line[1:] for line in text(".dockerignore").split() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text("Dockerfile"), re.MULTILINE)
    names = {name for line in copied for name in line.split()}

    assert names == let_in
    assert all((ROOT / name).exists() for name in names)


def test_the_gpu_worker_is_the_worker_with_a_gpu() -> None:
    """It keeps the models that it has downloaded, where its user may write."""
    light, heavy = SERVICES["worker"], SERVICES["worker-gpu"]
    differing = {name for name in heavy if heavy[name] != light.get(name)}
    (device,) = heavy["deploy"]["resources"]["reservations"]["devices"]

    assert differing == {"profiles", "build", "image", "environment", "volumes", "deploy"}
    assert (device["driver"], device["count"], device["capabilities"]) == ("nvidia", 1, ["gpu"])
    assert heavy["environment"] == light["environment"] | {"LLM_PROVIDER": "local", "LLM_CACHE_DIR": "/models"}
    assert "weights:/models" in heavy["volumes"]
    assert "mkdir /models && chown recado /models" in stages()["runtime"][1]


def test_prometheus_reads_what_compose_starts() -> None:
    """The receiver and all workers, at the ports that compose gives them."""
    config = yaml.safe_load(text("deploy/prometheus/prometheus.yml"))
    found = {job["job_name"]: job["dns_sd_configs"][0] for job in config["scrape_configs"]}
    read = {name: found[job]["port"] for job in found for name in found[job]["names"]}

    assert read == {
        "receiver": SERVICES["receiver"]["environment"]["PORT"],
        "worker": SERVICES["worker"]["environment"]["WORKER_METRICS_PORT"],
        "worker-gpu": SERVICES["worker-gpu"]["environment"]["WORKER_METRICS_PORT"],
    }
    assert {one["type"] for one in found.values()} == {"A"}
    assert [name for name in config["rule_files"] if not (ROOT / "deploy/prometheus" / name).is_file()] == []


def test_grafana_shows_prometheus_to_nobody_without_a_password() -> None:
    service = SERVICES["grafana"]["environment"]
    (source,) = yaml.safe_load(text("deploy/grafana/provisioning/datasources/prometheus.yml"))["datasources"]
    (provider,) = yaml.safe_load(text("deploy/grafana/provisioning/dashboards/recado.yml"))["providers"]
    home = service["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    assert service["GF_AUTH_ANONYMOUS_ENABLED"] == service["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert source["url"] == "http://prometheus:9090"
    assert home.startswith(provider["options"]["path"])
    for language in ("es", "en"):
        here = home.replace("/etc", "deploy").replace("${DEFAULT_LANGUAGE:-es}", language)
        assert (ROOT / here).is_file()


@pytest.mark.parametrize(("password", "code"), [("", 2), ("eleven-long", 2), ("twelve-longs", 127)])
def test_grafana_does_not_start_with_a_password_that_is_none(password: str, code: int) -> None:
    """Without one Grafana itself would take admin. With one its own start follows, which this machine does not have."""
    program, flag, script = (word.replace("$$", "$") for word in SERVICES["grafana"]["entrypoint"])
    env = {"GF_SECURITY_ADMIN_PASSWORD": password}
    found = subprocess.run(
        [f"/bin/{program}", flag, script], env=env, capture_output=True, text=True, timeout=10, check=False
    )

    assert found.returncode == code
    assert ("GRAFANA_PASSWORD" in found.stderr) is (code == 2)


def test_the_dashboard_gets_two_settings_and_no_other() -> None:
    """It has Redis and its password; the platforms' and the models' keys are not its business."""
    service = SERVICES["dashboard"]

    assert set(service["environment"]) == {"REDIS_URL", "DASHBOARD_PASSWORD"}
    assert "env_file" not in service
    assert service["environment"]["REDIS_URL"] == SERVICES["receiver"]["environment"]["REDIS_URL"]
    assert service["ports"] == ["127.0.0.1:9181:9181"]


def test_the_chat_page_is_the_receivers_twin_with_a_door_of_its_own() -> None:
    """Published on this machine alone, on .env's port; inside, address and port are fixed, whatever .env says."""
    page, receiver = SERVICES["ui"], SERVICES["receiver"]
    differing = {name for name in page if page[name] != receiver.get(name)}

    assert differing == {"profiles", "build", "image", "command", "environment", "ports"}
    assert page["command"] == ["python", "-m", "workers", "ui"]
    assert page["environment"] == receiver["environment"] | {"UI_HOST": "0.0.0.0", "UI_PORT": 7860}
    assert page["ports"] == ["127.0.0.1:${UI_PORT:-7860}:7860"]


def test_in_its_container_the_chat_page_demands_a_password() -> None:
    """The one in .env, for nothing in the compose file gives it another."""
    service = SERVICES["ui"]
    given = {name.lower(): service["environment"][name] for name in ("UI_HOST", "UI_PORT")}

    assert service["env_file"] == ".env"
    assert "UI_PASSWORD" not in service["environment"]
    with pytest.raises(SettingsError, match="UI_PASSWORD is missing"):
        password_of(load_settings("", **given, ui_password=""))
    assert password_of(load_settings("", **given, ui_password="k3-lemon-tarts-9")) == "k3-lemon-tarts-9"


def test_the_chat_pages_image_listens_where_compose_looks_for_it() -> None:
    """Without compose, too: its own address and port are those that compose gives it."""
    body = stages()["ui"][1]
    (said,) = re.findall(r"^ENV (.+)$", body, re.MULTILINE)
    (program,) = re.findall(r"^CMD (.+)$", body, re.MULTILINE)
    inside = str(SERVICES["ui"]["environment"]["UI_PORT"])

    assert dict(pair.split("=") for pair in said.split()) == {"UI_HOST": "0.0.0.0", "UI_PORT": inside}
    assert re.findall(r"^EXPOSE (.+)$", body, re.MULTILINE) == [inside]
    assert re.findall(r"http://[^']+", body) == [f"http://127.0.0.1:{inside}/healthz"]
    assert SERVICES["ui"]["ports"][0].rpartition(":")[2] == inside
    assert json.loads(program) == SERVICES["ui"]["command"]


@pytest.mark.parametrize("stage", ["runtime", "ui"])
@pytest.mark.parametrize(("status", "code"), [(200, 0), (303, 1), (503, 1)])
def test_an_image_says_how_it_is(stage: str, status: int, code: int) -> None:
    """By its own check, before a process that is well or not; a proxy for the world outside is not asked."""
    (check,) = re.findall(r'^HEALTHCHECK .+ CMD \["python", "-c", \\\n\s+"(.+)"\]$', stages()[stage][1], re.MULTILINE)
    with HTTPServer(("127.0.0.1", 0), answering(status)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        here = check.replace(":7860/", f":{server.server_port}/")
        env = {"HTTP_PROXY": "http://127.0.0.1:1", "PORT": str(server.server_port)}
        found = subprocess.run([sys.executable, "-c", here], env=env, capture_output=True, timeout=30, check=False)
        server.shutdown()

    assert found.returncode == code


def answering(status: int) -> type[BaseHTTPRequestHandler]:
    """Says ``status`` to whoever asks for /healthz."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return Page
