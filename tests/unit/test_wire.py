"""What comes over the wire from a model server is read or Unavailable, whatever it is; what is not read is ended."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from httpcore._sync import connection_pool

from bot.errors import Unavailable
from tests.contract.scripted import OLLAMA, Exchange, ScriptedServer
from workers.backends import _wire
from workers.backends._servers import Refusal, Server
from workers.backends._watch import Watch
from workers.backends._wire import Answers, Lines, Wire, as_object


@pytest.mark.parametrize("line", [b'{"a":' * 100_000, b"[1]", b"nonsense", b"\xff"], ids=["deep", "list", "no", "byte"])
def test_a_line_that_no_model_server_sends_is_unavailable(line: bytes) -> None:
    """However deep it is nested: the turn waits and is thought again; it is no failure of the turn."""
    with pytest.raises(Unavailable, match="LLM_BASE_URL"):
        as_object(Server.at("http://localhost:11434"), line)


@pytest.fixture
def no_garbage_is_collected() -> Iterator[None]:
    """But when a test says so."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Begins each answer, and says when its reader has gone; a small question it answers whole."""
    script = OLLAMA.begins("Hola", then=lambda exchange, _: exchange.wait_for_hang_up())
    with ScriptedServer(script) as server:
        server.pages["/api/tags"] = 200, {"models": []}
        yield server


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Answers]:
    """Those of each pool that is opened from here on."""
    opened: list[Answers] = []

    class Known(Answers):
        def __init__(self, http: Any) -> None:
            super().__init__(http)
            opened.append(self)

    monkeypatch.setattr(_wire, "Answers", Known)
    return opened


@pytest.fixture
def wire(answers: list[Answers]) -> Iterator[Wire]:
    """One that is stuck is left alone."""
    wire = Wire()
    yield wire
    in_time(wire.close)


def in_time(call: Callable[[], object], seconds: float = 10) -> list[object]:
    """What ``call`` returns, in a thread of its own; nothing when it is stuck, or raises Unavailable."""
    found: list[object] = []

    def run() -> None:
        with suppress(Unavailable):
            found.append(call())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "somebody waits for ever"
    return found


def begun(wire: Wire, server: ScriptedServer) -> Lines:
    """An answer of which one line is read."""
    lines = wire.lines(Server.at(server.url), "/api/chat", {}, Watch(5))
    assert "Hola" in next(lines)
    return lines


def ask(wire: Wire, server: ScriptedServer) -> Callable[[], object]:
    return partial(wire.ask, Server.at(server.url), "/api/tags")


def begin(wire: Wire, server: ScriptedServer) -> Callable[[], object]:
    return partial(begun, wire, server)


def break_off(wire: Wire, server: ScriptedServer) -> Callable[[], object]:
    """The server hangs up on who reads on."""
    server.scripts.append(OLLAMA.begins("Hola", then=lambda exchange, _: exchange.drop()))
    return partial(list, begun(wire, server))


def end(wire: Wire, server: ScriptedServer) -> Callable[[], object]:
    return begun(wire, server).close


@pytest.mark.usefixtures("no_garbage_is_collected")
@pytest.mark.parametrize("doing", [ask, begin, break_off, end])
def test_the_garbage_collector_may_come_while_the_pool_is_locked(
    wire: Wire, server: ScriptedServer, answers: list[Answers], monkeypatch: pytest.MonkeyPatch,
    doing: Callable[[Wire, ScriptedServer], Callable[[], object]],
) -> None:  # fmt: skip
    """It comes in any thread at any time, and no answer that was forgotten may wait for that lock. Such a one is ended
    all the same, so that its server stops thinking."""
    do = doing(wire, server)
    forgotten: list[Any] = [begun(wire, server)]
    forgotten.append(forgotten)
    del forgotten
    assign = connection_pool.ConnectionPool._assign_requests_to_connections

    def collecting(pool: connection_pool.ConnectionPool) -> list[Any]:
        gc.collect()
        return assign(pool)

    monkeypatch.setattr(connection_pool.ConnectionPool, "_assign_requests_to_connections", collecting)
    in_time(do)
    assert server.hung_up.wait(10)
    assert len(answers[0]) == 0
    assert in_time(ask(wire, server)) == [{"models": []}]


@pytest.mark.usefixtures("no_garbage_is_collected")
def test_an_answer_is_ended_with_the_one_who_reads_it(wire: Wire, server: ScriptedServer) -> None:
    """Without waiting for the garbage collector."""
    begun(wire, server).close()
    assert server.hung_up.wait(10)


def test_of_answers_that_are_over_nothing_is_kept(wire: Wire, server: ScriptedServer, answers: list[Answers]) -> None:
    """Whole, refused, broken off, given up."""
    server.pages["/api/gone"] = 404, {"error": "gone"}
    for _ in range(3):
        for doing in (ask, break_off, end):
            in_time(doing(wire, server))
        with pytest.raises(Refusal):
            wire.ask(Server.at(server.url), "/api/gone")
    assert len(answers[0]) == 0


def test_a_cookie_is_kept_for_nobody(wire: Wire) -> None:
    """Not even one that cannot be sent, with which no request would leave this process any more."""

    def script(exchange: Exchange) -> None:
        exchange.whole(200, OLLAMA.lines("Hola", end=True), Set_Cookie="where=caf\xe9; Path=/")

    with ScriptedServer(script) as server:
        for _ in range(2):
            assert list(wire.lines(Server.at(server.url), "/api/chat", {}, Watch(5)))
        assert [seen.headers["Cookie"] for seen in server.seen] == [None, None]
