"""What stands in deploy/ and beside it, as its readers see it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SECRET_NAMES = re.compile(r"PASSWORD|TOKEN|SECRET|API_KEY|_DSN")
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+(?:\.\d+){1,2}(?:-[a-z]+)?")
"""An image with the number of its version."""


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text("docker-compose.yml"))
    return found


def manifests(folder: str) -> list[dict[str, Any]]:
    """Kubernetes' objects in a folder of deploy/kubernetes; kustomization.yaml is none."""
    files = sorted((DEPLOY / "kubernetes" / folder).glob("*.yaml"))
    read = [yaml.safe_load_all(file.read_text("utf-8")) for file in files if file.name != "kustomization.yaml"]
    return [one for documents in read for one in documents]


def kustomization(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text(f"deploy/kubernetes/{folder}/kustomization.yaml"))
    return found


def compose_schema() -> dict[str, Any]:
    """compose-spec's own, as check-jsonschema ships it."""
    vendor = resources.files("check_jsonschema.builtin_schemas.vendor")
    found: dict[str, Any] = json.loads((vendor / "compose-spec.json").read_text("utf-8"))
    return found


def strings(value: Any) -> Iterator[str]:
    """Every text in a document, names included."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from (*strings(name), *strings(one))
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str):
        yield value


def example() -> dict[str, str]:
    """The settings in .env.example."""
    return dict(re.findall(r"^([A-Z_0-9]+)=(.*)$", text(".env.example"), re.MULTILINE))
