"""deploy/kubernetes: valid by Kubernetes' own schemas, closed, with the settings that exist, and patient with turns."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
from jsonschema import Draft202012Validator

from bot.settings import Settings
from tests.unit.deploying import PINNED, ROOT, SECRET_NAMES, compose, kustomization, manifests, strings, text

Manifest = dict[str, Any]
VERSIONS: Final = ("1.33", "1.37")
"""One of 2025, and the newest whose schemas are here."""
FOLDERS: Final = ("base", "keda", "gpu")
ALL: Final = [one for folder in FOLDERS for one in manifests(folder)]
SCALED: Final = [one for one in ALL if one["kind"] == "ScaledObject"]
OWN: Final = [one for one in ALL if one["kind"] != "ScaledObject"]
WORKLOADS: Final = [one for one in OWN if one["kind"] in {"Deployment", "StatefulSet"}]
WORKERS: Final = [one for one in WORKLOADS if one["metadata"]["name"].startswith("worker")]
SPEC: Final = json.loads((Path(__file__).parent / "scaled_object.json").read_text("utf-8"))


def name(one: Manifest) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


def pod(one: Manifest) -> Manifest:
    found: Manifest = one["spec"]["template"]["spec"]
    return found


def containers(one: Manifest) -> list[Manifest]:
    return [*pod(one)["containers"], *pod(one).get("initContainers", [])]


def environment(one: Manifest) -> dict[str, Any]:
    (container,) = containers(one)
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("one", OWN, ids=name)
def test_kubernetes_itself_knows_every_field(one: Manifest, version: str) -> None:
    kubernetes_validate.validate(one, version, strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    broken = copy.deepcopy(WORKERS[0])
    broken["spec"]["template"]["spec"]["terminationGraceSeconds"] = 360

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("one", SCALED, ids=name)
def test_keda_documents_every_field(one: Manifest) -> None:
    """And Kubernetes those that KEDA passes on to its autoscaler."""
    behavior = one["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"}
    passed_on = {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "worker"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 2, "behavior": behavior},
    }  # fmt: skip

    assert [error.message for error in Draft202012Validator(SPEC).iter_errors(one)] == []
    kubernetes_validate.validate(passed_on, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("one", WORKLOADS, ids=name)
def test_every_pod_keeps_to_the_restricted_standard(one: Manifest) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, and writes nothing into its image."""
    security = pod(one)["securityContext"]

    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(one)["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod(one))
    assert not any("hostPath" in volume for volume in pod(one).get("volumes", []))
    for container in containers(one):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
        }  # fmt: skip
        assert not any("hostPort" in port for port in container.get("ports", []))
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]


def test_every_image_is_the_one_that_compose_starts() -> None:
    """With the number of its version; kustomize knows ours by name, so that they can come from a registry."""
    images = {container["image"] for one in WORKLOADS for container in containers(one)}
    renamed = {
        f"{one['name']}:{one['newTag']}" for folder in FOLDERS for one in kustomization(folder).get("images", [])
    }

    assert images == {compose()["services"][name]["image"] for name in ("receiver", "worker-gpu", "redis")}
    assert all(PINNED.fullmatch(image) for image in images)
    assert renamed == {image for image in images if image.startswith("recado")}


def test_no_secret_stands_in_any_file() -> None:
    """All come from the .env beside them, which git ignores; the pods refer to it."""
    given = {pair for one in WORKLOADS for pair in environment(one).items() if isinstance(pair[1], str)}
    (generator,) = kustomization("base")["secretGenerator"]

    assert "Secret" not in {one["kind"] for one in ALL}
    assert [pair for pair in given if SECRET_NAMES.search(pair[0]) and "$(" not in pair[1]] == []
    assert (generator["files"], generator["envs"]) == (["env=.env"], [".env"])
    assert {".env", "business.toml"} <= set(text(".gitignore").split())
    assert {
        one["secretKeyRef"]["name"] for w in WORKLOADS for one in environment(w).values() if isinstance(one, dict)
    } == {generator["name"]}


def test_every_setting_that_a_pod_is_given_exists() -> None:
    """And each of ours reads the same .env, whose password is the one that Redis gets."""
    ours = [one for one in WORKLOADS if one["metadata"]["name"] != "redis"]
    known = {field.upper() for field in Settings.model_fields} | {"RECADO_ENV_FILE", "REDIS_PASSWORD"}
    referred = re.findall(r"\$\((\w+)\)", " ".join(strings(WORKLOADS)))

    for one in ours:
        assert set(environment(one)) <= known
        assert environment(one)["RECADO_ENV_FILE"] == "/etc/recado/env"
        assert environment(one)["REDIS_URL"] == "redis://:$(REDIS_PASSWORD)@redis:6379/0"
        Settings(_env_file=None, **{k.lower(): v for k, v in environment(one).items() if isinstance(v, str)})
    assert set(referred) == {"REDIS_PASSWORD", "REDISCLI_AUTH"}
    assert "REDIS_PASSWORD=" in text(".env.example")


def mounts(one: Manifest) -> Iterator[str]:
    for container in containers(one):
        yield from (mount["name"] for mount in container.get("volumeMounts", []))


@pytest.mark.parametrize("one", WORKLOADS, ids=name)
def test_what_is_mounted_is_there_and_what_is_there_is_mounted(one: Manifest) -> None:
    claims = [claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", [])]

    assert sorted(mounts(one)) == sorted([volume["name"] for volume in pod(one).get("volumes", [])] + claims)


def test_everything_that_points_at_pods_finds_some() -> None:
    """Services, budgets and network policies by their labels, an ingress by name, a scaler by kind and name."""
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in WORKLOADS]
    selectors = [
        one["spec"]["selector"]
        if one["kind"] == "Service"
        else one["spec"].get("selector", one["spec"].get("podSelector"))
        for one in OWN
        if one["kind"] in {"Service", "PodDisruptionBudget", "NetworkPolicy", "Deployment", "StatefulSet"}
    ]
    targets = {(one["spec"]["scaleTargetRef"]["kind"], one["spec"]["scaleTargetRef"]["name"]) for one in SCALED}

    assert len(selectors) > 8
    for selector in selectors:
        wanted = selector.get("matchLabels", selector)
        assert any(wanted.items() <= one.items() for one in labels), selector
    assert targets == {(one["kind"], one["metadata"]["name"]) for one in WORKERS}


def test_every_file_is_part_of_what_is_applied() -> None:
    """And each folder holds what its kustomization.yaml names; what it generates from is the operator's."""
    for folder in FOLDERS:
        here = ROOT / "deploy" / "kubernetes" / folder
        files = {file.name for file in here.glob("*.yaml")} - {"kustomization.yaml"}
        assert set(kustomization(folder)["resources"]) - {"../base"} == files
        assert not any("namespace" in one["metadata"] for one in manifests(folder))


def test_redis_keeps_what_it_accepts_and_is_reached_by_ours_alone() -> None:
    """As in compose, and full (maxmemory) before the cluster would kill it; no address outside the cluster leads to it,
    and within it only our own pods get through."""
    (redis,) = [one for one in WORKLOADS if one["metadata"]["name"] == "redis"]
    (container,) = containers(redis)
    doors = [one["spec"].get("type", "ClusterIP") for one in OWN if one["kind"] == "Service"]
    (policy,) = [one for one in OWN if name(one) == "NetworkPolicy/redis"]
    (rule,) = policy["spec"]["ingress"]
    args = [
        "$(REDISCLI_AUTH)" if arg.startswith("${") else arg for arg in compose()["services"]["redis"]["command"][1:]
    ]

    place = container["args"].index("--maxmemory")
    assert int(container["args"][place + 1].removesuffix("gb")) < int(container["resources"]["limits"]["memory"][:-2])
    assert container["args"][:place] + container["args"][place + 2 :] == args
    assert set(doors) == {"ClusterIP"}
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "recado"}}}]
    assert "egress" not in policy["spec"]
    assert "Egress" in policy["spec"]["policyTypes"]


def test_only_the_webhooks_are_let_in_from_outside() -> None:
    (ingress,) = [one for one in OWN if one["kind"] == "Ingress"]
    paths = [(path["path"], path["pathType"]) for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]

    assert paths == [("/webhook", "Prefix")]
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"] for rule in ingress["spec"]["rules"]]


def test_the_receiver_is_asked_where_it_answers() -> None:
    (receiver,) = [one for one in WORKLOADS if one["metadata"]["name"] == "receiver"]
    (container,) = containers(receiver)
    probes = {kind: container[kind]["httpGet"]["path"] for kind in ("livenessProbe", "readinessProbe")}

    assert receiver["spec"]["replicas"] == 2
    assert probes == {"livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert container["ports"] == [{"name": "http", "containerPort": int(environment(receiver)["PORT"])}]


@pytest.mark.parametrize("one", WORKERS, ids=name)
def test_a_worker_that_ends_has_time_for_its_longest_turn(one: Manifest) -> None:
    """It drains for longer than a turn may think, and is killed only a while after that."""
    drain = float(environment(one)["DRAIN_SECONDS"])

    assert drain >= Settings.model_fields["turn_seconds"].default + 15
    assert pod(one)["terminationGracePeriodSeconds"] >= drain + 15
    assert "replicas" not in one["spec"] or one["metadata"]["name"] == "redis"


@pytest.mark.parametrize("one", SCALED, ids=name)
def test_scaling_takes_no_worker_from_a_turn_that_runs(one: Manifest) -> None:
    """Turns that are thought count, a worker has no fewer slots than turns, and none is away for a moment's lull."""
    (trigger,) = one["spec"]["triggers"]
    asked = trigger["metadata"]
    down = one["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]

    assert asked["query"] == 'sum(max by (state) (recado_turns{state=~"waiting|listening|thinking"}))'
    assert float(asked["threshold"]) <= Settings.model_fields["worker_concurrency"].default
    assert one["spec"]["minReplicaCount"] >= 1
    assert down["stabilizationWindowSeconds"] == one["spec"]["cooldownPeriod"] >= 300
    assert asked["ignoreNullValues"] == "false"
    assert one["spec"]["fallback"]["behavior"] == "currentReplicasIfHigher"


def test_each_gpu_worker_has_one_gpu_and_the_light_ones_are_gone() -> None:
    """Its settings are those of compose's."""
    (worker,) = [one for one in WORKERS if one["metadata"]["name"] == "worker-gpu"]
    (container,) = containers(worker)
    theirs = compose()["services"]["worker-gpu"]["environment"]

    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert kustomization("gpu")["replicas"] == [{"name": "worker", "count": 0}]
    assert {key: environment(worker)[key] for key in ("LLM_PROVIDER", "LLM_CACHE_DIR", "WORKER_METRICS_PORT")} == {
        key: str(theirs[key]) for key in ("LLM_PROVIDER", "LLM_CACHE_DIR", "WORKER_METRICS_PORT")
    }
    assert theirs["LLM_CACHE_DIR"] in {mount["mountPath"] for mount in container["volumeMounts"]}
