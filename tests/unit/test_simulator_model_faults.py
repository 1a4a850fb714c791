"""The simulated model servers queue, go away and fail as real ones do: when told to, or by chance from a seed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from simulator.models import ModelServer
from tests.unit.prompts import NATIVE, arrived, ask, body, both_wires, outcomes


@contextmanager
def asking(server: ModelServer, *names: str, path: str = NATIVE) -> Iterator[list[Future[httpx.Response]]]:
    """Everybody asks, surely in this order; who got no answer by the end has an exception."""
    with ThreadPoolExecutor(len(names)) as pool:
        waiting = []
        for number, name in enumerate(names, len(server.requests) + 1):
            waiting.append(pool.submit(ask, server, name, path=path))
            assert arrived(server, number)
        yield waiting


# -- one at a time --------------------------------------------------------------------------------


def held_back(server: ModelServer) -> Callable[[], None]:
    """Let nobody be answered until the returned function is called."""
    gate = threading.Event()

    def reply(_: dict[str, Any]) -> str:
        gate.wait(10)
        return "ok"

    server.reply = reply
    return gate.set


def test_one_is_served_at_a_time_and_the_others_in_order_of_arrival(models: ModelServer) -> None:
    models.parallel = 1
    served: list[str] = []
    all_here, inside, alone = threading.Event(), threading.Lock(), []

    def reply(asked: dict[str, Any]) -> str:
        alone.append(inside.acquire(blocking=False))
        all_here.wait(10)
        served.append(asked["messages"][-1]["content"])
        if alone[-1]:
            inside.release()
        return "ok"

    models.reply = reply
    names = [str(number) for number in range(8)]
    with asking(models, *names) as waiting:
        all_here.set()
        assert {future.result(20).status_code for future in waiting} == {200}

    assert served == names
    assert all(alone)
    assert models.wait_until(lambda: models.running == 0)


@both_wires
def test_beyond_the_queue_the_server_is_busy_in_ollamas_words(models: ModelServer, path: str) -> None:
    models.parallel, models.queue = 1, 2
    let_go = held_back(models)
    with asking(models, "a", "b", "c") as waiting:
        refused = ask(models, "d", path=path)
        assert refused.status_code == 503
        assert "server busy, please try again.  maximum pending requests exceeded" in refused.text
        let_go()
        assert [future.result(20).status_code for future in waiting] == [200, 200, 200]

    assert outcomes(models) == ["done", "done", "done", "busy"]


def test_who_leaves_the_queue_frees_a_place(models: ModelServer) -> None:
    models.parallel, models.queue = 1, 1
    let_go = held_back(models)
    with asking(models, "a"):
        with pytest.raises(httpx.ReadTimeout):
            ask(models, "b", timeout=0.2)
        assert models.wait_until(lambda: models.running == 1, 5)
        with asking(models, "c") as (late,):
            let_go()
            assert late.result(20).status_code == 200

    assert outcomes(models) == ["done", "left", "done"]


# -- gone -----------------------------------------------------------------------------------------


@both_wires
def test_a_server_that_is_down_takes_nothing_until_it_is_up_at_the_same_address(models: ModelServer, path: str) -> None:
    url = models.url
    models.down()
    with pytest.raises(httpx.RemoteProtocolError):
        ask(models, "hola", path=path)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{url}/api/tags")
    models.up()

    assert models.url == url
    assert ask(models, "hola", path=path).status_code == 200
    assert outcomes(models) == ["refused", "done"]


def test_going_down_cuts_who_is_served_and_who_waits(models: ModelServer) -> None:
    """Also when the server is back before they have noticed."""
    models.parallel, models.delay = 1, 60
    with asking(models, "a", "b") as waiting:
        models.down()
        models.up()
        assert all(isinstance(future.exception(10), httpx.HTTPError) for future in waiting)

    assert outcomes(models) == ["cut", "cut"]
    models.delay = 0
    assert ask(models, "c").status_code == 200


# -- told faults ----------------------------------------------------------------------------------


@both_wires
@pytest.mark.parametrize("stream", [True, False])
def test_garbage_is_what_no_protocol_allows(models: ModelServer, path: str, *, stream: bool) -> None:
    models.garbage_next()
    got = httpx.post(models.url + path, json=body("hola", stream=stream)).content

    assert b"<html>502" in got
    assert b'"done": true' not in got
    assert b"[DONE]" not in got


@both_wires
def test_garbage_may_come_after_some_pieces(models: ModelServer, path: str) -> None:
    models.garbage_next(after_pieces=2)
    before, html, _ = ask(models, "a b c", path=path).text.partition("<html>")

    assert html
    assert '"a "' in before
    assert '"b "' not in before


@both_wires
def test_an_answer_shorter_than_its_cut_is_cut_before_its_end(models: ModelServer, path: str) -> None:
    models.cut_next(after_pieces=99)
    got: list[str] = []
    with pytest.raises(httpx.RemoteProtocolError), httpx.stream("POST", models.url + path, json=body("a b")) as cut:
        got.extend(cut.iter_lines())

    text = "".join(got)
    assert '"b"' in text
    assert '"done": true' not in text
    assert '"stop"' not in text


def test_slow_and_trickling_answers_are_whole(models: ModelServer) -> None:
    models.slow_first(0.2)
    models.trickle(0.1)
    slow, trickling = ask(models, "a b"), ask(models, "a b")

    assert "".join(json.loads(line)["message"]["content"] for line in slow.iter_lines()) == "re: a b"
    assert trickling.text.count('"done": true') == 1
    first, second = models.requests
    assert first.first is not None
    assert first.first - first.time >= 0.2
    assert second.first is not None
    assert second.ended is not None
    assert second.ended - second.first >= 0.2
