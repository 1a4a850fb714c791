"""A real worker's /metrics, traces and errors, beside what the world saw: a model away, a 429, a dead turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from simulator.chaos.poison import BACKEND, POISONER, RAISING, START
from simulator.people import People
from simulator.ports import free_port
from simulator.processes import wait_until
from tests.collectors import Collector, collecting
from tests.e2e.conftest import Installation

EVERY = {
    "recado_turns", "recado_turn_waited_seconds", "recado_turn_first_words_seconds", "recado_turn_answer_seconds",
    "recado_model_first_token_seconds", "recado_model_seconds", "recado_tokens", "recado_model_errors",
    "recado_turn_retries", "recado_deliveries", "recado_rate_limited", "recado_turns_in_hand",
    "recado_frequent_answers", "process_resident_memory_bytes", "process_cpu_seconds", "process_open_fds",
}  # fmt: skip
Scraped = Mapping[tuple[str, frozenset[str]], float]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def scrape(port: int) -> tuple[set[str], Scraped]:
    """The families, and every sample by its name and the values of its labels; nothing while nobody listens."""
    families = []
    with suppress(httpx.TransportError):
        families = list(parsed(httpx.get(f"http://127.0.0.1:{port}/metrics").text))
    samples = {(one.name, frozenset(one.labels.values())): one.value for family in families for one in family.samples}
    return {family.name for family in families}, samples


def value(port: int, name: str, *labels: str) -> float:
    return scrape(port)[1].get((name, frozenset(labels)), 0.0)


def faulty(folder: Path) -> str:
    """A folder for PYTHONPATH, in which a worker has a model that one message breaks."""
    (folder / "backends").mkdir(parents=True)
    (folder / "backends" / f"{RAISING}.py").write_text(BACKEND, encoding="utf-8")
    (folder / "faulty_workers.py").write_text(START, encoding="utf-8")
    return str(folder)


def test_a_worker_shows_what_the_world_saw(
    install: Callable[..., Installation], collector: Collector, tmp_path: Path
) -> None:
    """Every instrument is there, with the values of two answers, one model's 503, one 429 and one dead turn."""
    port = free_port()
    one = install(
        LLM_PROVIDER=RAISING, WORKER_METRICS_PORT=str(port), PYTHONPATH=faulty(tmp_path / "faulty"), LOG_FORMAT="json",
        SENTRY_DSN=collector.dsn, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="50",
    )  # fmt: skip
    one.start("receiver")
    one.processes.start("worker", "faulty_workers", "run")
    people = [People(one.telegram, 1, rate=50, first=POISONER), People(one.whatsapp, 1, rate=50)]
    one.model.fail_next(503, headers={"Retry-After": "1"})
    one.telegram.fail_next("sendMessage", 429)
    for somebody in people:
        somebody.everybody()
    assert one.settle(2).ok
    people[0].everybody()  # the second message of somebody like that
    assert wait_until(lambda: value(port, "recado_deliveries_total", "telegram", "sent") == 2, 15), scrape(port)
    names, found = scrape(port)

    assert names >= EVERY
    who = {("telegram", RAISING, "answered"): 1, ("whatsapp", RAISING, "answered"): 1, ("telegram", RAISING, "dead"): 1}
    for labels, count in who.items():
        assert found["recado_turns_total", frozenset(labels)] == count
    for channel, turns in (("telegram", 2), ("whatsapp", 1)):
        assert found["recado_turn_waited_seconds_count", frozenset([channel])] == turns
        for name in ("recado_turn_first_words_seconds", "recado_turn_answer_seconds"):
            assert found[f"{name}_count", frozenset([channel, RAISING])] == turns
            assert found[f"{name}_sum", frozenset([channel, RAISING])] > 0
    assert found["recado_model_seconds_count", frozenset([RAISING])] == 2
    assert found["recado_model_first_token_seconds_count", frozenset([RAISING])] == 2
    assert (
        found["recado_tokens_total", frozenset([RAISING, "in"])]
        > found["recado_tokens_total", frozenset([RAISING, "out"])]
        > 0
    )
    assert found["recado_model_errors_total", frozenset([RAISING, "unavailable"])] == 1
    assert [found["recado_turn_retries_total", frozenset([why])] for why in ("model", "error", "file")] == [1, 2, 0]
    assert found["recado_deliveries_total", frozenset(["telegram", "ratelimited"])] == 1
    assert found["recado_deliveries_total", frozenset(["whatsapp", "sent"])] == 1
    assert found["recado_rate_limited_total", frozenset(["telegram"])] == 1
    assert found["process_resident_memory_bytes", frozenset()] > 1 << 20
    assert wait_until(lambda: value(port, "recado_turns_in_hand", "speaking") == 0, 5)
    _told(one, collector)


def _told(one: Installation, collector: Collector) -> None:
    """Both collectors heard of it, and neither they nor the log of what anybody said."""
    log = one.processes.log("worker").read_text()
    assert wait_until(lambda: len(collector.spans) == 3 and len(collector.errors) >= 3, 10)
    outcomes = sorted(attributes["recado.outcome"] for _, attributes in collector.spans)
    assert outcomes == ["answered", "answered", "dead"]
    failed = [error for error in collector.errors if error["logentry"]["formatted"] == "a turn failed"]
    assert len(failed) == 3
    assert {error["tags"]["process"] for error in failed} == {"worker"}
    assert failed[0]["tags"]["conversation"] in log
    said = [message.text for platform in (one.telegram, one.whatsapp) for message in platform.said]
    assert said
    assert [text for text in said if text in log or text in collector.raw.decode("utf-8", "replace")] == []
