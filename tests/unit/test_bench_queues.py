"""The queues that `make bench` compares: the same job for each, the same kills, and the same way to count."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import redis

from bot.stores import embedded
from bot.stores.connection import connect
from simulator.models import ModelServer
from simulator.processes import wait_until

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("_queues")


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("order")


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    store = connect("", tmp_path, 5)
    store.ping()
    yield f"unix://{embedded.socket_path(tmp_path)}"
    store.close()
    embedded.leave(tmp_path)


def test_a_message_is_out_of_order_when_a_later_one_came_before_it(order: ModuleType) -> None:
    assert order.reordered([1, 2, 3]) == 0
    assert order.reordered([2, 1, 3]) == 1
    assert order.reordered([3, 1, 2]) == 2
    assert order.reordered([1, 2, 1, 3]) == 0, "an answer that comes again is doubled, not late"


def test_a_message_counts_once_however_often_it_was_doubled(order: ModuleType) -> None:
    everything = list(range(1, order.MESSAGES + 1))

    assert (order.missing(everything), order.doubled(everything)) == (0, 0)
    assert (order.missing([*everything[1:], 2]), order.doubled([1, 1, 1, 2, 2])) == (1, 2)


def test_the_schedule_is_the_same_for_everybody_and_in_each_persons_order(
    order: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "BETWEEN", 0.0)
    seen: list[list[tuple[int, int]]] = [[], []]
    for written in seen:
        order.schedule(lambda person, number, written=written: written.append((person, number)), lambda _: None)

    assert seen[0] == seen[1]
    for person in range(order.CONVERSATIONS):
        assert [number for who, number in seen[0] if who == person] == list(range(1, order.MESSAGES + 1))


def test_a_worker_is_killed_together_with_the_process_that_runs_its_job(queues: ModuleType, url: str) -> None:
    """RQ's forked job is in a process group of its own, and would go on as if nothing had happened."""
    with ModelServer(600) as model, queues.Workers(queues.FORK, url, MODEL_URL=model.url) as workers:
        workers.put("ask", "hello")
        assert model.wait_until(lambda: model.running == 1, 30)

        killed = workers.running[0].pid
        workers.kill(0)

        assert model.wait_until(lambda: model.running == 0, 10), "the job goes on asking"
        assert workers.running[0].pid != killed
        assert workers.running[0].poll() is None


@pytest.mark.parametrize("kind", ["OURS", "SIMPLE"])
def test_each_worker_makes_the_same_call(queues: ModuleType, url: str, kind: str) -> None:
    library = getattr(queues, kind)
    with ModelServer() as model, queues.Workers(library, url, slots=2, MODEL_URL=model.url) as workers:
        for words in ("one", "two"):
            workers.put("ask", words)

        assert model.wait_until(lambda: sum(one.outcome == "done" for one in model.requests) == 2, 30)
        assert {one.said[-1][1] for one in model.requests} == {"one", "two"}


def test_a_numbered_message_is_noted_once_it_is_answered(queues: ModuleType, url: str) -> None:
    with queues.Workers(queues.SIMPLE, url) as workers, redis.Redis.from_url(url) as client:
        for number in (1, 2):
            workers.put("note", 7, number, 0.0)

        assert wait_until(lambda: client.lrange(f"{workers.queue}:answered:7", 0, -1) == [b"1", b"2"], 30)
