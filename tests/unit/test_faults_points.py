"""The proxy before Redis breaks exactly what it was told to, at the very command."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from simulator.faults import CUT, SWALLOW, Delay, Point, RedisProxy, kill
from simulator.faults.plan import When
from simulator.processes import wait_until
from tests.servers import PATIENCE
from tests.unit.proxied import WHEN, Client, Server, names, port_of


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("occurrence", [1, 3])
def test_a_cut_is_where_it_was_planned(through: RedisProxy, client: Client, when: When, occurrence: int) -> None:
    """before: not done. after: done, and the client does not know."""
    many = client(through)
    many.ping()
    through.restart_count()
    fired = through.at(Point("incrby", occurrence, when), CUT)
    for _ in range(occurrence - 1):
        many.incr("n")
        many.set("other", 5)
    assert not fired.is_set()
    with pytest.raises(redis.exceptions.ConnectionError):
        many.incr("n")
    assert fired.wait(PATIENCE)
    assert through.fired.is_set()
    assert int(many.get("n") or 0) == (occurrence if when == "after" else occurrence - 1)
    assert many.incr("n"), "it happens once"


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("k", range(1, 7))
def test_a_pipeline_is_cut_at_the_very_command(
    through: RedisProxy, server: Server, client: Client, when: When, k: int
) -> None:
    """All commands come in one packet; exactly those up to the point are done."""
    many = client(through)
    many.ping()
    through.restart_count()
    fired = through.at(Point.nth(k, when), CUT)
    pipe = many.pipeline(transaction=False)
    for n in range(1, 7):
        pipe.rpush("done", n)
    with pytest.raises(redis.exceptions.ConnectionError):
        pipe.execute()
    assert fired.wait(PATIENCE)
    direct, last = client(server), k if when == "after" else k - 1
    assert wait_until(lambda: direct.llen("done") == last, PATIENCE)
    assert wait_until(lambda: len(direct.client_list()) == 1, PATIENCE), "Redis has seen the connection end"
    assert direct.llen("done") == last


def test_a_transaction_that_is_cut_is_not_done(through: RedisProxy, server: Server, client: Client) -> None:
    through.at(Point("exec"), CUT)
    with pytest.raises(redis.exceptions.ConnectionError):
        client(through).pipeline().set("a", 1).set("b", 2).execute()
    assert client(server).keys() == []


@pytest.mark.parametrize("when", WHEN)
def test_a_swallowed_command_is_never_answered(through: RedisProxy, server: Server, client: Client, when: When) -> None:
    """Its connection stays open, with the earlier answers and without the later ones; others go on."""
    through.at(Point("incr", 2, when), SWALLOW)
    with socket.create_connection(("127.0.0.1", port_of(through)), PATIENCE) as link:
        link.sendall(b"INCR n\r\nINCR n\r\nINCR n\r\n")
        assert link.recv(64) == b":1\r\n"
        assert through.fired.wait(PATIENCE)
        assert client(through).incr("others") == 1
        link.sendall(b"INCR n\r\n")
        link.settimeout(0.3)
        with pytest.raises(TimeoutError):
            link.recv(64)
    assert client(server).get("n") == (b"2" if when == "after" else b"1")
    assert names(through).count("incr") == 2, "what comes after it reaches nobody"


@pytest.mark.parametrize("when", WHEN)
def test_a_delay_holds_one_command_and_nobody_else(
    through: RedisProxy, server: Server, client: Client, when: When
) -> None:
    through.at(Point("incrby", 1, when), Delay(0.4))
    with ThreadPoolExecutor(1) as thread:
        started = time.monotonic()
        slow = thread.submit(client(through).incr, "n")
        assert through.fired.wait(PATIENCE)
        assert client(through).ping()
        assert slow.result(PATIENCE) == 1
        assert time.monotonic() - started >= 0.4


@pytest.mark.parametrize("when", WHEN)
def test_a_callers_action_sees_the_moment(through: RedisProxy, server: Server, client: Client, when: When) -> None:
    """before: Redis has not done it. after: it has; the client is cut either way, and other clients go on."""
    seen: list[object] = []
    through.at(Point("set", 1, when), lambda: seen.append((client(server).get("a"), client(through).ping())))
    with pytest.raises(redis.exceptions.ConnectionError):
        client(through).set("a", "done")
    assert through.fired.wait(PATIENCE)
    assert seen == [(b"done" if when == "after" else None, True)]


WRITER = """
import redis, sys
client = redis.Redis.from_url(sys.argv[1])
client.set("first", "yes")
client.set("second", "yes")
client.set("third", "yes")
"""


@pytest.mark.parametrize(("when", "done"), [("before", 1), ("after", 2)])
def test_a_process_dies_at_the_point(
    through: RedisProxy, server: Server, client: Client, when: When, done: int
) -> None:
    started = threading.Event()

    def murder() -> None:
        started.wait(PATIENCE)
        kill(process)

    fired = through.at(Point("set", 2, when), murder)
    process = subprocess.Popen([sys.executable, "-c", WRITER, through.url])
    started.set()
    assert fired.wait(PATIENCE)
    assert process.wait(PATIENCE) == -9
    assert client(server).dbsize() == done


def test_what_an_action_raises_is_kept(through: RedisProxy, client: Client) -> None:
    def fail() -> None:
        raise ValueError("no such process")

    through.at(Point("ping"), fail)
    with pytest.raises(redis.exceptions.ConnectionError):
        client(through).ping()
    assert [str(error) for error in through.errors] == ["no such process"]


def test_subscribing_moves_no_point(through: RedisProxy, client: Client) -> None:
    """After messages that nobody asked for, an answer still belongs to its own command."""
    many = client(through, protocol=3)
    with many.pubsub() as listener:
        listener.subscribe("a", "b", "c")
        many.publish("a", "hello")
        through.at(Point("ping", 1, "after"), CUT)
        listener.ping()
        heard = [listener.get_message(timeout=PATIENCE)["type"] for _ in range(4)]
        with pytest.raises(redis.exceptions.ConnectionError):
            listener.get_message(timeout=PATIENCE)
    assert heard == ["subscribe", "subscribe", "subscribe", "message"]


def test_a_fault_does_not_come_back_when_the_count_does(through: RedisProxy, client: Client) -> None:
    through.at(Point("ping"), CUT)
    with pytest.raises(redis.exceptions.ConnectionError):
        client(through).ping()
    through.restart_count()
    assert client(through).ping()
    assert not through.fired.is_set()


def test_what_is_planned_can_be_forgotten(through: RedisProxy, client: Client) -> None:
    through.at(Point("ping"), CUT)
    through.forget()
    assert client(through).ping()
    assert not through.fired.is_set()


def test_the_count_starts_again_with_an_empty_trace(through: RedisProxy, client: Client) -> None:
    many = client(through)
    for _ in range(2):
        many.ping()
    through.restart_count()
    many.ping()
    assert [(passed.number, passed.name) for passed in through.trace] == [(1, "ping")]
