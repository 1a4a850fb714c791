"""A worker's instruments as they are shown: what is there now, on which port, and in whose memory."""

from __future__ import annotations

import socket
import sys
import threading
from types import SimpleNamespace

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families as parsed

from tests.unit.mailboxes import ANA
from tests.unit.test_metrics import value
from tests.unit.worlds import World, holding
from workers import metrics
from workers.metrics import PORTS, Metrics


def test_what_is_in_hand_is_told_by_what_is_done_with_it(world: World) -> None:
    with holding(world.answerer, ANA) as held:
        held.leased, held.doing = True, "thinking"
        assert value(world, "recado_turns_in_hand", state="thinking") == 1
        held.doing = "speaking"
        assert value(world, "recado_turns_in_hand", state="thinking") == 0
        assert value(world, "recado_turns_in_hand", state="speaking") == 1
    assert value(world, "recado_turns_in_hand", state="speaking") == 0


def test_many_threads_lose_no_count() -> None:
    told = Metrics()
    threads = [threading.Thread(target=lambda: [told.limited("fake") for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert value(told, "recado_rate_limited_total", channel="fake") == 4000


def test_what_may_happen_is_there_at_zero() -> None:
    """A rate over the first hour knows that there was none before."""
    text = generate_latest(Metrics().registry).decode()

    for sample in ('recado_turn_retries_total{reason="model"} 0.0', 'recado_frequent_answers_total{outcome="hit"} 0.0'):
        assert sample in text


def test_workers_on_one_machine_take_a_port_each() -> None:
    """The second finds the first one's taken, and shows its own figures on another."""
    first, second = Metrics(), Metrics()
    first.serve("127.0.0.1", start := free_ports())
    second.serve("127.0.0.1", start)
    second.limited("fake")

    assert first.address == f"127.0.0.1:{start}" != second.address
    assert "recado_rate_limited_total{" not in httpx.get(f"http://{first.address}/metrics").text
    shown = httpx.get(f"http://{second.address}/metrics").text
    assert 'recado_rate_limited_total{channel="fake"} 1.0' in shown
    assert {"process_resident_memory_bytes", "process_cpu_seconds"} <= {family.name for family in parsed(shown)}
    assert "_created" not in shown


def free_ports() -> int:
    """The first of some ports on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_worker_that_gets_no_port_says_so_and_works(caplog: pytest.LogCaptureFixture) -> None:
    told = Metrics()
    told.serve("192.0.2.1", 9100)  # nobody's address here (RFC 5737)

    assert told.address == ""
    assert "WORKER_METRICS_PORT" in caplog.text
    assert f"9100 to {9100 + PORTS - 1}" in caplog.text


# -- an accelerator --------------------------------------------------------------------------------


def test_an_accelerators_memory_is_shown_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(
        is_initialized=lambda: True, device_count=lambda: 2, mem_get_info=lambda device: (3 - device, 10)
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    told = Metrics()

    assert value(told, "recado_gpu_memory_bytes", device="0", kind="used") == 7
    assert value(told, "recado_gpu_memory_bytes", device="1", kind="used") == 8
    assert value(told, "recado_gpu_memory_bytes", device="1", kind="total") == 10


def test_an_accelerator_that_broke_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker is then looked at by everybody: it must not vanish from the metrics and the roster."""

    def broken(_: int) -> tuple[int, int]:
        raise RuntimeError("CUDA error: unspecified launch failure")

    cuda = SimpleNamespace(is_initialized=lambda: True, device_count=lambda: 1, mem_get_info=broken)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    told = generate_latest(Metrics().registry).decode()
    assert "recado_turns_in_hand" in told
    assert "recado_gpu_memory_bytes" not in told


def test_looking_for_an_accelerator_loads_nothing() -> None:
    """Where no model runs in the worker there is none, and torch stays out."""
    assert "torch" in sys.modules or list(metrics.gpu_memory()) == []
    assert "gpu" not in generate_latest(Metrics().registry).decode() or "torch" in sys.modules
