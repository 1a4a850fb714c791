"""What deploy/ asks Prometheus for: it understands the question, and a receiver or a worker tells of the answer."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry

from bot import web
from bot.figures import QueueCollector
from bot.settings import Settings
from bot.stores.connection import Store
from tests.unit.deploying import DEPLOY, manifests, text
from tests.unit.test_web import settings
from workers.metrics import Metrics

GRAFANA = DEPLOY / "grafana"
LANGUAGES = ("en", "es")
OF_PROMETHEUS: Final = {"up": {"job", "instance"}}
OF_TARGETS: Final = {"job", "instance"}
"""What Prometheus itself adds to each figure."""
GPU: Final = {"recado_gpu_memory_bytes": {"device", "kind"}}
"""Not told of by a machine without one."""
SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}

Rule = dict[str, Any]


def rules() -> list[Rule]:
    (group,) = yaml.safe_load(text("deploy/prometheus/alerts.yml"))["groups"]
    found: list[Rule] = group["rules"]
    return found


def dashboard(language: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GRAFANA / "dashboards" / f"recado.{language}.json").read_text("utf-8"))
    return found


def charts(language: str) -> list[dict[str, Any]]:
    return [panel for panel in dashboard(language)["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    """Every question to Prometheus in deploy/: alerts, dashboards, KEDA."""
    shown = [target["expr"] for panel in charts("en") for target in panel["targets"]]
    scaled = [one for folder in ("keda", "gpu") for one in manifests(folder) if one["kind"] == "ScaledObject"]
    asked = [trigger["metadata"]["query"] for one in scaled for trigger in one["spec"]["triggers"]]
    return [rule["expr"] for rule in rules()] + [expr.replace("$__rate_interval", "1m") for expr in shown] + asked


def parts(node: Any) -> Iterator[Any]:
    """A question taken apart, by Prometheus' own grammar."""
    yield node
    for name in ("lhs", "rhs", "expr", "vector_selector"):
        if hasattr(node, name):
            yield from parts(getattr(node, name))
    for one in getattr(node, "args", ()):
        yield from parts(one)


def asked(expr: str) -> tuple[set[str], set[str]]:
    """The metrics that a question is about, and the labels that it names."""
    nodes = list(parts(promql_parser.parse(expr)))
    selectors = [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]
    grouped = [node.modifier for node in nodes if isinstance(node, promql_parser.AggregateExpr) and node.modifier]
    labels = {matcher.name for one in selectors for matcher in one.matchers.matchers}
    return {one.name for one in selectors}, labels | {label for one in grouped for label in one.labels}


def told(registry: CollectorRegistry) -> dict[str, set[str]]:
    """What a process tells of, happened yet or not: its names as they are scraped, each with its labels."""
    found: dict[str, set[str]] = {}
    for collector in list(registry._collector_to_names):
        for family in collector.collect():
            labels = set(getattr(family, "_labelnames", ())) | set(getattr(collector, "_labelnames", ()))
            for suffix in SUFFIXES.get(family.type, ("",)):
                found[f"{family.name}{suffix}"] = labels | ({"le"} if suffix == "_bucket" else set())
    return found


def of_redis(store: Store, redis_dir: Path) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(QueueCollector(store, settings(redis_dir)))
    return registry


@pytest.fixture
def known(store: Store, redis_dir: Path) -> dict[str, set[str]]:
    """By name and labels, what a receiver and a worker tell of."""
    counted = CollectorRegistry()
    web.Metrics(counted)
    return told(counted) | told(of_redis(store, redis_dir)) | told(Metrics().registry) | GPU | OF_PROMETHEUS


def test_the_receivers_own_page_has_these_names(store: Store, redis_dir: Path, known: dict[str, set[str]]) -> None:
    """That is where Prometheus finds them, and its process's memory beside them."""
    page = web.create_app(settings(redis_dir)).test_client().get("/metrics").text
    typed = {
        f"{name}{suffix if kind != 'counter' else ''}"
        for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", page, re.MULTILINE)
        for suffix in SUFFIXES.get(kind, ("",))
    }

    assert "process_resident_memory_bytes" in typed
    assert {name for name in told(of_redis(store, redis_dir)) if name.startswith("recado_")} <= typed <= set(known)


@pytest.mark.parametrize("expr", expressions())
def test_every_question_is_about_what_is_told(expr: str, known: dict[str, set[str]]) -> None:
    """Each metric exists under that name, and each label that is asked for is one of its own."""
    metrics, labels = asked(expr)

    assert metrics
    assert metrics <= set(known)
    assert labels <= set().union(*(known[name] for name in metrics), OF_TARGETS)


def test_each_value_that_is_asked_for_is_told_of(store: Store, redis_dir: Path) -> None:
    """A reason or a state by another word would never be found, and its alert never ring."""
    client = web.create_app(settings(redis_dir)).test_client()
    client.post("/webhook/telegram", json={})
    page = client.get("/metrics").text
    nodes = [node for expr in expressions() for node in parts(promql_parser.parse(expr)) if hasattr(node, "matchers")]
    pairs = [(one.name, value) for node in nodes for one in node.matchers.matchers for value in one.value.split("|")]

    assert ("reason", "forged") in pairs
    assert [pair for pair in pairs if pair[0] != "job" and '{}="{}"'.format(*pair) not in page] == []


def test_a_name_that_nobody_tells_of_would_be_found(known: dict[str, set[str]]) -> None:
    assert not asked('sum by (le) (rate(recado_turn_waited_second_bucket{channel="x"}[5m]))')[0] <= set(known)
    assert asked('max by (a) (b{c="d"}) + e') == ({"b", "e"}, {"a", "c"})
    with pytest.raises(ValueError, match="invalid"):
        promql_parser.parse("max by (state) recado_turns")


def test_nothing_in_redis_is_counted_once_for_each_receiver(store: Store, redis_dir: Path) -> None:
    """All receivers tell of the same Redis, so those figures are never added up as they come."""
    shared = set(told(of_redis(store, redis_dir)))
    summed = [
        node.expr
        for expr in expressions()
        for node in parts(promql_parser.parse(expr))
        if isinstance(node, promql_parser.AggregateExpr) and str(node.op) == "sum"
    ]
    direct = {name for expr in summed if not has_max(expr) for name in names(expr)}

    assert {"recado_turns", "recado_workers", "recado_leases_lost_total"} <= shared
    assert "recado_turns_total" in direct
    assert direct & shared == set()


def has_max(expr: Any) -> bool:
    return any(isinstance(node, promql_parser.AggregateExpr) and str(node.op) == "max" for node in parts(expr))


def names(expr: Any) -> set[str]:
    return {node.name for node in parts(expr) if isinstance(node, promql_parser.VectorSelector)}


def test_all_that_is_told_is_shown_or_watched(known: dict[str, set[str]]) -> None:
    """But what says the same as another figure, or needs a look by hand."""
    seen = {name for expr in expressions() for name in asked(expr)[0]}
    ours = {re.sub("_(total|bucket|sum|count)$", "", name) for name in known if name.startswith("recado_")}
    unseen = ours - {re.sub("_(total|bucket|sum|count)$", "", name) for name in seen}

    assert unseen == {
        "recado_bubbles", "recado_month_bubbles", "recado_account_waiting", "recado_conversations_due",
        "recado_conversations_overdue", "recado_oldest_due_seconds", "recado_rings_waiting", "recado_model_failures",
        "recado_model_rest_seconds", "recado_turns_heard", "recado_turns_stopped",
    }  # fmt: skip


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: Rule) -> None:
    """In both languages; and it names only labels that are left in its answer."""
    words = rule["annotations"]
    said = " ".join(words.values())
    labels = set(re.findall(r"\$labels\.(\w+)", said))

    assert set(words) == {"summary", "action", "summary_es", "action_es"}
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert {re.sub(r"[^{}$]|\w", "", words[one]) for one in ("summary", "summary_es")} == {
        re.sub(r"[^{}$]|\w", "", words["summary"])
    }
    assert labels <= asked(rule["expr"])[1] | ({"instance"} if rule["expr"].startswith("up{") else set())


def test_every_command_and_setting_that_an_alert_names_exists() -> None:
    said = " ".join(word for rule in rules() for word in rule["annotations"].values())
    settings_named = set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", said))
    commands = set(re.findall(r"python -m (bot|workers) (\w+)", said))

    assert {"LEASE_SECONDS"} <= settings_named <= {name.upper() for name in Settings.model_fields}
    assert {("bot", "dead"), ("bot", "status"), ("workers", "check")} <= commands
    for package, command in commands:
        assert re.search(rf'def {command}\(|name="{command}"|import {command}', text(f"{package}/__main__.py")), command


def test_the_dashboards_are_those_that_the_script_writes(tmp_path: Path) -> None:
    """Nobody edits them by hand, and both languages have the same panels in the same places."""
    script = str(GRAFANA / "make.py")
    subprocess.run([sys.executable, script, str(tmp_path)], check=True, timeout=30)
    both = [[(panel["gridPos"], panel["type"]) for panel in dashboard(language)["panels"]] for language in LANGUAGES]

    for language in LANGUAGES:
        assert json.loads((tmp_path / f"recado.{language}.json").read_text("utf-8")) == dashboard(language)
    assert both[0] == both[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_panel_covers_another(language: str) -> None:
    """Each has a number and a place of its own within 24 columns, and the data source that is provisioned."""
    panels = dashboard(language)["panels"]
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    sources = {target["datasource"]["uid"] for panel in charts(language) for target in panel["targets"]}
    (source,) = yaml.safe_load(text("deploy/grafana/provisioning/datasources/prometheus.yml"))["datasources"]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) == 23
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert sources == {source["uid"]}


def test_every_word_on_a_dashboard_exists_in_both_languages() -> None:
    panels = runpy.run_path(str(GRAFANA / "panels.py"))["PANELS"]
    titles = [pair for heading, charts in panels for pair in (heading, *(title for title, _, _ in charts))]
    legends = [legend for _, charts in panels for _, _, queries in charts for _, legend in queries]
    worded = [legend for legend in legends if re.search(r"[a-z]{3}", re.sub(r"\{\{\w+\}\}|p\d\d|poll", "", legend))]

    assert all(len(pair) == 2 and all(pair) for pair in titles)
    assert [legend for legend in worded if legend.count("|") != 1] == ["workers"]
