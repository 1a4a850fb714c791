"""deploy/prometheus/alerts.yml, beyond what test_watching.py asks of each rule: what must not make one ring."""

from __future__ import annotations

import promql_parser
import pytest

from bot.figures import COUNTED
from tests.unit.test_watching import Rule, parts, rules

OF_REDIS = {f"{metric}_total" for metric, _ in COUNTED.values()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_restored_backup_rings_nobody(rule: Rule) -> None:
    """It has counted less. To increase() that is a counter that began anew, and all it shows happened just now."""
    nodes = list(parts(promql_parser.parse(rule["expr"])))
    ranges = [one for one in nodes if isinstance(one, promql_parser.MatrixSelector)]

    assert not {one.vector_selector.name for one in ranges} & OF_REDIS


def test_no_receiver_is_down_because_its_job_has_another_name() -> None:
    """As it has in Kubernetes: what only receivers tell of is there, or is not."""
    (rule,) = [rule for rule in rules() if rule["alert"] == "ReceiverDown"]

    assert rule["expr"] == "absent(recado_redis_up)"


def test_a_redis_that_starts_again_and_again_does_not_silence_its_alarm() -> None:
    """An answer now and then begins no new minute of waiting."""
    (rule,) = [rule for rule in rules() if rule["alert"] == "RedisDown"]

    assert rule["expr"] == "max(avg_over_time(recado_redis_up[2m])) < 0.5"


def test_whoever_is_refused_for_redis_sake_rings() -> None:
    """A Redis that is full answers every question, and takes nothing."""
    (rule,) = [rule for rule in rules() if rule["alert"] == "NothingAccepted"]

    assert 'recado_requests_refused_total{reason="unavailable"}' in rule["expr"]
    assert "unless" in rule["expr"]
