"""The proxy before Redis changes nothing unless told to; told to be out of order for a while, it is for all."""

from __future__ import annotations

import hashlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from bot.message import Message
from bot.stores.connection import connect
from bot.stores.mailbox import Mailbox
from simulator.faults import CUT, SWALLOW, Action, Delay, Point, RedisProxy, kill, proxy
from simulator.processes import wait_until
from tests.servers import PATIENCE
from tests.unit.proxied import Client, Server, names, port_of

# -- nothing is planned


@pytest.mark.parametrize("protocol", [2, 3])
def test_sixteen_threads_get_their_own_answers(through: RedisProxy, client: Client, protocol: int) -> None:
    """Plain commands, pipelines, transactions and lists, in both protocols, all at once."""
    many = client(through, protocol=protocol)

    def use(who: int) -> None:
        for n in range(40):
            value = f"{who}:{n}:".encode() * (1 + n * who % 97)
            assert many.set(f"k{who}", value)
            assert many.get(f"k{who}") == value
            with many.pipeline(transaction=bool(n % 2)) as pipe:
                for i in range(20):
                    pipe.rpush(f"l{who}:{n}", value, i)
                pipe.lrange(f"l{who}:{n}", 0, -1).get("none").hgetall("none").smembers("none")
                *lengths, items, none, no_hash, no_set = pipe.execute()
            assert lengths == list(range(2, 42, 2))
            assert items == [part for i in range(20) for part in (value, str(i).encode())]
            assert (none, no_hash, no_set) == (None, {}, set())

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(use, range(16)))
    assert through.errors == []
    assert names(through).count("rpush") == 16 * 40 * 20
    assert names(through).count("exec") == names(through).count("multi") == 16 * 20
    assert [passed.number for passed in through.trace] == list(range(1, len(through.trace) + 1))


def test_who_waits_for_work_gets_it_and_delays_nobody(through: RedisProxy, client: Client) -> None:
    """BLMOVE on many connections, each element moved once."""
    many = client(through)
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(many.blmove, "in", "out", PATIENCE) for _ in range(8)]
        assert wait_until(lambda: names(through).count("blmove") == 8, PATIENCE)
        assert many.ping()
        many.rpush("in", *range(8))
        moved = sorted(int(one.result(PATIENCE)) for one in waiting)
    assert moved == list(range(8))
    assert sorted(int(one) for one in many.lrange("out", 0, -1)) == list(range(8))


@pytest.mark.parametrize("protocol", [2, 3])
def test_what_is_published_arrives_in_between(through: RedisProxy, client: Client, protocol: int) -> None:
    many = client(through, protocol=protocol)
    with many.pubsub() as listener:
        listener.subscribe("a", "b")
        listener.psubscribe("c*")
        for channel in ("a", "b", "c1"):
            many.publish(channel, f"for {channel}")
        told = (listener.get_message(timeout=PATIENCE) for _ in range(6))
        heard = [(one["type"], one["channel"]) for one in told if one]
    assert heard == [
        *(("subscribe", b"a"), ("subscribe", b"b"), ("psubscribe", b"c*")),
        *(("message", b"a"), ("message", b"b"), ("pmessage", b"c1")),
    ]


def test_large_values_pass_unchanged(through: RedisProxy, client: Client) -> None:
    value = bytes(range(256)) * (5 << 12)
    many = client(through)
    many.set("large", value)
    many.rpush("list", *range(50_000))

    assert many.get("large") == value
    assert many.lrange("list", 0, -1) == [str(i).encode() for i in range(50_000)]


def test_what_was_sent_before_leaving_still_arrives(through: RedisProxy, server: Server, client: Client) -> None:
    """A client that does not wait for its answers, in the form for people that Redis reads too."""
    with socket.create_connection(("127.0.0.1", port_of(through))) as link:
        link.sendall(b"\r\nSET left yes\r\n" * 100 + b"*3\r\n$3\r\nSET\r\n$4\r\nlast\r\n$3\r\nyes\r\n")
    assert wait_until(lambda: client(server).get("last") == b"yes", PATIENCE)
    assert names(through) == ["set"] * 101


def test_redis_is_told_when_a_client_leaves(through: RedisProxy, server: Server, client: Client) -> None:
    """So nothing is moved for somebody who waits no longer."""
    direct = client(server)
    with socket.create_connection(("127.0.0.1", port_of(through))) as link:
        link.sendall(b"BLMOVE in out LEFT LEFT 0\r\n")
        assert wait_until(lambda: direct.info("clients")["blocked_clients"] == 1, PATIENCE)
    assert wait_until(lambda: direct.info("clients")["blocked_clients"] == 0, PATIENCE)


def test_scripts_go_by_their_own_names(through: RedisProxy, client: Client) -> None:
    """Learned from EVAL and SCRIPT LOAD; a script nobody has seen goes by its hash."""
    shared, take, unnamed = "-- shared by all\nlocal x = 1\n", "-- take: a turn\nreturn 1", "return 2 -- x: y"
    many = client(through)
    many.eval(shared + take, 0)
    loaded = many.script_load("-- give: nothing\n-- take: not this\nreturn 3")
    many.evalsha(hashlib.sha1((shared + take).encode()).hexdigest().upper(), 0)
    many.evalsha(loaded, 0)
    many.eval(unnamed, 0)
    with pytest.raises(redis.exceptions.NoScriptError):
        many.evalsha("0123456789abcdef0123456789abcdef01234567", 0)
    scripts = names(through)[-6:]
    assert scripts == ["take", "script", "take", "give", hashlib.sha1(unnamed.encode()).hexdigest()[:8], "01234567"]


def test_the_products_own_steps_have_names(through: RedisProxy, tmp_path: Path) -> None:
    store = connect(through.url, tmp_path, PATIENCE)
    mailbox = Mailbox(store, lease=15, quiet=0, cap=0, days=30)
    for n in range(2):
        mailbox.accept([Message(str(n), "telegram:1:2", "hello")])
    store.close()
    assert names(through)[-2:] == ["accept", "accept"]


@pytest.mark.parametrize("script", sorted(Path("bot/stores").glob("*.lua")), ids=lambda path: path.stem)
def test_no_comment_gives_a_script_another_name(script: Path) -> None:
    """What scripts share is put before them, and a line of it that looks like a name would be theirs."""
    found = proxy._NAME.search(script.read_bytes())
    assert found is None or found[1].decode() == script.stem


def test_the_trace_does_not_grow_for_ever(through: RedisProxy, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "KEPT", 50)
    many = client(through)
    for _ in range(400):
        many.ping()
    assert 50 <= len(through.trace) <= 100
    assert through.trace[-1].number >= 400


# -- for a while


def test_nothing_gets_through_a_blackhole(through: RedisProxy, server: Server, client: Client) -> None:
    """Connections stay, new ones are made, nobody answers; what was sent arrives late, as on a real network."""
    old, new = client(through, socket_timeout=0.3), client(through, socket_timeout=0.3)
    assert old.ping()
    through.blackhole()
    for one in (old, new):
        with pytest.raises(redis.exceptions.TimeoutError):
            one.incr("late")
    assert client(server).get("late") is None
    through.heal()
    assert client(through).ping()
    assert wait_until(lambda: client(server).get("late") == b"1", PATIENCE), "the one that was connected before"


def test_refused_means_refused_until_healed(through: RedisProxy, client: Client) -> None:
    """Who is connected is cut, who comes is refused, on a port that stays ours."""
    many, waiting = client(through), client(through)
    assert many.ping()
    with ThreadPoolExecutor(1) as thread:
        blocked = thread.submit(waiting.blmove, "a", "b", PATIENCE)
        assert wait_until(lambda: "blmove" in names(through), PATIENCE)
        for _ in range(2):
            through.refuse()
        with pytest.raises(redis.exceptions.ConnectionError):
            blocked.result(PATIENCE)
    with pytest.raises(redis.exceptions.ConnectionError):
        many.ping()
    with pytest.raises(redis.exceptions.ConnectionError, match="refused"):
        many.ping()
    for _ in range(2):
        through.heal()
    assert many.ping()


def test_a_delay_for_all(through: RedisProxy, client: Client) -> None:
    many = client(through)
    many.ping()
    through.delay = 0.2
    started = time.monotonic()
    assert many.ping()
    assert time.monotonic() - started >= 0.2


def test_an_action_may_be_a_fault_that_lasts(through: RedisProxy, client: Client) -> None:
    fired = through.at(Point("ping"), through.refuse)
    with pytest.raises(redis.exceptions.ConnectionError):
        client(through).ping()
    assert fired.wait(PATIENCE)
    with pytest.raises(redis.exceptions.ConnectionError, match="refused"):
        client(through).ping()


def test_a_redis_that_dies_is_seen_to_die_and_to_come_back(tmp_path: Path, client: Client) -> None:
    behind = Server(tmp_path)
    behind.start()
    try:
        with RedisProxy("127.0.0.1", behind.port) as through:
            many = client(through)
            many.set("kept", "yes")
            kill(behind.process)
            for _ in range(2):
                with pytest.raises(redis.exceptions.ConnectionError):
                    many.ping()
            behind.start()
            assert many.get("kept") == b"yes"
            assert through.errors == []
    finally:
        kill(behind.process)


def test_what_is_no_protocol_is_noted(through: RedisProxy) -> None:
    with socket.create_connection(("127.0.0.1", port_of(through)), PATIENCE) as link:
        link.sendall(b"*1\r\n?what\r\n")
        assert link.recv(64) == b""
    assert wait_until(lambda: len(through.errors) == 1, PATIENCE)


@pytest.mark.parametrize("action", [CUT, SWALLOW, Delay(30)])
def test_leaving_ends_whatever_is_under_way(server: Server, client: Client, action: Action) -> None:
    with RedisProxy("127.0.0.1", server.port) as through, ThreadPoolExecutor(1) as thread:
        through.at(Point("ping"), action)
        thread.submit(client(through, socket_timeout=0.2).ping)
        assert through.fired.wait(PATIENCE)
        through.blackhole()
    assert not through._thread.is_alive()
